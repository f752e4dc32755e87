// The next step of a group that this broker leads, at a pace that the cluster can bear. Pure.
//
// broker/controller/reconcile.h says what is next for one group. This adds what needs a memory or a
// look at the others: leadership goes home only when home has been well for a while, a handover
// that did not succeed is not tried again at once, and only a few groups copy their log at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/types.h"
#include "broker/controller/cluster_image.h"
#include "broker/controller/reconcile.h"
#include "broker/raft/group.h"

namespace penstock::broker {

// The brokers that shall not lead anything: all but the active ones.
ReplicaList brokers_that_must_not_lead(const ClusterImage& image);

// The membership is the placement's: nobody is missing, nobody too many. Allocates nothing.
bool is_as_placed(const PartitionImage& placed, const raft::Membership& membership);

// What the leader of a partition knows; wish and memory are paced_step()'s.
LedGroup led_group(const raft::Group& group, ReplicaList wanted, ReplicaList must_not_lead,
                   std::int64_t now_ms);

// The member is heard, and has caught up.
bool is_live(const LedGroup& group, raft::NodeId member);
bool is_ready(const LedGroup& group, raft::NodeId member);
// A member gets the log at the moment.
bool copies_its_log(const LedGroup& group);

// What a leader remembers of its group between two looks, for one term.
struct LedMemory {
  std::optional<std::int64_t> head_ready_since_ms;
  std::uint32_t handovers = 0;
  std::int64_t no_handover_before_ms = 0;
};

// What one look at many groups may begin.
struct PassBudget {
  std::size_t copies = 0;     // groups that gain members
  std::size_t handovers = 0;  // of leadership
};

// The step to carry out now; takes what it costs from the budget.
Step paced_step(LedGroup group, LedMemory& memory, PassBudget& budget);

}  // namespace penstock::broker
