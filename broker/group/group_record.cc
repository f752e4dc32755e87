#include "broker/group/group_record.h"

#include <algorithm>
#include <utility>

#include "base/fields.h"

namespace penstock::group {
namespace {

enum class RecordType : std::uint8_t {
  kPosition = 1,
  kGroup = 2,
  kMember = 3,
  kTarget = 4,
  kHolding = 5,
};

// Newest version of its value that this build knows; 0: no such type.
std::uint8_t newest_version(std::uint8_t type) {
  switch (RecordType{type}) {
    case RecordType::kPosition:
    case RecordType::kGroup:
    case RecordType::kMember:
    case RecordType::kTarget:
    case RecordType::kHolding:
      return 1;
  }
  return 0;
}

FieldWriter begin(RecordType type) { return FieldWriter(Bytes{std::byte(type)}); }
FieldWriter begin_value() { return FieldWriter(Bytes{std::byte{1}}); }

// --- fields

void write_partitions(FieldWriter& to, const PartitionSet& partitions) {
  const auto same_topic = [](const TopicPartition& a, const TopicPartition& b) {
    return a.topic == b.topic;
  };
  std::size_t topics = 0;
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    if (i == 0 || !same_topic(partitions[i - 1], partitions[i])) ++topics;
  }
  to.count(topics);
  for (auto begin = partitions.begin(); begin != partitions.end();) {
    const auto end = std::find_if_not(begin, partitions.end(),
                                      [&](const auto& one) { return same_topic(*begin, one); });
    to.uuid(begin->topic).count(static_cast<std::uint64_t>(end - begin));
    for (; begin != end; ++begin) to.number(begin->partition.value());
  }
}

PartitionSet read_partitions(FieldReader& from) {
  PartitionSet partitions;
  for (std::size_t topics = from.count(); from.is_good() && topics > 0; --topics) {
    const Uuid topic = from.uuid();
    for (std::size_t left = from.count(); from.is_good() && left > 0; --left) {
      partitions.push_back({topic, PartitionId(from.number())});
    }
  }
  if (!is_partition_set(partitions)) from.spoil();
  return partitions;
}

template <typename Enum>
Enum read_enum(FieldReader& from, Enum largest) {
  const Enum value{from.integer<std::uint8_t>()};
  if (value > largest) from.spoil();
  return value;
}

std::string read_group_name(FieldReader& from) {
  std::string name = from.text();
  if (!is_valid_group_name(name)) from.spoil();
  return name;
}

// --- keys and values; braced initialisers are evaluated left to right: the order here is the order
// of the bytes

Bytes write_key(const PositionKey& key) {
  return begin(RecordType::kPosition)
      .text(key.group)
      .uuid(key.partition.topic)
      .number(key.partition.partition.value())
      .take();
}
Bytes write_key(const GroupKey& key) { return begin(RecordType::kGroup).text(key.group).take(); }
Bytes write_key(const MemberKey& key) {
  return begin(RecordType::kMember).text(key.group).uuid(key.member).take();
}
Bytes write_key(const TargetKey& key) { return begin(RecordType::kTarget).text(key.group).take(); }
Bytes write_key(const HoldingKey& key) {
  return begin(RecordType::kHolding).text(key.group).uuid(key.member).take();
}

Bytes write_value(const Position& value) {
  return begin_value()
      .offset(value.offset)
      .term(value.leader_epoch)
      .text(value.text)
      .timestamp(value.committed_at)
      .take();
}
Bytes write_value(const GroupFacts& value) {
  return begin_value()
      .offset(value.epoch)
      .integer(static_cast<std::uint8_t>(value.assignor))
      .timestamp(value.created_at)
      .offset(value.topics_at)
      .take();
}
Bytes write_value(const MemberFacts& value) {
  const MemberProfile& profile = value.profile;
  FieldWriter to = begin_value();
  to.offset(value.joined).integer(static_cast<std::uint8_t>(value.presence));
  to.text(profile.instance).text(profile.client).text(profile.host).text(profile.rack);
  to.integer(profile.session_timeout_ms).integer(profile.poll_interval_ms);
  to.text(profile.subscription.pattern).count(profile.subscription.topics.size());
  for (const std::string& topic : profile.subscription.topics) to.text(topic);
  return to.take();
}
Bytes write_value(const Target& value) {
  FieldWriter to = begin_value();
  to.offset(value.epoch).count(value.shares.size());
  for (const auto& [member, share] : value.shares) write_partitions(to.uuid(member), share);
  return to.take();
}
Bytes write_value(const Holding& value) {
  FieldWriter to = begin_value();
  write_partitions(to.offset(value.epoch), value.owned);
  write_partitions(to, value.revoking);
  return to.take();
}

void read_value(FieldReader& from, Position& to) {
  to = {from.offset(), from.term(), from.text(), from.timestamp()};
}
void read_value(FieldReader& from, GroupFacts& to) {
  to = {from.offset(), read_enum(from, Assignor::kRackAware), from.timestamp(), from.offset()};
}
void read_value(FieldReader& from, MemberFacts& to) {
  to.joined = from.offset();
  to.presence = read_enum(from, Presence::kAway);
  MemberProfile& profile = to.profile;
  profile.instance = from.text();
  profile.client = from.text();
  profile.host = from.text();
  profile.rack = from.text();
  profile.session_timeout_ms = from.integer<std::int32_t>();
  profile.poll_interval_ms = from.integer<std::int32_t>();
  profile.subscription.pattern = from.text();
  for (std::size_t left = from.count(); from.is_good() && left > 0; --left) {
    profile.subscription.topics.insert(from.text());
  }
}
void read_value(FieldReader& from, Target& to) {
  to.epoch = from.offset();
  for (std::size_t left = from.count(); from.is_good() && left > 0; --left) {
    const Uuid member = from.uuid();
    to.shares[member] = read_partitions(from);
  }
}
void read_value(FieldReader& from, Holding& to) {
  to = {from.offset(), read_partitions(from), read_partitions(from)};
}

PositionKey read_position_key(FieldReader& from) {
  std::string group = read_group_name(from);
  const Uuid topic = from.uuid();
  return {std::move(group), {topic, PartitionId(from.number())}};
}

Error wrong(RecordType type, const std::string& what) {
  return {Errc::kCorrupt, "group record of type " + std::to_string(static_cast<int>(type)) + what};
}

template <typename Record>
Result<GroupRecord> read_record(RecordType type, FieldReader& key_from, decltype(Record::key) key,
                                std::optional<ByteView> value) {
  if (!key_from.is_complete()) return fail(wrong(type, " has a key of the wrong length"));
  Record record{std::move(key), {}};
  if (!value) return record;
  FieldReader from(value->subspan(1));
  read_value(from, record.value.emplace());
  if (!from.is_complete()) return fail(wrong(type, " has the wrong length"));
  return record;
}

Result<GroupRecord> read(RecordType type, FieldReader& from, std::optional<ByteView> value) {
  switch (type) {
    case RecordType::kPosition:
      return read_record<PositionRecord>(type, from, read_position_key(from), value);
    case RecordType::kGroup:
      return read_record<GroupFactsRecord>(type, from, GroupKey{read_group_name(from)}, value);
    case RecordType::kMember:
      return read_record<MemberRecord>(type, from, MemberKey{read_group_name(from), from.uuid()},
                                       value);
    case RecordType::kTarget:
      return read_record<TargetRecord>(type, from, TargetKey{read_group_name(from)}, value);
    case RecordType::kHolding:
      return read_record<HoldingRecord>(type, from, HoldingKey{read_group_name(from), from.uuid()},
                                        value);
  }
  std::unreachable();  // decode_group_record() let only known types through
}

Error unknown(const std::string& what) {
  return {Errc::kUnsupportedVersion, "group record of " + what +
                                         " is unknown to this release; start the release that "
                                         "wrote it, or a newer one"};
}

}  // namespace

KeyedBytes encode(const GroupRecord& record) {
  return std::visit(
      [](const auto& one) {
        KeyedBytes bytes{write_key(one.key), {}};
        if (one.value) bytes.value = write_value(*one.value);
        return bytes;
      },
      record);
}

Result<GroupRecord> decode_group_record(ByteView key, std::optional<ByteView> value) {
  if (key.empty()) return fail(Errc::kCorrupt, "a group record without a key");
  const auto type = std::to_integer<std::uint8_t>(key[0]);
  const std::uint8_t newest = newest_version(type);
  if (newest == 0) return fail(unknown("type " + std::to_string(type)));
  if (value && value->empty()) return fail(wrong(RecordType{type}, " has an empty value"));
  if (value) {
    const auto version = std::to_integer<std::uint8_t>(value->front());
    if (version < 1 || version > newest) {
      return fail(unknown("type " + std::to_string(type) + " version " + std::to_string(version)));
    }
  }
  FieldReader from(key.subspan(1));
  PENSTOCK_TRY_ASSIGN(GroupRecord record, read(RecordType{type}, from, value));
  const KeyedBytes written = encode(record);
  if (!equal(written.key, key) || (value && !equal(*written.value, *value))) {
    return fail(wrong(RecordType{type}, " is not as it is written"));
  }
  return record;
}

bool is_valid_group_name(std::string_view name) { return is_valid_topic_name(name); }

}  // namespace penstock::group
