// Group: everything that the log says about one consumer group.
//
// Threads: plain values.
#pragma once

#include <cstddef>
#include <map>
#include <optional>

#include "base/result.h"
#include "base/types.h"
#include "broker/group/group_record.h"

namespace penstock::group {

struct Group {
  using Members = std::map<Uuid, MemberFacts>;
  using Holdings = std::map<Uuid, Holding>;
  using Positions = std::map<TopicPartition, Position>;

  std::optional<GroupFacts> facts;  // none: there is no such group
  Members members;
  Target target;
  Holdings holdings;  // of members that are present
  Positions positions;

  bool is_nothing() const {
    return !facts && members.empty() && target == Target{} && holdings.empty() && positions.empty();
  }
  // Members that are present: somebody may own something.
  bool is_live() const;
  // What it shall own in the end.
  const PartitionSet& share_of(const Uuid& member) const;
  friend bool operator==(const Group&, const Group&) = default;
};

// A member that is present.
struct Present {
  const MemberFacts& facts;
  const Holding& holding;

  bool holds(const TopicPartition& partition) const {
    return contains(holding.owned, partition) || contains(holding.revoking, partition);
  }
};

// kUnknownMember: there is no such member, it is away, or the epoch is of an earlier life.
Result<Present> find_member(const Group& group, const Uuid& member, Epoch epoch);

// One step of a member towards its share: keeps what it holds of it, is given what nobody holds, is
// to let go of the rest. `reported` is what it said that it has, when that can be believed to be
// its last word on the epoch that it holds; then it has let go of everything else that it should.
Holding next_holding(const Group::Holdings& all, const Uuid& member, const Holding& present,
                     const PartitionSet& share, const PartitionSet* reported, Epoch epoch);

}  // namespace penstock::group
