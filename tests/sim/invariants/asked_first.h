// Nobody raises its term before a majority has said that it would vote for it, unless its leader
// asked: a node that is cut off, alone or with a minority, keeps its term and disturbs nobody when
// it comes back (pre-vote).
//
// Any majority of any membership that the node has had counts: what it waits for before it speaks
// may take longer than a membership lasts.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "tests/sim/invariants/invariant.h"

namespace penstock::sim {

class AskedFirst final : public Invariant {
 public:
  using Invariant::Invariant;
  std::string_view name() const override { return "asked-first"; }

  void started(const ReplicaView& view, bool /*intact*/) override { remember(view); }
  void stepped(const ReplicaView& view) override { remember(view); }

  void sent(GroupNumber group, const broker::PeerMessage& message) override {
    const raft::Envelope& envelope = message.envelope;
    if (const auto* reply = std::get_if<raft::VoteReply>(&envelope.message)) {
      if (reply->granted && reply->ballot == raft::Ballot::kPreVote) {
        would_vote_[{group, envelope.to, reply->term}].insert(envelope.from);
      }
    } else if (const auto* request = std::get_if<raft::VoteRequest>(&envelope.message)) {
      if (request->ballot == raft::Ballot::kVote && !request->transfer) {
        check(group, envelope.from, request->term);
      }
    }
  }

 private:
  void remember(const ReplicaView& view) {
    auto& had = memberships_[{view.group, view.node}];
    const raft::Membership& now = view.replica.group().membership();
    if (had.empty() || had.back() != now) had.push_back(now);
  }

  void check(GroupNumber group, raft::NodeId node, Term term) {
    const std::set<raft::NodeId>& friends = would_vote_[{group, node, term}];
    const auto is_for_it = [&](raft::NodeId other) {
      return other == node || friends.contains(other);
    };
    const auto suffices = [&](const raft::Membership& membership) {
      const auto yes = std::ranges::count_if(membership.voters, is_for_it);
      return static_cast<std::size_t>(yes) * 2 > membership.voters.size();
    };
    if (std::ranges::any_of(memberships_[{group, node}], suffices)) return;
    violated(to_string(node) + " asks group " + std::to_string(group) + " for votes in term " +
             std::to_string(term.value()) + ", of which only " + std::to_string(friends.size()) +
             " others said that they would vote");
  }

  std::map<std::tuple<GroupNumber, raft::NodeId, Term>, std::set<raft::NodeId>> would_vote_;
  std::map<std::pair<GroupNumber, raft::NodeId>, std::vector<raft::Membership>> memberships_;
};

}  // namespace penstock::sim
