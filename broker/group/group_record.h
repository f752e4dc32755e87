// GroupRecord: one durable fact about a consumer group, with its key, and its bytes in the log.
//
// Invariants: a record says the whole state of its key, or, without a value, that there is none. So
// the last record of every key is worth all of them: the log may be compacted by key.
// Format: a key is one byte type and the fields that tell it from others; a value one byte version
// and fields (base/fields.h); nothing may follow. A type or version that this build does not know
// is an error, never skipped. The fields of each type: docs/group_records.md. Golden bytes:
// tests/broker/group/group_record_golden_test.cc.
// Failure: decode_group_record() returns kUnsupportedVersion for an unknown type or version (a
// newer release wrote it), kCorrupt for everything else that is not exactly a record.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"
#include "broker/group/partition_set.h"

namespace penstock::group {

// An offset of the log in which groups live, behind which something was decided: a later one is
// larger, also when a group or a member was gone meanwhile. 0: none yet.
using Epoch = Offset;

enum class Assignor : std::uint8_t {
  kBalancedSticky = 0,
  kRange = 1,
  kRackAware = 2,
};
std::string_view to_string(Assignor assignor);

// Where a group goes on reading a partition.
struct Position {
  Offset offset;           // of the next record
  Term leader_epoch;       // of the record before, as the consumer saw it; -1: not told
  std::string text;        // the application's own
  Timestamp committed_at;  // when it came to be what it is
  friend bool operator==(const Position&, const Position&) = default;
};

struct GroupFacts {
  Epoch epoch;  // rises with members, subscriptions and partitions
  Assignor assignor = Assignor::kBalancedSticky;
  Timestamp created_at;
  Offset topics_at;  // of the metadata log: what the target was made with
  friend bool operator==(const GroupFacts&, const GroupFacts&) = default;
};

// What a member wants to read.
struct Subscription {
  std::string pattern;                        // empty: the topics were named
  std::set<std::string, std::less<>> topics;  // named, or what the pattern matches at present
  friend bool operator==(const Subscription&, const Subscription&) = default;
};

// What a member tells about itself.
struct MemberProfile {
  std::string instance;  // of a static member; empty: none
  std::string client;
  std::string host;
  std::string rack;  // empty: not told
  Subscription subscription;
  std::int32_t session_timeout_ms = 0;
  std::int32_t poll_interval_ms = 0;  // 0: no limit
  friend bool operator==(const MemberProfile&, const MemberProfile&) = default;
};

enum class Presence : std::uint8_t {
  kPresent = 0,
  kAway = 1,  // a static member that left; its share is kept until its session ends
};

struct MemberFacts {
  MemberProfile profile;
  Epoch joined;  // when it came, or came again
  Presence presence = Presence::kPresent;
  friend bool operator==(const MemberFacts&, const MemberFacts&) = default;
};

// Who shall own what in the end.
struct Target {
  Epoch epoch;
  std::map<Uuid, PartitionSet> shares;  // of every member
  friend bool operator==(const Target&, const Target&) = default;
};

// What a member may be using.
struct Holding {
  Epoch epoch;            // of the last change of `owned`: the member epoch
  PartitionSet owned;     // what it was told to own
  PartitionSet revoking;  // what it was told to let go, and did not say that it has
  friend bool operator==(const Holding&, const Holding&) = default;
};

struct PositionKey {
  std::string group;
  TopicPartition partition;
  friend bool operator==(const PositionKey&, const PositionKey&) = default;
};
struct GroupKey {
  std::string group;
  friend bool operator==(const GroupKey&, const GroupKey&) = default;
};
struct MemberKey {
  std::string group;
  Uuid member;
  friend bool operator==(const MemberKey&, const MemberKey&) = default;
};
struct TargetKey {
  std::string group;
  friend bool operator==(const TargetKey&, const TargetKey&) = default;
};
struct HoldingKey {
  std::string group;
  Uuid member;
  friend bool operator==(const HoldingKey&, const HoldingKey&) = default;
};

template <typename Key, typename Value>
struct Keyed {
  Key key;
  std::optional<Value> value;  // none: a tombstone
  friend bool operator==(const Keyed&, const Keyed&) = default;
};

using PositionRecord = Keyed<PositionKey, Position>;
using GroupFactsRecord = Keyed<GroupKey, GroupFacts>;
using MemberRecord = Keyed<MemberKey, MemberFacts>;
using TargetRecord = Keyed<TargetKey, Target>;
using HoldingRecord = Keyed<HoldingKey, Holding>;
using GroupRecord =
    std::variant<PositionRecord, GroupFactsRecord, MemberRecord, TargetRecord, HoldingRecord>;

struct KeyedBytes {
  Bytes key;
  std::optional<Bytes> value;
  friend bool operator==(const KeyedBytes&, const KeyedBytes&) = default;
};

KeyedBytes encode(const GroupRecord& record);
Result<GroupRecord> decode_group_record(ByteView key, std::optional<ByteView> value);

// A name of 1 to kMaxNameBytes of the letters that a topic's name may have.
bool is_valid_group_name(std::string_view name);

// For logs and tests: "member group=etl member=... topics=orders,prices ...".
std::string to_string(const GroupRecord& record);
// "0011..ff/3,4 8899..aa/0"
std::string to_string(const PartitionSet& partitions);

}  // namespace penstock::group
