// What a leader does next, and when: leadership goes home when home is well, a handover that failed
// waits, copies take turns.
#include "broker/server/replica_steps.h"

#include <gtest/gtest.h>

#include "broker/server/upkeep_limits.h"

namespace penstock::broker {
namespace {

constexpr raft::NodeId k1{1};
constexpr raft::NodeId k2{2};
constexpr raft::NodeId k3{3};
constexpr raft::NodeId k4{4};
constexpr Offset kEnd(50'000);

// Broker 2 leads 1, 2 and 3; all are level and were heard just now.
LedGroup led_by_2(std::int64_t now_ms) {
  LedGroup group{.self = k2, .wanted = {k1, k2, k3}};
  group.membership.voters = {k1, k2, k3};
  group.log_end = kEnd;
  group.now_ms = now_ms;
  group.live_within_ms = kFollowerLiveMs;
  group.max_lag = kCaughtUpRecords;
  for (const raft::NodeId node : {k1, k3}) {
    group.peers.push_back(
        {.node = node, .durable_end = kEnd, .last_heard_ms = now_ms, .voter = true});
  }
  return group;
}

PassBudget enough() { return {.copies = 10, .handovers = 10}; }

bool hands_over(const Step& step) {
  return std::holds_alternative<TransferLeadership>(step.action);
}

Step step_of(LedGroup group, LedMemory& memory) {
  PassBudget budget = enough();
  return paced_step(std::move(group), memory, budget);
}

TEST(ReplicaSteps, LeadershipGoesHomeWhenHomeHasBeenWellForAWhile) {
  LedMemory memory;
  EXPECT_FALSE(hands_over(step_of(led_by_2(1'000), memory)));
  EXPECT_FALSE(hands_over(step_of(led_by_2(1'000 + kHeadPatienceMs - 1), memory)));
  const Step step = step_of(led_by_2(1'000 + kHeadPatienceMs), memory);
  ASSERT_TRUE(hands_over(step)) << step.why;
  EXPECT_EQ(std::get<TransferLeadership>(step.action).to, k1);
}

TEST(ReplicaSteps, AHeadThatGoesAwayMustBeWellAnew) {
  LedMemory memory;
  static_cast<void>(step_of(led_by_2(1'000), memory));
  LedGroup away = led_by_2(6'000);
  away.peers[0].last_heard_ms = 1'000;
  static_cast<void>(step_of(away, memory));
  EXPECT_FALSE(hands_over(step_of(led_by_2(12'000), memory)));
  EXPECT_FALSE(hands_over(step_of(led_by_2(21'999), memory)));
  EXPECT_TRUE(hands_over(step_of(led_by_2(22'000), memory)));
}

TEST(ReplicaSteps, AHeadThatIsBehindMustCatchUpFirst) {
  LedMemory memory;
  for (std::int64_t now = 1'000; now < 60'000; now += 500) {
    LedGroup group = led_by_2(now);
    group.peers[0].durable_end = kEnd - kCaughtUpRecords - 1;
    EXPECT_FALSE(hands_over(step_of(group, memory)));
  }
}

// 1 is dead and 2 leads: 3 is not better.
TEST(ReplicaSteps, WhoLeadsStaysWhileTheHeadIsAway) {
  LedMemory memory;
  for (std::int64_t now = 1'000; now < 60'000; now += 500) {
    LedGroup group = led_by_2(now);
    group.wanted = {k1, k3, k2};
    group.peers[0].last_heard_ms = 0;
    group.now_ms = now + kFollowerLiveMs;
    group.peers[1].last_heard_ms = group.now_ms;
    EXPECT_FALSE(hands_over(step_of(group, memory))) << now;
  }
}

TEST(ReplicaSteps, ALeaderWhoseBrokerDrainsGoesAtOnceButNotToOneThatDrainsToo) {
  LedMemory memory;
  LedGroup group = led_by_2(1'000);
  group.must_not_lead = {k1, k2};
  const Step step = step_of(group, memory);
  ASSERT_TRUE(hands_over(step)) << step.why;
  EXPECT_EQ(std::get<TransferLeadership>(step.action).to, k3);
}

// 1 drains: 3 is the head in its place, and must show patience's worth of health like any other.
TEST(ReplicaSteps, TheNextInLineIsTheHeadWhileTheHeadDrains) {
  LedMemory memory;
  LedGroup group = led_by_2(1'000);
  group.wanted = {k1, k3, k2};
  group.must_not_lead = {k1};
  EXPECT_FALSE(hands_over(step_of(group, memory)));
  group.now_ms += kHeadPatienceMs;
  for (raft::PeerStatus& peer : group.peers) peer.last_heard_ms = group.now_ms;
  const Step step = step_of(group, memory);
  ASSERT_TRUE(hands_over(step));
  EXPECT_EQ(std::get<TransferLeadership>(step.action).to, k3);
}

TEST(ReplicaSteps, AHandoverThatDidNotSucceedWaitsEachTimeTwiceAsLong) {
  LedMemory memory;
  std::vector<std::int64_t> tried;
  for (std::int64_t now = 0; now < 100'000; now += 500) {
    LedGroup group = led_by_2(now);
    group.must_not_lead = {k2};
    const Step step = step_of(group, memory);
    if (hands_over(step)) {
      tried.push_back(now);
    } else {
      EXPECT_NE(step.why.find("did not succeed"), std::string::npos) << step.why;
    }
  }
  EXPECT_EQ(tried, (std::vector<std::int64_t>{0, 5'000, 15'000, 35'000, 75'000}));
}

TEST(ReplicaSteps, HandoversOfOnePassAreFew) {
  PassBudget budget{.copies = 0, .handovers = 1};
  int begun = 0;
  for (int i = 0; i < 3; ++i) {
    LedMemory memory;
    LedGroup group = led_by_2(1'000);
    group.must_not_lead = {k2};
    if (hands_over(paced_step(group, memory, budget))) ++begun;
  }
  EXPECT_EQ(begun, 1);
}

TEST(ReplicaSteps, NewMembersWaitForTheirTurn) {
  LedMemory memory;
  LedGroup group = led_by_2(1'000);
  group.wanted = {k1, k2, k4};
  PassBudget nothing;
  const Step waits = paced_step(group, memory, nothing);
  EXPECT_TRUE(std::holds_alternative<WaitFor>(waits.action));
  EXPECT_NE(waits.why.find("its turn"), std::string::npos) << waits.why;
  PassBudget one{.copies = 1, .handovers = 0};
  const Step begins = paced_step(group, memory, one);
  ASSERT_TRUE(std::holds_alternative<ChangeMembership>(begins.action)) << begins.why;
  EXPECT_EQ(std::get<ChangeMembership>(begins.action).learners, ReplicaList{k4});
  EXPECT_EQ(one.copies, 0U);
}

TEST(ReplicaSteps, WhatWasBegunIsEndedWithoutWaitingForATurn) {
  LedMemory memory;
  PassBudget nothing;
  LedGroup group = led_by_2(1'000);
  group.wanted = {k1, k2, k4};
  group.membership.learners = {k4};
  group.peers.push_back({.node = k4, .durable_end = kEnd, .last_heard_ms = 1'000});
  const Step votes = paced_step(group, memory, nothing);
  ASSERT_TRUE(std::holds_alternative<ChangeMembership>(votes.action)) << votes.why;
  EXPECT_EQ(std::get<ChangeMembership>(votes.action).voters, (ReplicaList{k1, k2, k4}));
}

TEST(ReplicaSteps, OnlyALiveMemberThatIsBehindIsACopy) {
  LedGroup group = led_by_2(1'000);
  EXPECT_FALSE(copies_its_log(group));
  group.membership.learners = {k4};
  group.peers.push_back({.node = k4, .durable_end = Offset(0), .last_heard_ms = 1'000});
  EXPECT_TRUE(copies_its_log(group));
  group.peers.back().durable_end = kEnd - kCaughtUpRecords;
  EXPECT_FALSE(copies_its_log(group)) << "it has caught up";
  group.peers.back().installing = true;
  EXPECT_TRUE(copies_its_log(group));
  group.now_ms += kFollowerLiveMs + 1;
  EXPECT_FALSE(copies_its_log(group)) << "nobody hears it: it costs nothing";
}

// --- as placed

PartitionImage placed_on(const ReplicaList& brokers) {
  PartitionImage placed{.replicas = {}, .placed_at = Offset(7), .founders = brokers};
  for (const raft::NodeId broker : brokers) placed.replicas.push_back({broker, Offset(7)});
  return placed;
}

TEST(ReplicaSteps, AMembershipIsAsPlacedWhenItIsExactlyThat) {
  const PartitionImage placed = placed_on({k3, k1, k2});
  EXPECT_TRUE(is_as_placed(placed, {.voters = {k1, k2, k3}, .outgoing = {}, .learners = {}}));
  EXPECT_FALSE(is_as_placed(placed, {.voters = {k1, k2}, .outgoing = {}, .learners = {}}));
  EXPECT_FALSE(is_as_placed(placed, {.voters = {k1, k2, k4}, .outgoing = {}, .learners = {}}));
  EXPECT_FALSE(is_as_placed(placed, {.voters = {k1, k2, k3}, .outgoing = {}, .learners = {k4}}));
  EXPECT_FALSE(is_as_placed(placed, {.voters = {k1, k2, k3}, .outgoing = {k1}, .learners = {}}));
  EXPECT_FALSE(is_as_placed(placed, {.voters = {k1, k2, k3, k4}, .outgoing = {}, .learners = {}}));
}

TEST(ReplicaSteps, OnlyActiveBrokersLead) {
  ClusterImage::Brokers brokers;
  int number = 0;
  for (const BrokerMode mode : {BrokerMode::kActive, BrokerMode::kDraining, BrokerMode::kDrained,
                                BrokerMode::kDecommissioning, BrokerMode::kDecommissioned}) {
    const raft::NodeId id(++number);
    brokers[id] = {
        .id = id, .directory = {}, .host = "", .rack = "", .started_at = {}, .mode = mode};
  }
  ClusterImage::Parts parts;
  parts.brokers = std::make_shared<const ClusterImage::Brokers>(brokers);
  EXPECT_EQ(brokers_that_must_not_lead(ClusterImage(std::move(parts), Offset(1), Term(1))),
            (ReplicaList{k2, k3, k4, raft::NodeId(5)}));
}

}  // namespace
}  // namespace penstock::broker
