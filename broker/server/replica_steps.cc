#include "broker/server/replica_steps.h"

#include <algorithm>
#include <utility>

#include "broker/server/upkeep_limits.h"

namespace penstock::broker {
namespace {

const raft::PeerStatus* find_peer(const LedGroup& group, raft::NodeId member) {
  const auto found = std::ranges::find(group.peers, member, &raft::PeerStatus::node);
  return found == group.peers.end() ? nullptr : &*found;
}

// Who should lead, of those that may.
std::optional<raft::NodeId> head_of(const LedGroup& group) {
  for (const raft::NodeId node : group.wanted) {
    if (!contains(group.must_not_lead, node)) return node;
  }
  return std::nullopt;
}

bool is_head_steady(const LedGroup& group, LedMemory& memory) {
  const auto head = head_of(group);
  const bool is_well =
      head && *head != group.self && group.membership.is_voter(*head) && is_ready(group, *head);
  if (!is_well) {
    memory.head_ready_since_ms.reset();
    return false;
  }
  if (!memory.head_ready_since_ms) memory.head_ready_since_ms = group.now_ms;
  return group.now_ms - *memory.head_ready_since_ms >= kHeadPatienceMs;
}

bool gains_members(const ChangeMembership& change, const raft::Membership& now) {
  return std::ranges::any_of(change.learners,
                             [&](raft::NodeId node) { return !now.contains(node); });
}

}  // namespace

ReplicaList brokers_that_must_not_lead(const ClusterImage& image) {
  ReplicaList list;
  for (const auto& [id, broker] : image.brokers()) {
    if (!broker.is_active()) list.push_back(id);
  }
  return list;
}

bool is_as_placed(const PartitionImage& placed, const raft::Membership& membership) {
  return !membership.is_joint() && membership.learners.empty() &&
         membership.voters.size() == placed.replicas.size() &&
         std::ranges::all_of(placed.replicas, [&](const ReplicaImage& replica) {
           return std::ranges::binary_search(membership.voters, replica.broker);
         });
}

LedGroup led_group(const raft::Group& group, ReplicaList wanted, ReplicaList must_not_lead,
                   std::int64_t now_ms) {
  return {.self = group.self(),
          .wanted = std::move(wanted),
          .must_not_lead = std::move(must_not_lead),
          .membership = group.membership(),
          .membership_is_committed = group.membership_is_committed(),
          .log_end = group.log_end(),
          .peers = group.peers(),
          .now_ms = now_ms,
          .live_within_ms = kFollowerLiveMs,
          .max_lag = kCaughtUpRecords};
}

bool is_live(const LedGroup& group, raft::NodeId member) {
  if (member == group.self) return true;
  const raft::PeerStatus* peer = find_peer(group, member);
  return peer != nullptr && group.now_ms - peer->last_heard_ms <= group.live_within_ms;
}

bool is_ready(const LedGroup& group, raft::NodeId member) {
  if (member == group.self) return true;
  const raft::PeerStatus* peer = find_peer(group, member);
  return is_live(group, member) && !peer->installing &&
         group.log_end - peer->durable_end <= group.max_lag;
}

bool copies_its_log(const LedGroup& group) {
  return std::ranges::any_of(group.membership.learners, [&](raft::NodeId node) {
    return is_live(group, node) && !is_ready(group, node);
  });
}

Step paced_step(LedGroup group, LedMemory& memory, PassBudget& budget) {
  group.wish = is_head_steady(group, memory) ? LeadershipWish::kMoveToHead : LeadershipWish::kStay;
  Step step = next_step(group);
  if (const auto* change = std::get_if<ChangeMembership>(&step.action)) {
    if (!gains_members(*change, group.membership)) return step;
    if (budget.copies == 0) return {WaitFor{}, "waits for its turn: " + step.why};
    --budget.copies;
  } else if (std::holds_alternative<TransferLeadership>(step.action)) {
    if (group.now_ms < memory.no_handover_before_ms) {
      return {WaitFor{}, "the last handover did not succeed; " + step.why};
    }
    if (budget.handovers == 0) return {WaitFor{}, "waits for its turn: " + step.why};
    --budget.handovers;
    memory.no_handover_before_ms =
        group.now_ms + (kHandoverPauseMs << std::min(memory.handovers++, kMaxHandoverDoublings));
  }
  return step;
}

}  // namespace penstock::broker
