#include "tests/sim/sights.h"

#include <algorithm>

#include "tests/sim/probes.h"

namespace penstock::sim {

void Sights::started(const ReplicaView& view, bool /*intact*/) {
  refused_[{view.group, view.node}] = 0;
}

void Sights::crashed(raft::NodeId node) {
  for (const auto& [number, group] : groups_) {
    if (group.leader == node) probe(Probe::kLeaderCrashed);
  }
}

void Sights::stepped(const ReplicaView& view) {
  std::uint64_t& refused = refused_[{view.group, view.node}];
  const std::uint64_t now = view.replica.stats().refused_appends;
  if (now > refused) probe(Probe::kAppendRefusedByDisk);
  refused = now;
  if (view.replica.stats().bad_attachments > 0) probe(Probe::kBadBatchesRefused);
  if (view.replica.is_damaged()) probe(Probe::kDamageFound);
  if (view.replica.role() == raft::Role::kLeader) see_leader(view);
}

void Sights::see_leader(const ReplicaView& view) {
  Group& group = groups_[view.group];
  const Term term = view.replica.term();
  if (term < group.term) return probe(Probe::kMinorityLeader);
  if (term > group.term) {
    if (group.term > Term(0) && group.leader != view.node) probe(Probe::kLeaderReplaced);
    const auto candidates = group.candidates.find(term);
    if (candidates != group.candidates.end() && candidates->second.size() > 1) {
      probe(Probe::kRivalCandidates);
    }
    for (const auto& [older, nodes] : group.candidates) {
      if (older > group.term && older < term) probe(Probe::kTermWithoutLeader);
    }
    group.candidates.erase(group.candidates.begin(), group.candidates.upper_bound(term));
    group.term = term;
    group.leader = view.node;
    group.membership = view.replica.group().membership();
    return;
  }
  see_membership(view);
}

void Sights::see_membership(const ReplicaView& view) {
  Group& group = groups_[view.group];
  const raft::Membership& now = view.replica.group().membership();
  if (now == group.membership) return;
  if (now.is_joint()) probe(Probe::kMembershipJoint);
  if (!now.is_joint() && group.membership.is_joint()) probe(Probe::kMembershipFinal);
  if (!now.is_voter(view.node)) probe(Probe::kLeaderRemoved);
  if (now.voters.size() == 1 && !now.is_joint()) probe(Probe::kSoleVoter);
  const auto was_learner = [&](raft::NodeId node) {
    return std::ranges::binary_search(group.membership.learners, node);
  };
  if (std::ranges::any_of(now.voters, was_learner)) probe(Probe::kLearnerPromoted);
  group.membership = now;
}

void Sights::sent(GroupNumber group, const broker::PeerMessage& message) {
  const auto* request = std::get_if<raft::VoteRequest>(&message.envelope.message);
  if (request == nullptr || request->ballot == raft::Ballot::kPreVote) return;
  groups_[group].candidates[request->term].insert(message.envelope.from);
}

void Sights::read_confirmed(const ReplicaView& /*view*/, std::uint64_t /*context*/,
                            Offset /*committed*/) {
  probe(Probe::kReadIndexConfirmed);
}

}  // namespace penstock::sim
