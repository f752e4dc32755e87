// explain(): why a group does not move, as far as its state, its sessions and the ends of its
// partitions' logs can tell.
//
// Pure. What it cannot know is what only a client or the way to it knows: that an application has
// paused a partition, that it is throttled, which records are slow.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "broker/group/group.h"
#include "broker/group/group_sessions.h"
#include "broker/group/topic_view.h"

namespace penstock::group {

enum class Cause : std::uint8_t {
  // Nobody is there, or nothing to read.
  kNoMembers,
  kNoSuchTopic,  // topic: a member subscribes to it
  kNotDealt,  // topic, amount: so many of its partitions are nobody's: not noticed yet, or too many
  kIdleMember,  // member: it has no share; there are fewer partitions than members
  // It moves to other members at present.
  kAway,        // member, amount: its partitions wait so many ms longer for its return
  kHeldBack,    // partition, member: waits for it; other: has not let it go; amount: for so long
  kNotFetched,  // partition, member: it gets it with its next heartbeat
  // Somebody is slow.
  kSilent,      // member, amount: not heard for so many ms
  kProcessing,  // member, amount: its application has not asked for records for so many ms
  // What there is to read.
  kNeverCommitted,  // partition, member: owns it
  kBehind,          // partition, member, amount: so many records are not read
  kAtEnd,           // everything is read and committed
};
std::string_view to_string(Cause cause);

struct Reason {
  Cause cause;
  std::optional<Uuid> member = std::nullopt;
  std::optional<Uuid> other = std::nullopt;
  std::optional<TopicPartition> partition = std::nullopt;
  std::string topic = {};
  std::int64_t amount = 0;
  friend bool operator==(const Reason&, const Reason&) = default;
};

struct ExplainFrom {
  const Group& group;
  const TopicView& topics;
  const GroupSessions::OfGroup& sessions;
  const std::map<TopicPartition, Offset>& log_ends;  // what may be read; as far as known
  std::int64_t now_ms = 0;
};

// In the order of `Cause`, then by topic, member and partition.
std::vector<Reason> explain(const ExplainFrom& from);

}  // namespace penstock::group
