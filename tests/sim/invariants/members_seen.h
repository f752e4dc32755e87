// MembersSeen: the memberships of groups as the checker knows them: the latest one that some leader
// has seen committed.
#pragma once

#include <map>

#include "tests/sim/invariants/invariant.h"

namespace penstock::sim {

class MembersSeen {
 public:
  void look(const ReplicaView& view) {
    if (view.replica.role() != raft::Role::kLeader) return;
    const raft::Group& group = view.replica.group();
    Seen& seen = seen_[view.group];
    // Who is deposed and does not know it commits nothing new.
    if (group.committed() < seen.committed || !group.membership_is_committed()) return;
    seen = {group.committed(), group.membership()};
  }
  // Nobody: not known.
  const raft::Membership& of(GroupNumber group) { return seen_[group].membership; }

 private:
  struct Seen {
    Offset committed;
    raft::Membership membership;
  };
  std::map<GroupNumber, Seen> seen_;
};

}  // namespace penstock::sim
