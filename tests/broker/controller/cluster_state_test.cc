#include "broker/controller/cluster_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "broker/controller/limits.h"

namespace penstock::broker {
namespace {

using testing::HasSubstr;

Uuid numbered_id(std::uint32_t number) {
  Uuid id;
  id.bytes[0] = std::byte(number & 0xff);
  id.bytes[1] = std::byte(number >> 8 & 0xff);
  id.bytes[2] = std::byte(number >> 16);
  return id;
}

RegisterBroker register_broker(int number) {
  return {.directory = numbered_id(900 + static_cast<std::uint32_t>(number) - 1),
          .known_as = raft::kNobody,
          .host = "host" + std::to_string(number),
          .port = 7333,
          .rack = "",
          .started_at = Timestamp(1)};
}

class Cluster {
 public:
  template <typename Command>
  Status carry_out(const Command& command) {
    PENSTOCK_TRY_ASSIGN(const auto decision, state.handle(command));
    for (const MetadataRecord& record : decision.records) {
      PENSTOCK_TRY(state.apply(end, record));
      end = end + 1;
      log.push_back(record);
    }
    return {};
  }
  Status start() { return carry_out(StartBroker{1, numbered_id(900), Timestamp(1)}); }
  Status create(const std::string& name, std::uint32_t partitions = 1) {
    return carry_out(CreateTopic{.name = name,
                                 .partitions = partitions,
                                 .replication_factor = 0,
                                 .settings = {},
                                 .id = numbered_id(++ids),
                                 .now = Timestamp(1)});
  }

  ClusterState state;
  Offset end;
  std::vector<MetadataRecord> log;
  std::uint32_t ids = 0;
};

TEST(ClusterState, TheSameRecordsGiveTheSameStateAnywhere) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  ASSERT_TRUE(cluster.create("orders", 3));
  ASSERT_TRUE(cluster.create("clicks", 2));
  ASSERT_TRUE(cluster.carry_out(AlterTopic{"orders", {{"retention_ms", "1d"}}, {}, 7}));
  ASSERT_TRUE(cluster.carry_out(DeleteTopic{"clicks", Timestamp(2)}));

  ClusterState replica;
  Offset offset;
  for (const MetadataRecord& record : cluster.log) {
    const auto decoded = decode_metadata_record(encode(record));
    ASSERT_TRUE(decoded) << decoded.error().to_string();
    ASSERT_TRUE(replica.apply(offset, *decoded));
    offset = offset + 1;
  }
  const ImagePtr a = cluster.state.image();
  const ImagePtr b = replica.image();
  ASSERT_EQ(b->topics().size(), 1U);
  EXPECT_EQ(a->find("orders")->own_settings, b->find("orders")->own_settings);
  EXPECT_EQ(a->find("orders")->settings, b->find("orders")->settings);
  EXPECT_EQ(b->find("orders")->partitions, 7U);
  EXPECT_EQ(b->leader_epoch(), Term(1));
  EXPECT_EQ(b->applied(), cluster.end);
  EXPECT_EQ(replica.deleted(), cluster.state.deleted());
}

TEST(ClusterState, AnImageDoesNotChangeUnderItsReader) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  ASSERT_TRUE(cluster.create("orders"));
  const ImagePtr before = cluster.state.image();
  ASSERT_TRUE(cluster.carry_out(AlterTopic{"orders", {}, {}, 5}));
  ASSERT_TRUE(cluster.carry_out(DeleteTopic{"orders", Timestamp(2)}));
  EXPECT_EQ(before->find("orders")->partitions, 1U);
  EXPECT_EQ(before->find(numbered_id(1))->name, "orders");
  EXPECT_EQ(cluster.state.image()->find("orders"), nullptr);
}

TEST(ClusterState, EveryStartRaisesTheLeaderEpoch) {
  Cluster cluster;
  for (int start = 1; start <= 3; ++start) {
    ASSERT_TRUE(cluster.carry_out(StartBroker{1, numbered_id(900), Timestamp(start)}));
    EXPECT_EQ(cluster.state.leader_epoch(), Term(start));
  }
}

TEST(ClusterState, PartitionsKnowWhichRecordMadeThem) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());                                     // offset 0
  ASSERT_TRUE(cluster.create("orders", 2));                         // offset 1
  ASSERT_TRUE(cluster.carry_out(AlterTopic{"orders", {}, {}, 4}));  // offset 2
  const TopicPtr topic = cluster.state.image()->find("orders");
  EXPECT_EQ(topic->created_offset(PartitionId(0)), Offset(1));
  EXPECT_EQ(topic->created_offset(PartitionId(1)), Offset(1));
  EXPECT_EQ(topic->created_offset(PartitionId(2)), Offset(2));
  EXPECT_EQ(topic->created_offset(PartitionId(3)), Offset(2));
}

TEST(ClusterState, ABrokersPartitionsAreCountedAndBounded) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(cluster.create("t" + std::to_string(i), 2'000));
  EXPECT_EQ(cluster.state.partition_count(), kMaxPartitionsPerBroker);
  EXPECT_EQ(cluster.create("one-more").error().code(), Errc::kOverloaded);
  ASSERT_TRUE(cluster.carry_out(DeleteTopic{"t0", Timestamp(2)}));
  EXPECT_TRUE(cluster.create("one-more"));
}

TEST(ClusterState, WhatDidNotChangeIsSharedBetweenImages) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  ASSERT_TRUE(cluster.create("orders", 3));
  ASSERT_TRUE(cluster.create("clicks", 3));
  const ImagePtr before = cluster.state.image();
  ASSERT_TRUE(cluster.carry_out(register_broker(2)));
  const ImagePtr joined = cluster.state.image();
  EXPECT_EQ(&joined->topics(), &before->topics()) << "the whole table, not only its rows";
  EXPECT_EQ(before->brokers().size(), 1U);
  EXPECT_EQ(joined->brokers().size(), 2U);

  ASSERT_TRUE(cluster.carry_out(
      MoveReplicas{.topic = "orders", .partition = PartitionId(1), .replicas = {raft::NodeId(2)}}));
  const ImagePtr moved = cluster.state.image();
  EXPECT_EQ(&moved->brokers(), &joined->brokers());
  EXPECT_EQ(moved->find("clicks"), joined->find("clicks"));
  EXPECT_EQ(moved->find("orders")->placement[0], joined->find("orders")->placement[0]);
  EXPECT_NE(moved->find("orders")->placement[1], joined->find("orders")->placement[1]);
}

TEST(ClusterState, OnlyWhoWasThereFromTheBeginningBeginsALogWithItsFounders) {
  Cluster cluster;
  for (int b = 1; b <= 4; ++b) ASSERT_TRUE(cluster.carry_out(register_broker(b)));
  ASSERT_TRUE(cluster.create("orders", 1));
  const auto voters = [&](int broker) {
    return to_string(
        cluster.state.image()->find("orders")->first_voters(PartitionId(0), raft::NodeId(broker)));
  };
  const auto move = [&](ReplicaList to) {
    return cluster.carry_out(
        MoveReplicas{.topic = "orders", .partition = PartitionId(0), .replicas = std::move(to)});
  };
  const ReplicaList first =
      cluster.state.image()->find("orders")->partition(PartitionId(0)).brokers();
  ReplicaList founders = first;
  std::ranges::sort(founders);
  const auto newcomer =
      raft::NodeId(1 + 2 + 3 + 4 - first[0].value() - first[1].value() - first[2].value());
  EXPECT_EQ(voters(first[0].value()), to_string(founders));
  EXPECT_EQ(voters(newcomer.value()), "");

  ASSERT_TRUE(move({newcomer, first[1], first[2]}));
  EXPECT_EQ(voters(first[0].value()), "") << "it is no replica any more";
  EXPECT_EQ(voters(first[1].value()), to_string(founders)) << "it stayed";
  EXPECT_EQ(voters(newcomer.value()), "") << "the leader will tell it";

  ASSERT_TRUE(move(first));
  EXPECT_EQ(voters(first[0].value()), "") << "it came back without its memory";
}

// Version 1 of these records says nothing of placement: the cluster was the one broker.
TEST(ClusterState, WhatABrokerWroteWhenItWasAloneIsOnThatBroker) {
  ClusterState state;
  const std::vector<MetadataRecord> log = {
      BrokerStarted{7, numbered_id(900), Term(1), Timestamp(1)},
      TopicCreated{numbered_id(1), "orders", 2, 1, Timestamp(1), {}},
      BrokerStarted{7, numbered_id(900), Term(2), Timestamp(1)},
      TopicAltered{numbered_id(1), 3, {}}};
  Offset offset;
  for (const MetadataRecord& record : log) {
    ASSERT_EQ(encode(record)[1], std::byte{1});
    ASSERT_TRUE(state.apply(offset, record));
    offset = offset + 1;
  }
  const TopicPtr topic = state.image()->find("orders");
  ASSERT_EQ(topic->placement.size(), 3U);
  const raft::NodeId alone(7);
  for (int p = 0; p < 3; ++p) {
    const PartitionImage& placed = topic->partition(PartitionId(p));
    EXPECT_EQ(placed.brokers(), ReplicaList{alone});
    EXPECT_EQ(placed.placed_at, Offset(p < 2 ? 1 : 3));
    EXPECT_EQ(topic->first_voters(PartitionId(p), alone), ReplicaList{alone});
  }
  EXPECT_TRUE(state.image()->find(alone)->is_active());

  const RegisterBroker joins{.directory = numbered_id(900),
                             .known_as = alone,
                             .host = "h",
                             .port = 1,
                             .rack = "",
                             .started_at = Timestamp(2)};
  EXPECT_EQ(state.handle(joins)->answer, alone)
      << "it is the same broker when it is not alone any more";
}

TEST(ClusterState, ATopicBeforeAnyBrokerIsNowhere) {
  EXPECT_EQ(ClusterState()
                .apply(Offset(0), TopicCreated{numbered_id(1), "orders", 1, 1, Timestamp(1), {}})
                .error()
                .code(),
            Errc::kCorrupt);
}

TEST(ClusterState, MetadataRestoredElsewhereStartsOnlyWhileTheBrokerIsAlone) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  const StartBroker elsewhere{1, numbered_id(800), Timestamp(2)};
  ASSERT_TRUE(cluster.carry_out(elsewhere));
  ASSERT_TRUE(cluster.carry_out(register_broker(2)));
  EXPECT_EQ(cluster.carry_out(StartBroker{1, numbered_id(900), Timestamp(3)}).error().code(),
            Errc::kForeignData);
}

TEST(ClusterState, ATopicIsNotMadeWhileTooManyDeletedOnesAreAwaited) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  for (std::size_t i = 0; i < kMaxDeletedTopics; ++i) {
    const Uuid id = numbered_id(static_cast<std::uint32_t>(1'000 + i));
    ASSERT_TRUE(cluster.state.apply(cluster.end, TopicCreated{id, "t", 1, 1, Timestamp(1), {}}));
    ASSERT_TRUE(cluster.state.apply(cluster.end + 1, TopicDeleted{id, Timestamp(1)}));
    cluster.end = cluster.end + 2;
  }
  EXPECT_EQ(cluster.create("one-more").error().code(), Errc::kOverloaded);
  ASSERT_TRUE(cluster.carry_out(ForgetTopic{numbered_id(1'000)}));
  EXPECT_TRUE(cluster.create("one-more"));
}

TEST(ClusterState, ALogThatGoesOnWithoutARecordMovesTheImage) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  cluster.state.skip_to(Offset(9));
  EXPECT_EQ(cluster.state.image()->applied(), Offset(9));
}

struct Contradiction {
  const char* story;
  MetadataRecord record;
  friend void PrintTo(const Contradiction& c, std::ostream* out) { *out << c.story; }
};

class ClusterStateDamage : public testing::TestWithParam<Contradiction> {};

// Brokers 1 (alone before) and 2 are active, 3 is decommissioned; "orders" has two partitions on 1.
TEST_P(ClusterStateDamage, IsCorruptAndNamesTheOffset) {
  Cluster cluster;
  ASSERT_TRUE(cluster.start());
  ASSERT_TRUE(cluster.create("orders", 2));
  ASSERT_TRUE(cluster.carry_out(register_broker(2)));
  ASSERT_TRUE(cluster.carry_out(register_broker(3)));
  ASSERT_TRUE(cluster.carry_out(DecommissionBroker{raft::NodeId(3), Timestamp(1)}));
  ASSERT_TRUE(cluster.carry_out(FinishDrain{raft::NodeId(3), Timestamp(1)}));
  const Bytes before = cluster.state.snapshot();
  const Status applied = cluster.state.apply(Offset(77), GetParam().record);
  ASSERT_FALSE(applied) << GetParam().story;
  EXPECT_EQ(applied.error().code(), Errc::kCorrupt);
  EXPECT_THAT(applied.error().message(), HasSubstr("offset 77"));
  EXPECT_TRUE(equal(cluster.state.snapshot(), before)) << "a refused record changes nothing";
}

TopicCreated created(Uuid id, std::string name, std::uint32_t partitions,
                     std::uint32_t replication_factor, std::vector<ReplicaList> placement) {
  return {.id = id,
          .name = std::move(name),
          .partitions = partitions,
          .replication_factor = replication_factor,
          .at = Timestamp(1),
          .settings = {},
          .placement = std::move(placement)};
}

ReplicasPlaced placed(std::uint32_t topic, std::uint32_t replication_factor,
                      std::vector<ReplicasPlaced::Partition> partitions) {
  return {.topic = numbered_id(topic),
          .replication_factor = replication_factor,
          .partitions = std::move(partitions)};
}

const raft::NodeId kOne(1), kTwo(2), kThree(3), kStranger(9);
const PartitionId kZeroth(0), kFirst(1), kSecond(2);

INSTANTIATE_TEST_SUITE_P(
    Topics, ClusterStateDamage,
    testing::Values(
        Contradiction{"name exists",
                      TopicCreated{numbered_id(50), "orders", 1, 1, Timestamp(1), {}}},
        Contradiction{"id exists", TopicCreated{numbered_id(1), "other", 1, 1, Timestamp(1), {}}},
        Contradiction{"no partitions",
                      TopicCreated{numbered_id(50), "other", 0, 1, Timestamp(1), {}}},
        Contradiction{"no replicas",
                      TopicCreated{numbered_id(50), "other", 1, 0, Timestamp(1), {}}},
        Contradiction{"three replicas of which nothing is said",
                      TopicCreated{numbered_id(50), "other", 1, 3, Timestamp(1), {}}},
        Contradiction{"name leaves the folder",
                      TopicCreated{numbered_id(50), "../etc", 1, 1, Timestamp(1), {}}},
        Contradiction{"unknown setting",
                      TopicCreated{numbered_id(50), "other", 1, 1, Timestamp(1), {{"x", "1"}}}},
        Contradiction{"altered topic is unknown", TopicAltered{numbered_id(50), 1, {}}},
        Contradiction{"topic shrinks", TopicAltered{numbered_id(1), 1, {}}},
        Contradiction{"deleted topic is unknown", TopicDeleted{numbered_id(50), Timestamp(1)}},
        Contradiction{"forgotten topic lives", TopicForgotten{numbered_id(1)}}));

INSTANTIATE_TEST_SUITE_P(
    Placement, ClusterStateDamage,
    testing::Values(Contradiction{"one list for two partitions",
                                  created(numbered_id(50), "other", 2, 1, {{kOne}})},
                    Contradiction{"on an unknown broker",
                                  created(numbered_id(50), "other", 1, 1, {{kStranger}})},
                    Contradiction{"on no broker", created(numbered_id(50), "other", 1, 1, {{}})},
                    Contradiction{"twice on one broker",
                                  created(numbered_id(50), "other", 1, 2, {{kOne, kOne}})},
                    Contradiction{"fewer replicas than the factor",
                                  created(numbered_id(50), "other", 1, 2, {{kOne}})},
                    Contradiction{"places new partitions where there are none",
                                  TopicAltered{numbered_id(1), 2, {}, {{kOne}}}},
                    Contradiction{"places an unknown topic", placed(50, 1, {{kZeroth, {kOne}}})},
                    Contradiction{"places an unknown partition", placed(1, 1, {{kSecond, {kOne}}})},
                    Contradiction{"places a partition twice",
                                  placed(1, 1, {{kFirst, {kOne}}, {kFirst, {kTwo}}})},
                    Contradiction{"moves to an unknown broker",
                                  placed(1, 1, {{kZeroth, {kStranger}}})},
                    Contradiction{"moves to too many", placed(1, 1, {{kZeroth, {kOne, kTwo}}})},
                    Contradiction{"changes the factor of one partition only",
                                  placed(1, 2, {{kZeroth, {kOne, kTwo}}})}));

INSTANTIATE_TEST_SUITE_P(
    Brokers, ClusterStateDamage,
    testing::Values(
        Contradiction{"epoch stands still", BrokerStarted{1, {}, Term(1), Timestamp(1)}},
        Contradiction{"starts in another directory after brokers registered",
                      BrokerStarted{1, numbered_id(800), Term(9), Timestamp(1)}},
        Contradiction{"starts without a number", BrokerStarted{-5, {}, Term(9), Timestamp(1)}},
        Contradiction{"a number that was passed over or removed",
                      BrokerRegistered{raft::NodeId(0), numbered_id(800), "h", 1, "", {}}},
        Contradiction{"the last number of all",
                      BrokerRegistered{raft::NodeId(0x7fffffff), numbered_id(800), "h", 1, "", {}}},
        Contradiction{"another directory for a known broker",
                      BrokerRegistered{kOne, numbered_id(800), "h", 1, "", {}}},
        Contradiction{"a known directory for another broker",
                      BrokerRegistered{raft::NodeId(4), numbered_id(900), "h", 1, "", {}}},
        Contradiction{"mode of an unknown broker",
                      BrokerModeChanged{kStranger, BrokerMode::kDraining, Timestamp(1)}},
        Contradiction{"back from the dead",
                      BrokerModeChanged{kThree, BrokerMode::kActive, Timestamp(1)}},
        Contradiction{"removes an unknown broker", BrokerRemoved{kStranger, Timestamp(1)}},
        Contradiction{"removes a broker that serves", BrokerRemoved{kTwo, Timestamp(1)}},
        Contradiction{"removes a broker that holds replicas", BrokerRemoved{kOne, Timestamp(1)}}));

}  // namespace
}  // namespace penstock::broker
