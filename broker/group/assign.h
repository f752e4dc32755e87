// assign(): which member of a group shall own which partitions.
//
// Pure functions: the same task gives the same shares anywhere. Every partition of a topic that
// somebody subscribes to is in exactly one share, of a member that subscribes to it.
//
//   range            the partitions of each topic in order, the members in order, cut into runs
//   that
//                    differ by one at most
//   balanced-sticky  as even as subscriptions allow: nobody has two more than somebody to whom one
//                    could be passed, be it through others. Among such, when all subscribe to the
//                    same, as few partitions as possible leave who had them before
//   rack-aware       as balanced-sticky, and just as even and as sticky; what moves anyway goes to
//                    members in the rack of a replica where it can
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/types.h"
#include "broker/group/group_record.h"
#include "broker/group/partition_set.h"

namespace penstock::group {

using Shares = std::map<Uuid, PartitionSet>;

struct AssignmentTask {
  struct Topic {
    Uuid id;
    std::uint32_t partitions = 0;
    std::vector<std::vector<std::string>> racks = {};  // of each partition's replicas; or empty
  };
  struct Member {
    Uuid id;
    std::string rack;                 // empty: not told
    std::vector<std::size_t> topics;  // indices into the task's topics, ascending
  };
  std::vector<Topic> topics;    // ascending by id
  std::vector<Member> members;  // ascending by id
  Shares previous;              // who had what; may name members and partitions that are gone
};

Shares assign(Assignor assignor, const AssignmentTask& task);

// Partitions of `previous` that are still wanted by who had them, and are somebody else's now.
std::size_t moved(const AssignmentTask& task, const Shares& shares);
// Partitions whose owner is in the rack of a replica.
std::size_t in_rack(const AssignmentTask& task, const Shares& shares);

}  // namespace penstock::group
