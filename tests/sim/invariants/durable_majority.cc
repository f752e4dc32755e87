#include "tests/sim/invariants/durable_majority.h"

#include <algorithm>

namespace penstock::sim {

void DurableMajority::started(const ReplicaView& view, bool /*intact*/) {
  see_durable(view);
  committed_[{view.node, view.group}] = view.replica.committed();
}

bool DurableMajority::majority(const std::vector<raft::NodeId>& voters, GroupNumber group,
                               Offset end) const {
  const auto known = committed_anywhere_.find(group);
  const bool is_old = known != committed_anywhere_.end() && end <= known->second;
  const auto reach = [&](const auto& ends, raft::NodeId node) {
    const auto found = ends.find({node, group});
    return found != ends.end() && found->second >= end;
  };
  const auto holders = std::ranges::count_if(voters, [&](raft::NodeId node) {
    return reach(durable_, node) || (is_old && reach(given_up_, node));
  });
  return static_cast<std::size_t>(holders) * 2 > voters.size();
}

// What it acknowledged and lost since may still be counted by who hears of it late, and counts: as
// long as it is not whole, nobody is elected without it.
void DurableMajority::see_durable(const ReplicaView& view) {
  Offset& durable = durable_[{view.node, view.group}];
  const Offset now = view.replica.durable_end();
  const bool counts_for_more = !view.intact && view.replica.is_damaged();
  durable = counts_for_more ? std::max(durable, now) : now;
}

void DurableMajority::stepped(const ReplicaView& view) {
  see_durable(view);
  Offset& before = committed_[{view.node, view.group}];
  const Offset committed = view.replica.committed();
  const std::string who = to_string(view.node) + " group " + std::to_string(view.group);
  // A copy that is damaged may be cut below it, to be sent again.
  const bool was_cut = !view.intact && view.output != nullptr && view.output->truncated_to;
  if (committed < before && !was_cut) {
    violated(who + ": the commit point went back from " + std::to_string(before.value()) + " to " +
             std::to_string(committed.value()));
  }
  before = committed;
  // A disk that failed in the middle of a cut ends the process before anybody else hears of it.
  const bool is_dying = view.output != nullptr && view.output->fatal;
  if (!is_dying && view.replica.group().durable_end() > view.replica.durable_end()) {
    violated(who + " believes that its disk ends at " +
             std::to_string(view.replica.group().durable_end().value()) + ", it ends at " +
             std::to_string(view.replica.durable_end().value()));
  }
  if (view.output == nullptr || !view.output->committed) return;
  if (view.replica.role() != raft::Role::kLeader) return;
  const raft::Membership& membership = view.replica.group().membership();
  // Another leader could still replace what is of an older term, majority or not (Raft, 5.4.2).
  const bool alone = membership.voters.size() == 1 && !membership.is_joint();
  const Term last = view.replica.group().point_at(committed).term;
  if (!alone && last != view.replica.term()) {
    violated(who + " commits up to " + std::to_string(committed.value()) + " of term " +
             std::to_string(last.value()) + " by counting, in term " +
             std::to_string(view.replica.term().value()));
  }
  if (majority(membership.voters, view.group, committed) &&
      (!membership.is_joint() || majority(membership.outgoing, view.group, committed))) {
    Offset& anywhere = committed_anywhere_[view.group];
    anywhere = std::max(anywhere, committed);
    return;
  }
  violated(who + " commits up to " + std::to_string(committed.value()) +
           " without a majority of disks of " + to_string(membership));
}

}  // namespace penstock::sim
