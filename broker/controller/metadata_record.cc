#include "broker/controller/metadata_record.h"

#include <algorithm>

#include "base/coding.h"

namespace penstock::broker {
namespace {

enum class RecordType : std::uint8_t {
  kBrokerStarted = 1,
  kTopicCreated = 2,
  kTopicAltered = 3,
  kTopicDeleted = 4,
  kTopicForgotten = 5,
};
constexpr std::uint8_t kVersion = 1;  // of every type so far

class Writer {
 public:
  explicit Writer(RecordType type) : bytes_{std::byte(type), std::byte{kVersion}} {}

  template <std::integral T>
  Writer& integer(T value) {
    std::byte raw[sizeof(T)];
    store_le(raw, value);
    bytes_.insert(bytes_.end(), raw, raw + sizeof(T));
    return *this;
  }
  Writer& length(std::size_t value) {
    std::byte raw[kMaxVarintBytes];
    bytes_.insert(bytes_.end(), raw, write_varint(raw, value));
    return *this;
  }
  Writer& text(std::string_view value) {
    length(value.size());
    const ByteView raw = as_bytes(value);
    bytes_.insert(bytes_.end(), raw.begin(), raw.end());
    return *this;
  }
  Writer& uuid(const Uuid& id) {
    bytes_.insert(bytes_.end(), id.bytes.begin(), id.bytes.end());
    return *this;
  }
  Writer& settings(const SettingMap& map) {
    length(map.size());
    for (const auto& [name, value] : map) text(name).text(value);
    return *this;
  }
  Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

// Reads field after field; the first one that is not there spoils the whole record.
class Reader {
 public:
  explicit Reader(ByteView bytes) : from_(bytes) {}

  template <std::integral T>
  T integer() {
    T value{};
    good_ = good_ && from_.read_le(value);
    return good_ ? value : T{};
  }
  std::size_t length() {
    std::uint64_t value = 0;
    good_ = good_ && from_.read_varint(value) && value <= from_.remaining();
    return good_ ? value : 0;
  }
  std::string text() {
    const std::size_t size = length();
    ByteView raw;
    good_ = good_ && from_.read_bytes(size, raw);
    return good_ ? std::string(as_text(raw)) : std::string();
  }
  Uuid uuid() {
    Uuid id;
    ByteView raw;
    good_ = good_ && from_.read_bytes(id.bytes.size(), raw);
    if (good_) std::ranges::copy(raw, id.bytes.begin());
    return id;
  }
  SettingMap settings() {
    SettingMap map;
    for (std::size_t left = length(); good_ && left > 0; --left) {
      std::string name = text();
      map[std::move(name)] = text();
    }
    return map;
  }
  Term term() { return Term(integer<std::int32_t>()); }
  Timestamp timestamp() { return Timestamp(integer<std::int64_t>()); }
  bool complete() const { return good_ && from_.remaining() == 0; }

 private:
  ByteReader from_;
  bool good_ = true;
};

Bytes write(const BrokerStarted& r) {
  return Writer(RecordType::kBrokerStarted)
      .integer(r.broker_id)
      .uuid(r.directory)
      .integer(r.leader_epoch.value())
      .integer(r.at.ms())
      .take();
}
Bytes write(const TopicCreated& r) {
  return Writer(RecordType::kTopicCreated)
      .uuid(r.id)
      .text(r.name)
      .integer(r.partitions)
      .integer(r.replication_factor)
      .integer(r.at.ms())
      .settings(r.settings)
      .take();
}
Bytes write(const TopicAltered& r) {
  return Writer(RecordType::kTopicAltered)
      .uuid(r.id)
      .integer(r.partitions)
      .settings(r.settings)
      .take();
}
Bytes write(const TopicDeleted& r) {
  return Writer(RecordType::kTopicDeleted).uuid(r.id).integer(r.at.ms()).take();
}
Bytes write(const TopicForgotten& r) {
  return Writer(RecordType::kTopicForgotten).uuid(r.id).take();
}

// Braced initialisers are evaluated left to right: the order here is the order of the bytes.
MetadataRecord read(RecordType type, Reader& from) {
  switch (type) {
    case RecordType::kBrokerStarted:
      return BrokerStarted{from.integer<std::int32_t>(), from.uuid(), from.term(),
                           from.timestamp()};
    case RecordType::kTopicCreated:
      return TopicCreated{from.uuid(),
                          from.text(),
                          from.integer<std::uint32_t>(),
                          from.integer<std::uint32_t>(),
                          from.timestamp(),
                          from.settings()};
    case RecordType::kTopicAltered:
      return TopicAltered{from.uuid(), from.integer<std::uint32_t>(), from.settings()};
    case RecordType::kTopicDeleted:
      return TopicDeleted{from.uuid(), from.timestamp()};
    case RecordType::kTopicForgotten:
      return TopicForgotten{from.uuid()};
  }
  std::unreachable();  // decode_metadata_record() let only known types through
}

std::string text_of(const SettingMap& settings) {
  std::string text;
  for (const auto& [name, value] : settings) text += " " + name + "=" + value;
  return text;
}

struct Printer {
  std::string operator()(const BrokerStarted& r) const {
    return "broker-started id=" + std::to_string(r.broker_id) +
           " epoch=" + std::to_string(r.leader_epoch.value());
  }
  std::string operator()(const TopicCreated& r) const {
    return "topic-created id=" + r.id.to_string() + " name=" + r.name +
           " partitions=" + std::to_string(r.partitions) + text_of(r.settings);
  }
  std::string operator()(const TopicAltered& r) const {
    return "topic-altered id=" + r.id.to_string() + " partitions=" + std::to_string(r.partitions) +
           text_of(r.settings);
  }
  std::string operator()(const TopicDeleted& r) const {
    return "topic-deleted id=" + r.id.to_string();
  }
  std::string operator()(const TopicForgotten& r) const {
    return "topic-forgotten id=" + r.id.to_string();
  }
};

}  // namespace

Bytes encode(const MetadataRecord& record) {
  return std::visit([](const auto& r) { return write(r); }, record);
}

Result<MetadataRecord> decode_metadata_record(ByteView bytes) {
  if (bytes.size() < 2) return fail(Errc::kCorrupt, "a metadata record of less than two bytes");
  const auto type = std::to_integer<std::uint8_t>(bytes[0]);
  const auto version = std::to_integer<std::uint8_t>(bytes[1]);
  if (type < 1 || type > static_cast<std::uint8_t>(RecordType::kTopicForgotten) ||
      version != kVersion) {
    return fail(Errc::kUnsupportedVersion,
                "metadata record of type " + std::to_string(type) + " version " +
                    std::to_string(version) +
                    " is unknown to this release; start the release that wrote it, or a newer one");
  }
  Reader from(bytes.subspan(2));
  MetadataRecord record = read(RecordType{type}, from);
  if (!from.complete()) {
    return fail(Errc::kCorrupt,
                "metadata record of type " + std::to_string(type) + " has the wrong length");
  }
  return record;
}

std::string to_string(const MetadataRecord& record) { return std::visit(Printer{}, record); }

}  // namespace penstock::broker
