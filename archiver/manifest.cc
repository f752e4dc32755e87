#include "archiver/manifest.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <boost/json.hpp>
#include <charconv>
#include <utility>

#include "base/assert.h"

namespace penstock::archiver {
namespace {

namespace json = boost::json;

constexpr std::string_view kFormatName = "penstock archive manifest";
constexpr std::string_view kChecksumField = "\"checksum\": \"";
constexpr std::string_view kClosing = "\"\n}\n";
constexpr std::size_t kChecksumDigits = 32;
constexpr std::size_t kTrailerSize = kChecksumField.size() + kChecksumDigits + kClosing.size();

std::string checksum(std::string_view text) {
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return record::Hash128{.low = hash.low64, .high = hash.high64}.to_string();
}

std::string text_of(const std::optional<Timestamp>& timestamp) {
  return timestamp ? std::to_string(timestamp->ms()) : "null";
}

// Names in a manifest are topic names and object names: nothing in them needs escaping.
std::string encode_chunk(const ChunkEntry& chunk) {
  return fmt::format(
      R"(    {{"object": "{}", "base": {}, "end": {}, "records": {}, "min_timestamp_ms": {}, )"
      R"("max_timestamp_ms": {}, "hash_sum": "{}", "bytes": {}, "xxh3_128": "{}", )"
      R"("closed_at_ms": {}}})",
      chunk.object, chunk.base.value(), chunk.end.value(), chunk.records,
      text_of(chunk.min_timestamp), text_of(chunk.max_timestamp), chunk.hash_sum.to_string(),
      chunk.size_bytes, chunk.object_hash.to_string(), chunk.closed_at.ms());
}

std::string encode_lost(const LostRange& lost) {
  return fmt::format(R"(    {{"base": {}, "end": {}, "noticed_at_ms": {}}})", lost.base.value(),
                     lost.end.value(), lost.noticed_at.ms());
}

template <typename Entries, typename Encode>
std::string encode_list(const Entries& entries, Encode encode_one) {
  std::string out = "[";
  std::string_view separator = "\n";
  for (const auto& entry : entries) {
    out.append(separator).append(encode_one(entry));
    separator = ",\n";
  }
  return out += entries.empty() ? "]" : "\n  ]";
}

// Takes fields out of an object and remembers the first that is not as it should be.
class Fields {
 public:
  explicit Fields(const json::value& value) : object_(value.if_object()) {
    if (object_ == nullptr) problem_ = "an entry that is no object";
  }

  std::int64_t integer(std::string_view name) {
    const json::value* value = find(name);
    if (value != nullptr && value->is_int64()) return value->get_int64();
    return refuse<std::int64_t>(name);
  }
  std::uint64_t natural(std::string_view name) {
    const json::value* value = find(name);
    if (value != nullptr && value->is_uint64()) return value->get_uint64();
    if (value != nullptr && value->is_int64() && value->get_int64() >= 0) {
      return static_cast<std::uint64_t>(value->get_int64());
    }
    return refuse<std::uint64_t>(name);
  }
  std::string text(std::string_view name) {
    const json::value* value = find(name);
    if (value != nullptr && value->is_string()) return std::string(value->get_string());
    return refuse<std::string>(name);
  }
  std::optional<Timestamp> optional_timestamp(std::string_view name) {
    const json::value* value = find(name);
    if (value != nullptr && value->is_null()) return std::nullopt;
    return Timestamp(integer(name));
  }
  record::Hash128 hash(std::string_view name) {
    const auto parsed = record::Hash128::parse(text(name));
    return parsed ? *parsed : refuse<record::Hash128>(name);
  }
  const json::array& list(std::string_view name) {
    static const json::array kNone;
    const json::value* value = find(name);
    if (value != nullptr && value->is_array()) return value->get_array();
    refuse<int>(name);
    return kNone;
  }
  const std::string& problem() const { return problem_; }

 private:
  const json::value* find(std::string_view name) const {
    return object_ == nullptr ? nullptr : object_->if_contains(name);
  }
  template <typename T>
  T refuse(std::string_view name) {
    if (problem_.empty()) problem_ = "field '" + std::string(name) + "' is missing or malformed";
    return T{};
  }

  const json::object* object_;
  std::string problem_;
};

std::unexpected<Error> corrupt(const std::string& why) {
  return fail(Errc::kCorrupt, "archive manifest: " + why);
}

Result<ChunkEntry> decode_chunk(const json::value& value) {
  Fields fields(value);
  ChunkEntry chunk;
  chunk.object = fields.text("object");
  chunk.base = Offset(fields.integer("base"));
  chunk.end = Offset(fields.integer("end"));
  chunk.records = fields.natural("records");
  chunk.min_timestamp = fields.optional_timestamp("min_timestamp_ms");
  chunk.max_timestamp = fields.optional_timestamp("max_timestamp_ms");
  chunk.hash_sum = fields.hash("hash_sum");
  chunk.size_bytes = fields.natural("bytes");
  chunk.object_hash = fields.hash("xxh3_128");
  chunk.closed_at = Timestamp(fields.integer("closed_at_ms"));
  if (!fields.problem().empty()) return corrupt("chunk: " + fields.problem());
  return chunk;
}

Result<LostRange> decode_lost(const json::value& value) {
  Fields fields(value);
  LostRange lost;
  lost.base = Offset(fields.integer("base"));
  lost.end = Offset(fields.integer("end"));
  lost.noticed_at = Timestamp(fields.integer("noticed_at_ms"));
  if (!fields.problem().empty()) return corrupt("lost range: " + fields.problem());
  return lost;
}

Result<Manifest> decode_body(const json::value& body) {
  Fields fields(body);
  if (fields.text("format") != kFormatName) return corrupt("another format");
  if (const auto version = fields.integer("version"); version != kManifestVersion) {
    return fail(Errc::kUnsupportedVersion,
                fmt::format("archive manifest of format version {}; this build reads version {}",
                            version, kManifestVersion));
  }
  Manifest manifest;
  manifest.topic = fields.text("topic");
  const auto id = Uuid::parse(fields.text("topic_id"));
  if (!id) return corrupt("topic id");
  manifest.topic_id = *id;
  const std::int64_t partition = fields.integer("partition");
  if (!std::in_range<std::int32_t>(partition)) return corrupt("partition number");
  manifest.partition = PartitionId(static_cast<std::int32_t>(partition));
  manifest.generation = fields.natural("generation");
  manifest.start = Offset(fields.integer("start"));
  const std::int64_t end = fields.integer("end");
  for (const json::value& value : fields.list("chunks")) {
    PENSTOCK_TRY_ASSIGN(ChunkEntry chunk, decode_chunk(value));
    manifest.chunks.push_back(std::move(chunk));
  }
  for (const json::value& value : fields.list("lost")) {
    PENSTOCK_TRY_ASSIGN(const LostRange lost, decode_lost(value));
    manifest.lost.push_back(lost);
  }
  if (!fields.problem().empty()) return corrupt(fields.problem());
  if (manifest.end() != Offset(end)) return corrupt("its ranges do not reach its end");
  PENSTOCK_TRY(check(manifest));
  return manifest;
}

bool is_object_of(const Manifest& manifest, const std::string& object) {
  const std::string folder =
      manifest.topic + "/" + std::to_string(manifest.partition.value()) + "/";
  if (!object.starts_with(folder) || object.find("..") != std::string::npos) return false;
  return object.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
             "._-/=") == std::string::npos;
}

Status check_chunk(const Manifest& manifest, const ChunkEntry& chunk) {
  const bool has_times = chunk.min_timestamp && chunk.max_timestamp;
  if (!is_object_of(manifest, chunk.object)) return corrupt("object '" + chunk.object + "'");
  if (chunk.end <= chunk.base) return corrupt("an empty chunk");
  if (chunk.records > static_cast<std::uint64_t>(chunk.end - chunk.base)) {
    return corrupt(chunk.object + ": more records than offsets");
  }
  if ((chunk.records > 0) != has_times ||
      (has_times && *chunk.max_timestamp < *chunk.min_timestamp))
    return corrupt(chunk.object + ": timestamps");
  return {};
}

}  // namespace

Offset Manifest::end() const {
  Offset end = start;
  if (!chunks.empty()) end = std::max(end, chunks.back().end);
  if (!lost.empty()) end = std::max(end, lost.back().end);
  return end;
}

std::uint64_t Manifest::records() const {
  std::uint64_t sum = 0;
  for (const ChunkEntry& chunk : chunks) sum += chunk.records;
  return sum;
}

std::int64_t Manifest::lost_offsets() const {
  std::int64_t sum = 0;
  for (const LostRange& range : lost) sum += range.end - range.base;
  return sum;
}

Status check(const Manifest& manifest) {
  if (!is_valid_topic_name(manifest.topic)) return corrupt("topic name");
  if (manifest.partition.value() < 0) return corrupt("partition number");
  if (manifest.start < Offset(0)) return corrupt("start");
  Offset at = manifest.start;
  auto lost = manifest.lost.begin();
  auto chunk = manifest.chunks.begin();
  while (chunk != manifest.chunks.end() || lost != manifest.lost.end()) {
    if (chunk != manifest.chunks.end() && chunk->base == at) {
      PENSTOCK_TRY(check_chunk(manifest, *chunk));
      at = (chunk++)->end;
    } else if (lost != manifest.lost.end() && lost->base == at && lost->end > at) {
      at = (lost++)->end;
    } else {
      return corrupt(fmt::format("gap or overlap at offset {}", at.value()));
    }
  }
  return {};
}

Bytes encode(const Manifest& manifest) {
  PENSTOCK_ASSERT(check(manifest).has_value(), "a manifest keeps its invariants");
  std::string text = fmt::format(
      "{{\n  \"format\": \"{}\",\n  \"version\": {},\n  \"topic\": \"{}\",\n  \"topic_id\": \"{}\","
      "\n  \"partition\": {},\n  \"generation\": {},\n  \"start\": {},\n  \"end\": {},\n",
      kFormatName, kManifestVersion, manifest.topic, manifest.topic_id.to_string(),
      manifest.partition.value(), manifest.generation, manifest.start.value(),
      manifest.end().value());
  text += "  \"chunks\": " + encode_list(manifest.chunks, encode_chunk) + ",\n";
  text += "  \"lost\": " + encode_list(manifest.lost, encode_lost) + ",\n  ";
  const std::string sum = checksum(text);
  text.append(kChecksumField).append(sum).append(kClosing);
  const ByteView bytes = as_bytes(text);
  return Bytes(bytes.begin(), bytes.end());
}

Result<Manifest> decode(ByteView bytes) {
  const std::string_view text = as_text(bytes);
  if (text.size() < kTrailerSize) return corrupt("too short");
  const std::string_view body = text.substr(0, text.size() - kTrailerSize);
  const std::string expected = std::string(kChecksumField) + checksum(body) + std::string(kClosing);
  if (text.substr(body.size()) != expected) return corrupt("checksum");
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error) return corrupt(error.message());
  return decode_body(value);
}

std::string manifest_name(const std::string& topic, PartitionId partition) {
  return topic + "/" + std::to_string(partition.value()) + "/manifest.json";
}

Status check_place(const Manifest& manifest, std::string_view object) {
  const std::string place = manifest_name(manifest.topic, manifest.partition);
  if (place == object) return {};
  return fail(Errc::kForeignData,
              std::string(object) + " is the manifest that belongs at " + place);
}

std::optional<ManifestName> parse_manifest_name(std::string_view object) {
  constexpr std::string_view kSuffix = "/manifest.json";
  if (!object.ends_with(kSuffix)) return std::nullopt;
  object.remove_suffix(kSuffix.size());
  const std::size_t slash = object.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view digits = object.substr(slash + 1);
  std::int32_t partition = -1;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), partition);
  if (error != std::errc() || end != digits.data() + digits.size() || partition < 0 ||
      !is_valid_topic_name(object.substr(0, slash))) {
    return std::nullopt;
  }
  if (digits != std::to_string(partition)) return std::nullopt;  // "orders/03" is nobody's
  return ManifestName{.topic = std::string(object.substr(0, slash)),
                      .partition = PartitionId(partition)};
}

}  // namespace penstock::archiver
