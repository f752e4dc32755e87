// What the controller finds to do about its brokers: who takes part in its group, who is empty.
#include "broker/server/controller_steps.h"

#include <gtest/gtest.h>

#include "broker/controller/limits.h"
#include "broker/raft/limits.h"
#include "broker/server/upkeep_limits.h"

namespace penstock::broker {
namespace {

const Uuid kOrders = *Uuid::parse("0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a");
constexpr PartitionId kP0{0};
constexpr Offset kCreated(10);
constexpr Offset kMoved(20);

ReplicaList nodes(std::initializer_list<int> numbers) {
  ReplicaList list;
  for (const int number : numbers) list.emplace_back(number);
  return list;
}

BrokerImage broker(int number, BrokerMode mode = BrokerMode::kActive) {
  return {.id = raft::NodeId(number),
          .directory = {},
          .host = "",
          .rack = "",
          .started_at = {},
          .mode = mode};
}

ClusterImage image_of(const std::vector<BrokerImage>& brokers, TopicPtr topic = nullptr) {
  ClusterImage::Brokers all;
  for (const BrokerImage& one : brokers) all[one.id] = one;
  ClusterImage::Parts parts;
  parts.brokers = std::make_shared<const ClusterImage::Brokers>(all);
  if (topic) {
    parts.topics =
        std::make_shared<const ClusterImage::Topics>(ClusterImage::Topics{{topic->name, topic}});
  }
  return {std::move(parts), Offset(30), Term(1)};
}

// One partition, created at 10 and placed at `placed_at`.
TopicPtr orders(const ReplicaList& on, Offset placed_at) {
  PartitionImage placed{.replicas = {}, .placed_at = placed_at, .founders = on};
  for (const raft::NodeId node : on) placed.replicas.push_back({node, placed_at});
  auto topic = std::make_shared<TopicImage>();
  topic->id = kOrders;
  topic->name = "orders";
  topic->partitions = 1;
  topic->placed_from[0] = kCreated;
  topic->placement.push_back(std::make_shared<const PartitionImage>(placed));
  return topic;
}

LeaderNews told(const ReplicaList& voters, Offset placed_at) {
  return {.partition = {kOrders, kP0},
          .leader = raft::NodeId(1),
          .term = Term(3),
          .membership = {.voters = voters, .outgoing = {}, .learners = {}},
          .placed_at = placed_at};
}

// --- the metadata group

TEST(ControllerSteps, ABrokerIsLiveForAWhileAfterItWasHeard) {
  const std::int64_t now = 100'000;
  const std::vector<raft::PeerStatus> peers = {
      {.node = raft::NodeId(3), .durable_end = {}, .last_heard_ms = now - kBrokerMissingMs},
      {.node = raft::NodeId(2), .durable_end = {}, .last_heard_ms = now - kBrokerMissingMs - 1}};
  EXPECT_EQ(live_brokers(raft::NodeId(5), peers, now), nodes({3, 5}));
}

TEST(ControllerSteps, EverybodyTakesPartAndThreeOfFourVote) {
  const ClusterImage image = image_of({broker(1), broker(2), broker(3), broker(4)});
  const ControllerMembers members = metadata_members(image, nodes({1}), nodes({1, 2, 3, 4}));
  EXPECT_EQ(members.voters, nodes({1, 2, 3}));
  EXPECT_EQ(members.learners, nodes({4}));
}

TEST(ControllerSteps, WhoIsMissingIsReplacedByWhoIsThere) {
  const ClusterImage image = image_of({broker(1), broker(2), broker(3), broker(4)});
  const ControllerMembers members = metadata_members(image, nodes({1, 2, 3}), nodes({1, 3, 4}));
  EXPECT_EQ(members.voters, nodes({1, 3, 4}));
  EXPECT_EQ(members.learners, nodes({2}));
}

TEST(ControllerSteps, WhoDrainsOrIsDecommissionedFollowsUntilItIsRemoved) {
  const ClusterImage image = image_of({broker(1), broker(2, BrokerMode::kDraining), broker(3),
                                       broker(4), broker(5, BrokerMode::kDecommissioned)});
  const ControllerMembers members =
      metadata_members(image, nodes({1, 2, 3}), nodes({1, 2, 3, 4, 5}));
  EXPECT_EQ(members.voters, nodes({1, 3, 4}));
  EXPECT_EQ(members.learners, nodes({2, 5}));
}

TEST(ControllerSteps, EveryBrokerOfTheLargestClusterFollowsMetadataWhileAllVotersChange) {
  std::vector<BrokerImage> brokers;
  for (std::size_t i = 0; i < kMaxBrokers; ++i) brokers.push_back(broker(static_cast<int>(i) + 1));
  const ReplicaList now = nodes({96, 97, 98, 99, 100});
  const ControllerMembers members =
      metadata_members(image_of(brokers), now, nodes({1, 2, 3, 4, 5}));
  EXPECT_EQ(members.voters, nodes({1, 2, 3, 4, 5}));
  EXPECT_EQ(members.learners.size(), kMaxBrokers - 5);
}

TEST(ControllerSteps, AGroupHasOnlySoManyMembersWhileItsVotersChange) {
  std::vector<BrokerImage> brokers;
  ReplicaList all;
  for (int number = 1; number <= 200; ++number) {
    brokers.push_back(broker(number));
    all.emplace_back(number);
  }
  const ReplicaList now = nodes({196, 197, 198, 199, 200});
  const ControllerMembers members = metadata_members(image_of(brokers), now, nodes({1, 2, 3}));
  raft::Membership joint{.voters = members.voters, .outgoing = now, .learners = members.learners};
  EXPECT_EQ(members.voters.size(), 5U);
  EXPECT_LE(joint.everyone().size(), raft::kMaxMembers);
  EXPECT_GT(members.learners.size(), 10U);
}

// --- emptying brokers

struct Case {
  const char* story;
  ReplicaList placed;
  Offset placed_at;
  std::optional<LeaderNews> news;
  bool counts;  // on broker 3
};

TEST(ControllerSteps, ABrokerIsEmptyWhenNoGroupCanCountOnIt) {
  const Case table[] = {
      {"it is placed there", nodes({1, 3}), kMoved, told(nodes({1, 2}), kMoved), true},
      {"it never was", nodes({1, 2}), kCreated, std::nullopt, false},
      {"moved away, and nobody has said so", nodes({1, 2}), kMoved, std::nullopt, true},
      {"the leader is there", nodes({1, 2}), kMoved, told(nodes({1, 2}), kMoved), false},
      {"the leader is further still", nodes({1, 2}), kMoved, told(nodes({1, 2}), Offset(25)),
       false},
      {"on the way, and still a member", nodes({1, 2}), kMoved, told(nodes({1, 3}), Offset(0)),
       true},
      {"on the way, and no member yet: the leader may know only the placement before",
       nodes({1, 2}), kMoved, told(nodes({1}), Offset(15)), true},
      {"changing at the moment", nodes({1, 2}), kMoved, told({}, Offset(0)), true},
  };
  for (const Case& c : table) {
    const TopicPtr topic = orders(c.placed, c.placed_at);
    EXPECT_EQ(counts_on(*topic, kP0, raft::NodeId(3), c.news), c.counts) << c.story;
  }
}

MoveProgress progress(const ReplicaList& placed, Offset placed_at,
                      const std::optional<LeaderNews>& news, const ReplicaList& live,
                      bool is_told = true) {
  LeaderTable table;
  if (news) table.hear(*news);
  const ClusterImage image = image_of({broker(1), broker(2), broker(3)}, orders(placed, placed_at));
  return progress_of_moves(
      image, table, [&](const TopicPartition&) { return is_told; }, nodes({3}), live);
}

TEST(ControllerSteps, AMoveIsUnderWayUntilItsLeaderSaysItIsThere) {
  const ReplicaList live = nodes({1, 2, 3});
  EXPECT_EQ(progress(nodes({1, 2}), kCreated, std::nullopt, live).under_way, 0U);
  EXPECT_EQ(progress(nodes({1, 2}), kMoved, std::nullopt, live).under_way, 1U);
  EXPECT_EQ(progress(nodes({1, 2}), kMoved, told(nodes({1, 3}), Offset(0)), live).under_way, 1U);
  EXPECT_EQ(progress(nodes({1, 2}), kMoved, told(nodes({1, 2}), kMoved), live).under_way, 0U);
  EXPECT_EQ(
      progress(nodes({1, 2}), kMoved, told(nodes({1, 3}), Offset(0)), nodes({1, 3})).under_way, 0U)
      << "it waits for broker 2, perhaps for ever";
}

TEST(ControllerSteps, WhatTheShardsSayIsAddedUp) {
  const ReplicaList live = nodes({1, 2, 3});
  MoveProgress all = progress(nodes({1, 3}), kCreated, std::nullopt, live);
  EXPECT_EQ(all.counted_on, nodes({3}));
  all.add(progress(nodes({1, 2}), kMoved, std::nullopt, live));
  EXPECT_EQ(all.counted_on, nodes({3}));
  EXPECT_EQ(all.under_way, 1U);
  const MoveProgress other = progress(nodes({1, 3}), kMoved, std::nullopt, live, false);
  EXPECT_EQ(other.under_way, 0U) << "another shard hears of that partition";
  EXPECT_TRUE(other.counted_on.empty());
}

}  // namespace
}  // namespace penstock::broker
