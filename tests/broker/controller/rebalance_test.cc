#include "broker/controller/rebalance.h"

#include <gtest/gtest.h>

#include "broker/controller/cluster_state.h"

namespace penstock::broker {
namespace {

Uuid numbered_id(std::uint32_t number) {
  Uuid id;
  id.bytes[0] = std::byte(number & 0xff);
  id.bytes[1] = std::byte(number >> 8);
  return id;
}
const raft::NodeId kOne(1), kTwo(2), kThree(3);

class Rebalance : public testing::Test {
 protected:
  template <typename Command>
  Status carry_out(const Command& command) {
    PENSTOCK_TRY_ASSIGN(const auto decision, state.handle(command));
    for (const MetadataRecord& record : decision.records) {
      PENSTOCK_TRY(state.apply(end, record));
      end = end + 1;
    }
    return {};
  }
  void brokers(int count) {
    for (int b = 1; b <= count; ++b) {
      ASSERT_TRUE(carry_out(RegisterBroker{.directory = numbered_id(1'000 + b),
                                           .host = "h",
                                           .port = 1,
                                           .rack = "",
                                           .started_at = Timestamp(1)}));
    }
  }
  void create(const std::string& name, std::uint32_t partitions, std::uint32_t replicas) {
    ASSERT_TRUE(carry_out(CreateTopic{.name = name,
                                      .partitions = partitions,
                                      .replication_factor = replicas,
                                      .settings = {},
                                      .id = numbered_id(++topics),
                                      .now = Timestamp(1)}));
  }
  void place(const std::string& name, int partition, ReplicaList replicas) {
    ASSERT_TRUE(carry_out(MoveReplicas{
        .topic = name, .partition = PartitionId(partition), .replicas = std::move(replicas)}));
  }
  LedPartition led(int partition, raft::NodeId leader, ReplicaList ready) {
    return {{numbered_id(1), PartitionId(partition)}, leader, std::move(ready)};
  }

  ClusterState state;
  Offset end;
  std::uint32_t topics = 0;
};

TEST_F(Rebalance, ADrainGoesOnAFewMovesAtATimeUntilNothingIsLeft) {
  brokers(5);
  create("orders", 20, 3);
  create("clicks", 7, 2);
  ASSERT_TRUE(carry_out(DrainBroker{kTwo, Timestamp(2)}));
  std::size_t moved = 0;
  while (true) {
    const auto moves = plan_drain(*state.image(), kTwo, 4, /*seed=*/moved);
    ASSERT_TRUE(moves) << moves.error().to_string();
    ASSERT_LE(moves->size(), 4U);
    if (moves->empty()) break;
    for (const ReplicaMove& move : *moves) {
      ASSERT_TRUE(carry_out(MoveReplicas{move.topic, move.partition, move.to, move.placed_at}));
      ++moved;
    }
  }
  EXPECT_GE(moved, 10U);
  EXPECT_TRUE(carry_out(FinishDrain{kTwo, Timestamp(3)}));
  std::map<raft::NodeId, int> heads;
  for (const auto& [name, topic] : state.image()->topics()) {
    for (const PartitionPtr& placed : topic->placement) {
      EXPECT_FALSE(placed->has(kTwo));
      EXPECT_EQ(placed->replicas.size(), topic->replication_factor);
      ++heads[placed->replicas.front().broker];
    }
  }
  for (const auto& [broker, count] : heads) EXPECT_LE(count, 27 / 4 + 3) << broker.value();
}

TEST_F(Rebalance, ADrainThatCannotBeIsRefusedWithItsReason) {
  brokers(3);
  create("orders", 2, 3);
  EXPECT_EQ(plan_drain(*state.image(), kTwo, 10, 1).error().code(), Errc::kNotEnoughBrokers);
  EXPECT_EQ(plan_drain(*state.image(), raft::NodeId(9), 10, 1).error().code(),
            Errc::kUnknownBroker);
}

TEST_F(Rebalance, APlanIsNotCarriedOutTwice) {
  brokers(4);
  create("orders", 1, 2);
  place("orders", 0, {kOne, kTwo});
  const auto moves = plan_drain(*state.image(), kTwo, 10, 1);
  ASSERT_EQ(moves->size(), 1U);
  place("orders", 0, {kTwo, kOne});
  const ReplicaMove& move = moves->front();
  EXPECT_EQ(
      carry_out(MoveReplicas{move.topic, move.partition, move.to, move.placed_at}).error().code(),
      Errc::kChangeInProgress);
}

TEST_F(Rebalance, LeadersGoToTheHeadsOfTheirLists) {
  brokers(3);
  create("orders", 3, 3);
  place("orders", 0, {kOne, kTwo, kThree});
  place("orders", 1, {kTwo, kOne, kThree});
  place("orders", 2, {kThree, kTwo, kOne});
  const ReplicaList all{kOne, kTwo, kThree};
  const std::vector<LedPartition> now{led(0, kOne, all), led(1, kOne, all), led(2, kOne, all)};
  const std::vector<LeaderMove> moves{{now[1].id, kOne, kTwo}, {now[2].id, kOne, kThree}};
  EXPECT_EQ(plan_leader_moves(*state.image(), now, 10), moves);
  EXPECT_EQ(plan_leader_moves(*state.image(), now, 1).size(), 1U);
  const std::vector<LedPartition> late{led(1, kThree, {kOne, kThree})};
  EXPECT_TRUE(plan_leader_moves(*state.image(), late, 10).empty())
      << "its head cannot lead now, and one that is not the head is as good as another";
}

TEST_F(Rebalance, LeadersOnADrainingBrokerGoFirstAndToWhoeverCan) {
  brokers(4);
  create("orders", 2, 3);
  place("orders", 0, {kTwo, kOne, kThree});
  place("orders", 1, {kOne, kTwo, kThree});
  ASSERT_TRUE(carry_out(DrainBroker{kOne, Timestamp(2)}));
  const std::vector<LedPartition> now{led(0, kThree, {kTwo, kThree}), led(1, kOne, {kOne, kThree})};
  const std::vector<LeaderMove> moves{{now[1].id, kOne, kThree}, {now[0].id, kThree, kTwo}};
  EXPECT_EQ(plan_leader_moves(*state.image(), now, 10), moves);
}

TEST_F(Rebalance, WhatMetadataDoesNotKnowStaysWhereItIs) {
  brokers(3);
  create("orders", 1, 3);
  const std::vector<LedPartition> now{led(7, kOne, {kTwo}),
                                      {{numbered_id(99), PartitionId(0)}, kOne, {kTwo}}};
  EXPECT_TRUE(plan_leader_moves(*state.image(), now, 10).empty());
}

}  // namespace
}  // namespace penstock::broker
