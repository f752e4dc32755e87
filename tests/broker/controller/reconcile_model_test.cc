// Drives a model of a group's membership with next_step(), from random states, while placement
// changes its mind, members fall behind, die and come back, and leaders change.
//
// The model knows joint changes, and that a majority of each half must live for anything to happen.
// Checked at every step: what is asked for is allowed, nobody votes who has not caught up, the
// leader is never let go, and a majority of the wanted voters is live and caught up when voters go.
// At last everybody lives and the group must come to what is wanted.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "base/random.h"
#include "broker/controller/reconcile.h"

namespace penstock::broker {
namespace {

constexpr int kBrokers = 8;
constexpr std::int64_t kMaxLag = 100;
constexpr Offset kLogEnd(10'000);

struct Member {
  bool live = true;
  bool caught_up = true;
};

class Model {
 public:
  explicit Model(std::uint64_t seed) : rng_(seed) {
    for (int b = 1; b <= kBrokers; ++b) members_[raft::NodeId(b)] = {};
    voters_ = some_brokers(1 + rng_.below(5));
    for (const raft::NodeId node : some_brokers(rng_.below(3))) {
      if (!contains(voters_, node)) learners_.push_back(node);
    }
    for (const raft::NodeId node : learners_) members_[node].caught_up = rng_.one_in(2);
    leader_ = voters_[rng_.below(voters_.size())];
    change_mind();
  }

  void change_mind() {
    wanted_ = some_brokers(1 + 2 * rng_.below(3));
    for (std::size_t i = wanted_.size(); i > 1; --i) {
      std::swap(wanted_[i - 1], wanted_[rng_.below(i)]);
    }
  }

  // Something that happens to a cluster. Faults never take a majority of the voters.
  void fate() {
    Member& member = members_[raft::NodeId(static_cast<std::int32_t>(1 + rng_.below(kBrokers)))];
    const Member before = member;
    switch (rng_.below(5)) {
      case 0:
        member.live = false;
        break;
      case 1:
        member.live = true;
        break;
      case 2:
        member.caught_up = true;
        break;
      case 3:
        member.caught_up = false;
        break;
      default:
        if (rng_.one_in(6)) change_mind();
    }
    if (!has_majority()) member = before;
    if (!can_lead(leader_)) elect();
  }

  void heal() {
    for (auto& [node, member] : members_) member = {};
  }

  // One step of the leader; false when it stays as it is.
  bool step() {
    const Step step = next_step(seen_by_leader());
    if (std::holds_alternative<StayAsItIs>(step.action)) return false;
    if (const auto* change = std::get_if<ChangeMembership>(&step.action))
      change_membership(*change);
    if (const auto* transfer = std::get_if<TransferLeadership>(&step.action)) {
      EXPECT_TRUE(contains(voters_, transfer->to)) << step.why;
      EXPECT_TRUE(is_ready(transfer->to)) << step.why;
      EXPECT_NE(transfer->to, leader_) << step.why;
      leader_ = transfer->to;
    }
    return true;
  }

  bool is_settled() const {
    ReplicaList wanted = wanted_;
    std::ranges::sort(wanted);
    return voters_ == wanted && learners_.empty() && leader_ == wanted_.front();
  }
  std::string describe() const {
    return "leader " + std::to_string(leader_.value()) + " voters " + to_string(voters_) +
           " learners " + to_string(learners_) + " wanted " + to_string(wanted_);
  }

 private:
  ReplicaList some_brokers(std::size_t count) {
    ReplicaList list;
    while (list.size() < count) {
      const raft::NodeId node(static_cast<std::int32_t>(1 + rng_.below(kBrokers)));
      if (!contains(list, node)) list.push_back(node);
    }
    std::ranges::sort(list);
    return list;
  }

  bool is_ready(raft::NodeId node) const {
    return members_.at(node).live && members_.at(node).caught_up;
  }
  bool can_lead(raft::NodeId node) const { return contains(voters_, node) && is_ready(node); }
  // Acknowledged records are on a majority: so many are caught up, and live in this model.
  bool has_majority() const {
    return static_cast<std::size_t>(std::ranges::count_if(
               voters_, [&](raft::NodeId node) { return is_ready(node); })) > voters_.size() / 2;
  }
  void elect() {
    ReplicaList able = voters_;
    std::erase_if(able, [&](raft::NodeId node) { return !can_lead(node); });
    ASSERT_FALSE(able.empty());
    leader_ = able[rng_.below(able.size())];
  }

  LedGroup seen_by_leader() const {
    LedGroup group{.self = leader_, .wanted = wanted_};
    group.wish = LeadershipWish::kMoveToHead;
    group.membership = {.voters = voters_, .outgoing = {}, .learners = learners_};
    group.log_end = kLogEnd;
    group.now_ms = 1'000;
    group.live_within_ms = 100;
    group.max_lag = kMaxLag;
    for (const ReplicaList& list : {voters_, learners_}) {
      for (const raft::NodeId node : list) {
        if (node == leader_) continue;
        const Member& member = members_.at(node);
        group.peers.push_back({.node = node,
                               .durable_end = member.caught_up ? kLogEnd : Offset(0),
                               .last_heard_ms = member.live ? 1'000 : 0,
                               .voter = contains(voters_, node)});
      }
    }
    return group;
  }

  void change_membership(const ChangeMembership& change) {
    const std::string story =
        describe() + " -> " + to_string(change.voters) + " + " + to_string(change.learners);
    EXPECT_FALSE(change.voters.empty()) << story;
    EXPECT_TRUE(std::ranges::is_sorted(change.voters)) << story;
    EXPECT_TRUE(std::ranges::is_sorted(change.learners)) << story;
    EXPECT_TRUE(change.voters != voters_ || change.learners != learners_) << story;
    EXPECT_TRUE(contains(change.voters, leader_)) << story;
    for (const raft::NodeId node : change.voters) {
      EXPECT_FALSE(contains(change.learners, node)) << story;
      if (contains(voters_, node)) continue;
      EXPECT_TRUE(contains(learners_, node)) << story << ": votes without having learned";
      EXPECT_TRUE(is_ready(node)) << story << ": votes before it has caught up";
    }
    const bool voters_go = std::ranges::any_of(
        voters_, [&](raft::NodeId node) { return !contains(change.voters, node); });
    if (voters_go) {
      const auto ready = static_cast<std::size_t>(
          std::ranges::count_if(change.voters, [&](raft::NodeId node) { return is_ready(node); }));
      EXPECT_GT(ready, wanted_.size() / 2) << story;
    }
    for (const raft::NodeId node : change.learners) {
      if (!contains(learners_, node)) members_[node].caught_up = false;  // it begins with nothing
    }
    voters_ = change.voters;
    learners_ = change.learners;
    EXPECT_TRUE(has_majority()) << story << ": the group cannot go on";
  }

  Rng rng_;
  std::map<raft::NodeId, Member> members_;
  ReplicaList voters_;
  ReplicaList learners_;
  ReplicaList wanted_;
  raft::NodeId leader_;
};

TEST(ReconcileModel, ComesToWhatIsWantedFromAnywhere) {
  constexpr int kSeeds = 5'000;
  int most_steps = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Model model(seed);
    for (int event = 0; event < 60; ++event) {
      model.fate();
      model.step();
    }
    int steps = 0;
    for (model.heal(); model.step() && steps < 20; ++steps) model.heal();
    ASSERT_TRUE(model.is_settled()) << model.describe();
    most_steps = std::max(most_steps, steps);
    if (testing::Test::HasFailure()) return;
  }
  std::printf("RECONCILE seeds=%d most_steps_after_healing=%d\n", kSeeds, most_steps);
  EXPECT_LE(most_steps, 6) << "learn, vote, hand over, let go, lead from the head";
}

}  // namespace
}  // namespace penstock::broker
