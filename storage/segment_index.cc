#include "storage/segment_index.h"

#include <algorithm>

#include "base/coding.h"
#include "protocol/record/crc32c.h"

namespace penstock::storage {
namespace {

constexpr std::string_view kMagic = "PSTKIDX1";
constexpr std::size_t kCrcAt = 60;

namespace header_at {
constexpr std::size_t kVersion = 8;
constexpr std::size_t kPartition = 12;
constexpr std::size_t kTopic = 16;
constexpr std::size_t kBase = 32;
constexpr std::size_t kCreated = 40;
}  // namespace header_at

namespace entry_at {
constexpr std::size_t kKind = 0;
constexpr std::size_t kRun = 4;
}  // namespace entry_at
static_assert(entry_at::kRun + kRunBytes <= kCrcAt);

namespace run_at {
constexpr std::size_t kBaseDelta = 0;
constexpr std::size_t kEndDelta = 4;
constexpr std::size_t kPosition = 8;
constexpr std::size_t kLength = 12;
constexpr std::size_t kBatchCount = 16;
constexpr std::size_t kLastEpoch = 20;
constexpr std::size_t kHeaderCrc = 24;
constexpr std::size_t kMaxTimestamp = 28;
constexpr std::size_t kAppended = 36;
constexpr std::size_t kDigest = 44;
}  // namespace run_at
static_assert(run_at::kDigest + sizeof(std::uint64_t) == kRunBytes);

}  // namespace

void encode_run(const Run& run, std::byte* to) {
  store_le(to + run_at::kBaseDelta, run.base_delta);
  store_le(to + run_at::kEndDelta, run.end_delta);
  store_le(to + run_at::kPosition, run.position);
  store_le(to + run_at::kLength, run.length);
  store_le(to + run_at::kBatchCount, run.batch_count);
  store_le(to + run_at::kLastEpoch, run.last_epoch);
  store_le(to + run_at::kHeaderCrc, run.header_crc);
  store_le(to + run_at::kMaxTimestamp, run.max_timestamp_ms);
  store_le(to + run_at::kAppended, run.appended_ms);
  store_le(to + run_at::kDigest, run.digest);
}

Run decode_run(const std::byte* from) {
  return Run{
      .base_delta = load_le<std::uint32_t>(from + run_at::kBaseDelta),
      .end_delta = load_le<std::uint32_t>(from + run_at::kEndDelta),
      .position = load_le<std::uint32_t>(from + run_at::kPosition),
      .length = load_le<std::uint32_t>(from + run_at::kLength),
      .batch_count = load_le<std::uint32_t>(from + run_at::kBatchCount),
      .last_epoch = load_le<std::int32_t>(from + run_at::kLastEpoch),
      .header_crc = load_le<std::uint32_t>(from + run_at::kHeaderCrc),
      .max_timestamp_ms = load_le<std::int64_t>(from + run_at::kMaxTimestamp),
      .appended_ms = load_le<std::int64_t>(from + run_at::kAppended),
      .digest = load_le<std::uint64_t>(from + run_at::kDigest),
  };
}

IndexHeaderBytes encode(const IndexHeader& header) {
  IndexHeaderBytes bytes{};
  std::ranges::copy(as_bytes(kMagic), bytes.begin());
  store_le(bytes.data() + header_at::kVersion, kIndexVersion);
  store_le(bytes.data() + header_at::kPartition, header.identity.partition.partition.value());
  std::ranges::copy(header.identity.partition.topic.bytes, bytes.begin() + header_at::kTopic);
  store_le(bytes.data() + header_at::kBase, header.segment_base.value());
  store_le(bytes.data() + header_at::kCreated, header.created.ms());
  store_le(bytes.data() + kCrcAt, record::crc32c(ByteView(bytes).first(kCrcAt)));
  return bytes;
}

std::optional<IndexHeader> decode_index_header(ByteView bytes) {
  if (bytes.size() < kIndexHeaderBytes) return std::nullopt;
  if (!equal(bytes.first(kMagic.size()), as_bytes(kMagic))) return std::nullopt;
  if (load_le<std::uint32_t>(bytes.data() + kCrcAt) != record::crc32c(bytes.first(kCrcAt))) {
    return std::nullopt;
  }
  if (load_le<std::uint32_t>(bytes.data() + header_at::kVersion) != kIndexVersion) {
    return std::nullopt;
  }
  IndexHeader header;
  header.identity.partition.partition =
      PartitionId(load_le<std::int32_t>(bytes.data() + header_at::kPartition));
  std::ranges::copy(bytes.subspan(header_at::kTopic, 16),
                    header.identity.partition.topic.bytes.begin());
  header.segment_base = Offset(load_le<std::int64_t>(bytes.data() + header_at::kBase));
  header.created = Timestamp(load_le<std::int64_t>(bytes.data() + header_at::kCreated));
  return header;
}

namespace {

// What an entry's checksum goes on from. Without the header's own checksum: over bytes and their
// CRC behind them, a CRC is the same for all bytes, and would bind an entry to nothing.
std::uint32_t header_seed(const IndexHeaderBytes& header) {
  return record::crc32c(ByteView(header).first(kCrcAt));
}

}  // namespace

IndexEntryBytes encode_entry(EntryKind kind, const Run& run, const IndexHeaderBytes& header) {
  IndexEntryBytes bytes{};
  bytes[entry_at::kKind] = static_cast<std::byte>(kind);
  encode_run(run, bytes.data() + entry_at::kRun);
  const std::uint32_t seed = header_seed(header);
  store_le(bytes.data() + kCrcAt, record::crc32c(ByteView(bytes).first(kCrcAt), seed));
  return bytes;
}

std::optional<IndexEntry> decode_entry(ByteView bytes, const IndexHeaderBytes& header) {
  if (bytes.size() < kIndexEntryBytes) return std::nullopt;
  const auto kind = std::to_integer<std::uint8_t>(bytes[entry_at::kKind]);
  if (kind != static_cast<std::uint8_t>(EntryKind::kRun) &&
      kind != static_cast<std::uint8_t>(EntryKind::kSeal)) {
    return std::nullopt;
  }
  const std::uint32_t seed = header_seed(header);
  if (load_le<std::uint32_t>(bytes.data() + kCrcAt) != record::crc32c(bytes.first(kCrcAt), seed)) {
    return std::nullopt;
  }
  return IndexEntry{static_cast<EntryKind>(kind), decode_run(bytes.data() + entry_at::kRun)};
}

IndexContents decode_index(ByteView file) {
  IndexContents contents;
  contents.header = decode_index_header(file);
  if (!contents.header) return contents;
  IndexHeaderBytes header;
  std::ranges::copy(file.first(kIndexHeaderBytes), header.begin());
  std::uint64_t at = kIndexHeaderBytes;
  contents.believed_bytes = at;
  while (file.size() - at >= kIndexEntryBytes) {
    const auto entry = decode_entry(file.subspan(at), header);
    if (!entry) break;
    at += kIndexEntryBytes;
    contents.believed_bytes = at;
    if (entry->kind == EntryKind::kSeal) {
      contents.seal = entry->run;
      break;
    }
    contents.runs.push_back(entry->run);
  }
  return contents;
}

}  // namespace penstock::storage
