// What can be asked of consumer groups, and what is answered.
//
// Threads: plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/types.h"
#include "broker/group/group_record.h"
#include "broker/group/topic_view.h"

namespace penstock::group {

// --- members

// A member lives. It says what it owns and learns what it should own; its first one, with epoch 0,
// makes it a member.
//
// The member's part: it takes an answer's `owned` at once, begins to let go of the rest of what it
// has, and from then on carries that answer's epoch; `owned` of its heartbeats is everything that
// it has not let go. On kUnknownMember it lets go of everything and begins anew, with epoch 0. It
// takes the answer to its latest request alone, once, and not with an older epoch than its own.
// Then a heartbeat that comes late, or twice, does no harm.
struct JoinOrHeartbeat {
  std::string group;
  Uuid member;         // chosen by the member, at random
  Epoch member_epoch;  // of the last answer that it took; 0: it owns nothing and wants to join
  PartitionSet owned;
  MemberProfile profile;
  std::optional<Assignor> assignor = std::nullopt;  // who joins last decides
  TopicViewPtr topics;
  Timestamp now;
};
struct Assignment {
  Epoch member_epoch;
  Epoch group_epoch;
  PartitionSet owned;
  PartitionSet revoking;    // to be let go, as far as it was not
  std::size_t awaited = 0;  // partitions that it will own when others have let them go
  friend bool operator==(const Assignment&, const Assignment&) = default;
};

struct MemberCredential {
  Uuid member;
  Epoch epoch;
};

enum class Departure : std::uint8_t {
  kMayReturn,  // a static member's share waits for it until its session ends
  kForGood,
};
// A member that owns nothing any more goes.
struct Leave {
  std::string group;
  MemberCredential member;
  Departure departure = Departure::kMayReturn;
  TopicViewPtr topics;
  Timestamp now;
};

// Members were silent, or made no progress, for too long (GroupSessions); unknown ones are passed
// over. Answered with those that were removed.
struct ExpireMembers {
  std::string group;
  std::vector<Uuid> members;
  TopicViewPtr topics;
  Timestamp now;
};

// Partitions were added, topics came or went. Decides nothing for a group that has no part in it.
// Absence from the view takes a topic from members, never its positions: these go with a topic that
// is named as deleted. What would be more than a group may read is not dealt out; explain() tells.
struct TopicsChanged {
  std::string group;
  TopicViewPtr topics;
  std::vector<Uuid> deleted;
  // What patterns match at present; one that is not here matches what it did.
  std::map<std::string, std::set<std::string, std::less<>>> matches;
  Timestamp now;
};
enum class Progress : std::uint8_t {
  kDone,
  kMore,  // the same command goes on
};

// --- positions

struct NewPosition {
  TopicPartition partition;
  Offset offset;  // of the next record to read
  Term leader_epoch;
  std::string text;
};
// All of them or none. Without a member: for a group that has none, by whoever reads without
// sharing. Errors: kUnknownMember, kStaleMemberEpoch, kNotOwner; kGroupNotEmpty without a member.
struct CommitOffsets {
  std::string group;
  std::optional<MemberCredential> member;
  std::vector<NewPosition> positions;  // each partition once
  TopicViewPtr topics;
  Timestamp now;
};
struct Committed {
  std::size_t changed = 0;  // positions that are not what they were
};

struct FetchOffsets {
  std::string group;
  std::optional<MemberCredential> member;  // checked as with a commit, but for ownership
  std::optional<std::vector<TopicPartition>> partitions;  // none: all that have a position
};
struct FetchedPosition {
  TopicPartition partition;
  std::optional<Position> position;  // none: the group never had one
  friend bool operator==(const FetchedPosition&, const FetchedPosition&) = default;
};

enum class Rehearsal : std::uint8_t { kCarryOut, kDryRun };
// From outside, while the group has no live members. A dry run is refused as the command would be.
struct ResetOffsets {
  struct Change {
    TopicPartition partition;
    std::optional<Offset> offset;  // none: as if there had never been a commit
    Term leader_epoch;
  };
  std::string group;
  std::vector<Change> changes;  // each partition once
  Rehearsal rehearsal = Rehearsal::kCarryOut;
  TopicViewPtr topics;
  Timestamp now;
};
struct ResetPosition {
  TopicPartition partition;
  std::optional<Offset> before;
  std::optional<Offset> after;
  friend bool operator==(const ResetPosition&, const ResetPosition&) = default;
};

// Of a group without members, away ones included. In steps: until the last one it is there, without
// the positions that are gone.
struct DeleteGroup {
  std::string group;
};

}  // namespace penstock::group
