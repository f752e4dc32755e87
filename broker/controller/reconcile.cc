#include "broker/controller/reconcile.h"

#include <algorithm>
#include <optional>

namespace penstock::broker {
namespace {

using Nodes = std::vector<raft::NodeId>;

Nodes sorted(Nodes nodes) {
  std::ranges::sort(nodes);
  nodes.erase(std::ranges::unique(nodes).begin(), nodes.end());
  return nodes;
}

template <typename Predicate>
Nodes those(const Nodes& nodes, Predicate keep) {
  Nodes kept;
  std::ranges::copy_if(nodes, std::back_inserter(kept), keep);
  return kept;
}

Nodes without(const Nodes& nodes, const Nodes& others) {
  return those(nodes, [&](raft::NodeId node) { return !contains(others, node); });
}

Nodes joined(Nodes nodes, const Nodes& others) {
  nodes.insert(nodes.end(), others.begin(), others.end());
  return sorted(std::move(nodes));
}

class Reconciler {
 public:
  explicit Reconciler(const LedGroup& group)
      : group_(group),
        wanted_(sorted(group.wanted)),
        wanted_learners_(without(sorted(group.wanted_learners), wanted_)),
        voters_(group.membership.voters),
        learners_(group.membership.learners) {}

  Step next() const {
    if (wanted_.empty()) return {StayAsItIs{}, "placement says nothing of this group"};
    if (group_.membership.is_joint()) return {WaitFor{}, "a joint membership is to be left"};
    if (!group_.membership_is_committed) return {WaitFor{}, "the membership is to be committed"};
    if (auto step = add_learners()) return *step;
    if (auto step = change_voters()) return *step;
    if (auto step = drop_learners()) return *step;
    return lead_from_the_head();
  }

 private:
  // --- what the leader knows of a member

  const raft::PeerStatus* peer(raft::NodeId node) const {
    const auto found = std::ranges::find(group_.peers, node, &raft::PeerStatus::node);
    return found == group_.peers.end() ? nullptr : &*found;
  }
  bool is_live(raft::NodeId node) const {
    if (node == group_.self) return true;
    const raft::PeerStatus* status = peer(node);
    return status != nullptr && group_.now_ms - status->last_heard_ms <= group_.live_within_ms;
  }
  std::int64_t lag(raft::NodeId node) const {
    const raft::PeerStatus* status = peer(node);
    return status == nullptr ? group_.log_end.value() : group_.log_end - status->durable_end;
  }
  bool is_ready(raft::NodeId node) const {
    if (node == group_.self) return true;
    const raft::PeerStatus* status = peer(node);
    return is_live(node) && !status->installing && lag(node) <= group_.max_lag;
  }
  std::string state_of(raft::NodeId node) const {
    const std::string name = std::to_string(node.value());
    if (!is_live(node)) return name + " is not heard";
    if (peer(node)->installing) return name + " receives a snapshot";
    return name + " is " + std::to_string(lag(node)) + " records behind";
  }
  std::string states_of(const Nodes& nodes) const {
    std::string text;
    for (const raft::NodeId node : nodes) text += (text.empty() ? "" : ", ") + state_of(node);
    return text;
  }
  bool is_majority(std::size_t count) const { return count >= wanted_.size() / 2 + 1; }
  bool are_enough(const Nodes& voters) const {
    return is_majority(those(voters, [&](raft::NodeId node) { return is_ready(node); }).size());
  }

  // --- steps

  // Whoever shall be a member and is not, learns; learners that nobody wants any more go.
  std::optional<Step> add_learners() const {
    const Nodes members = joined(voters_, learners_);
    const Nodes missing = without(joined(wanted_, wanted_learners_), members);
    if (missing.empty()) return std::nullopt;
    return Step{ChangeMembership{voters_, joined(wanted_learners_kept(), missing)},
                "new members learn: " + to_string(missing)};
  }

  std::optional<Step> change_voters() const {
    if (voters_ == wanted_) return std::nullopt;
    const Nodes newcomers = without(wanted_, voters_);
    const Nodes leavers = without(voters_, wanted_);
    const Nodes late = those(newcomers, [&](raft::NodeId node) { return !is_ready(node); });
    if (!late.empty()) return replace_dead(newcomers, leavers, late);
    if (contains(leavers, group_.self)) return hand_over(newcomers);
    if (!are_enough(wanted_)) {
      const Nodes needed = those(wanted_, [&](raft::NodeId node) { return !is_ready(node); });
      return Step{WaitFor{}, "too few of the wanted voters keep up: " + states_of(needed)};
    }
    return Step{ChangeMembership{wanted_, learners_after(wanted_)},
                "voters become " + to_string(wanted_)};
  }

  // Some newcomers are late. Those that are ready may already take the places of leavers that are
  // dead: that only makes the group safer.
  Step replace_dead(const Nodes& newcomers, const Nodes& leavers, const Nodes& late) const {
    Nodes ready = without(newcomers, late);
    Nodes dead = those(leavers, [&](raft::NodeId node) { return !is_live(node); });
    const std::size_t pairs = std::min(ready.size(), dead.size());
    ready.resize(pairs);
    dead.resize(pairs);
    const Nodes voters = joined(without(voters_, dead), ready);
    if (pairs > 0 && are_enough(voters)) {
      return {ChangeMembership{voters, learners_after(voters)},
              to_string(ready) + " instead of " + to_string(dead) + ", not heard"};
    }
    return {WaitFor{}, "new members catch up: " + states_of(late)};
  }

  // This leader shall leave. It hands over to a voter that stays; when none is ready, the newcomers
  // vote beside it first.
  Step hand_over(const Nodes& newcomers) const {
    if (const auto heir = best_leader(without(wanted_, newcomers))) {
      return {TransferLeadership{*heir}, "the leader leaves the group"};
    }
    if (newcomers.empty()) {
      return {WaitFor{}, "the leader leaves when another voter is ready: " + states_of(wanted_)};
    }
    const Nodes voters = joined(wanted_, {group_.self});
    if (!are_enough(wanted_)) {
      return {WaitFor{}, "too few of the wanted voters keep up: " + states_of(wanted_)};
    }
    return {ChangeMembership{voters, learners_after(voters)},
            "voters become " + to_string(wanted_) + " and the leader, which then hands over"};
  }

  std::optional<Step> drop_learners() const {
    if (learners_ == wanted_learners_kept()) return std::nullopt;
    return Step{ChangeMembership{voters_, wanted_learners_kept()},
                "nobody wants them: " + to_string(without(learners_, wanted_learners_kept()))};
  }

  Step lead_from_the_head() const {
    const auto heir = best_leader(group_.wanted);
    const bool must_go = contains(group_.must_not_lead, group_.self);
    const bool should_go = group_.wish == LeadershipWish::kMoveToHead;
    if (heir && *heir != group_.self && (must_go || should_go)) {
      return {TransferLeadership{*heir}, must_go ? "the leader's broker is being drained"
                                                 : "the head of the list should lead"};
    }
    if (must_go) return {WaitFor{}, "the leader's broker is being drained; nobody can take over"};
    return {StayAsItIs{}, "as placed"};
  }

  // --- parts

  // First of the list that could lead now.
  std::optional<raft::NodeId> best_leader(const Nodes& candidates) const {
    for (const raft::NodeId node : group_.wanted) {
      if (contains(candidates, node) && contains(voters_, node) && is_ready(node) &&
          !contains(group_.must_not_lead, node)) {
        return node;
      }
    }
    return std::nullopt;
  }
  // Present learners that shall remain, be it to become voters.
  Nodes wanted_learners_kept() const {
    return those(learners_, [&](raft::NodeId node) {
      return contains(wanted_, node) || contains(wanted_learners_, node);
    });
  }
  // Voters that are to be learners from now on come to that by way of add_learners().
  Nodes learners_after(const Nodes& voters) const {
    return without(wanted_learners_kept(), voters);
  }

  const LedGroup& group_;
  const Nodes wanted_;
  const Nodes wanted_learners_;
  const Nodes voters_;
  const Nodes learners_;
};

}  // namespace

Step next_step(const LedGroup& group) { return Reconciler(group).next(); }

}  // namespace penstock::broker
