// What administration tells of consumer groups, and does with them (Admin, client/client.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/types.h"

namespace penstock::client {

struct GroupListing {
  std::string name;
  std::uint32_t members = 0;
  std::uint32_t away = 0;  // of them: static ones that left and may return
  std::uint32_t positions = 0;
  bool moving = false;  // partitions are on their way to other members
};

// A partition by id and, as far as it is known, by name.
struct NamedPartition {
  TopicPartition id;
  std::string topic;  // empty: deleted, or not known to the broker that answered
};

struct GroupMemberDescription {
  Uuid id;
  std::string instance;  // of a static member; else empty
  std::string client;
  std::string host;
  std::string rack;
  bool away = false;
  std::string pattern;
  std::vector<std::string> topics;
  std::int64_t session_timeout_ms = 0;
  std::int64_t poll_interval_ms = 0;
  std::int64_t epoch = 0;
  std::vector<NamedPartition> owned;
  std::vector<NamedPartition> revoking;  // to be let go of
  std::vector<NamedPartition> share;     // what it shall own in the end
  std::int64_t silent_ms = 0;            // since it was last heard
  std::int64_t since_poll_ms = 0;        // since its application last asked for records
};

struct GroupPositionDescription {
  NamedPartition partition;
  Offset offset;  // of the next record
  std::string text;
  Timestamp committed_at;
};

// Why a group does not move; `cause` as docs/operations.md lists them.
struct GroupReason {
  std::string cause;
  std::optional<Uuid> member;
  std::optional<Uuid> other;
  std::optional<NamedPartition> partition;
  std::string topic;
  std::int64_t amount = 0;
};

struct GroupDescription {
  std::string name;
  std::int32_t coordinator = -1;
  PartitionId partition;  // of __consumer_offsets
  std::int64_t epoch = 0;
  std::string assignor;
  Timestamp created_at;
  std::vector<GroupMemberDescription> members;
  std::vector<GroupPositionDescription> positions;
  std::vector<GroupReason> reasons;  // when asked for
};

// What there is to read of partitions; for the reasons.
using LogEnds = std::map<TopicPartition, Offset>;

struct GroupReset {
  TopicPartition partition;
  std::optional<Offset> to;  // none: as if there had never been a commit
};
struct GroupResetDone {
  TopicPartition partition;
  std::optional<Offset> before;
  std::optional<Offset> after;
};
enum class Rehearsal : std::uint8_t {
  kCarryOut,
  kDryRun,  // refused as the command would be, and nothing is done
};

}  // namespace penstock::client
