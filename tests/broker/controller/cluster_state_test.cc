#include "broker/controller/cluster_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/controller/limits.h"

namespace penstock::broker {
namespace {

using testing::HasSubstr;

Uuid numbered_id(std::uint32_t number) {
  Uuid id;
  id.bytes[0] = std::byte(number & 0xff);
  id.bytes[1] = std::byte(number >> 8);
  return id;
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
  ASSERT_TRUE(cluster.carry_out(StartBroker{1, numbered_id(900), Timestamp(1)}));
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
  ASSERT_TRUE(cluster.carry_out(StartBroker{1, numbered_id(900), Timestamp(1)}));  // offset 0
  ASSERT_TRUE(cluster.create("orders", 2));                                        // offset 1
  ASSERT_TRUE(cluster.carry_out(AlterTopic{"orders", {}, {}, 4}));                 // offset 2
  const TopicPtr topic = cluster.state.image()->find("orders");
  EXPECT_EQ(topic->created_offset(PartitionId(0)), Offset(1));
  EXPECT_EQ(topic->created_offset(PartitionId(1)), Offset(1));
  EXPECT_EQ(topic->created_offset(PartitionId(2)), Offset(2));
  EXPECT_EQ(topic->created_offset(PartitionId(3)), Offset(2));
}

TEST(ClusterState, TheBrokersPartitionsAreCountedAndBounded) {
  Cluster cluster;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(cluster.create("t" + std::to_string(i), 2'000));
  EXPECT_EQ(cluster.state.partition_count(), kMaxPartitionsPerBroker);
  EXPECT_EQ(cluster.create("one-more").error().code(), Errc::kOverloaded);
  ASSERT_TRUE(cluster.carry_out(DeleteTopic{"t0", Timestamp(2)}));
  EXPECT_TRUE(cluster.create("one-more"));
}

struct Contradiction {
  const char* story;
  MetadataRecord record;
  friend void PrintTo(const Contradiction& c, std::ostream* out) { *out << c.story; }
};

class ClusterStateDamage : public testing::TestWithParam<Contradiction> {};

TEST_P(ClusterStateDamage, IsCorruptAndNamesTheOffset) {
  Cluster cluster;
  ASSERT_TRUE(cluster.carry_out(StartBroker{1, numbered_id(900), Timestamp(1)}));
  ASSERT_TRUE(cluster.create("orders", 2));
  const Status applied = cluster.state.apply(Offset(77), GetParam().record);
  ASSERT_FALSE(applied) << GetParam().story;
  EXPECT_EQ(applied.error().code(), Errc::kCorrupt);
  EXPECT_THAT(applied.error().message(), HasSubstr("offset 77"));
}

INSTANTIATE_TEST_SUITE_P(
    Records, ClusterStateDamage,
    testing::Values(
        Contradiction{"epoch stands still", BrokerStarted{1, {}, Term(1), Timestamp(1)}},
        Contradiction{"name exists",
                      TopicCreated{numbered_id(50), "orders", 1, 1, Timestamp(1), {}}},
        Contradiction{"id exists", TopicCreated{numbered_id(1), "other", 1, 1, Timestamp(1), {}}},
        Contradiction{"no partitions",
                      TopicCreated{numbered_id(50), "other", 0, 1, Timestamp(1), {}}},
        Contradiction{"name leaves the folder",
                      TopicCreated{numbered_id(50), "../etc", 1, 1, Timestamp(1), {}}},
        Contradiction{"unknown setting",
                      TopicCreated{numbered_id(50), "other", 1, 1, Timestamp(1), {{"x", "1"}}}},
        Contradiction{"altered topic is unknown", TopicAltered{numbered_id(50), 1, {}}},
        Contradiction{"topic shrinks", TopicAltered{numbered_id(1), 1, {}}},
        Contradiction{"deleted topic is unknown", TopicDeleted{numbered_id(50), Timestamp(1)}},
        Contradiction{"forgotten topic lives", TopicForgotten{numbered_id(1)}}));

}  // namespace
}  // namespace penstock::broker
