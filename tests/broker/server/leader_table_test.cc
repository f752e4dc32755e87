// What is heard of leaders: the larger term wins, whoever says it and whenever it comes.
#include "broker/server/leader_table.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "broker/controller/limits.h"

namespace penstock::broker {
namespace {

const Uuid kOrders = *Uuid::parse("0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a");
const Uuid kVisits = *Uuid::parse("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");

LeaderNews news(const Uuid& topic, int partition, int leader, int term) {
  return {.partition = {topic, PartitionId(partition)},
          .leader = raft::NodeId(leader),
          .term = Term(term)};
}

TEST(LeaderTable, KnowsWhatItHeard) {
  LeaderTable table;
  EXPECT_FALSE(table.find({kOrders, PartitionId(0)}));
  EXPECT_TRUE(table.hear(news(kOrders, 0, 2, 5)));
  ASSERT_TRUE(table.find({kOrders, PartitionId(0)}));
  EXPECT_EQ(table.find({kOrders, PartitionId(0)})->leader, raft::NodeId(2));
  EXPECT_FALSE(table.find({kOrders, PartitionId(1)}));
  EXPECT_FALSE(table.find({kVisits, PartitionId(0)}));
}

TEST(LeaderTable, TheLargerTermWinsWhicheverComesLast) {
  LeaderTable table;
  table.hear(news(kOrders, 0, 2, 5));
  EXPECT_TRUE(table.hear(news(kOrders, 0, 3, 6)));
  EXPECT_FALSE(table.hear(news(kOrders, 0, 2, 5))) << "said before, heard later";
  EXPECT_EQ(table.find({kOrders, PartitionId(0)})->leader, raft::NodeId(3));
}

TEST(LeaderTable, TheSameLeaderTellsHowFarItsGroupIs) {
  LeaderTable table;
  LeaderNews moving = news(kOrders, 0, 2, 5);
  table.hear(moving);
  moving.membership.voters = {raft::NodeId(2)};
  moving.placed_at = Offset(70);
  EXPECT_FALSE(table.hear(moving)) << "the leader is the one that was known";
  EXPECT_EQ(table.find({kOrders, PartitionId(0)}), moving);
}

TEST(LeaderTable, ADeletedTopicIsForgotten) {
  LeaderTable table;
  table.hear(news(kOrders, 0, 2, 5));
  table.hear(news(kOrders, 1, 2, 5));
  table.hear(news(kVisits, 0, 2, 5));
  table.forget(kOrders);
  table.forget(kOrders);
  EXPECT_EQ(table.size(), 1U);
  EXPECT_FALSE(table.find({kOrders, PartitionId(1)}));

  ClusterImage::Parts parts;
  parts.deleted = std::make_shared<const ClusterImage::Deleted>(
      ClusterImage::Deleted{{kVisits, DeletedTopic{.name = "visits", .awaited = {}}}});
  table.forget_deleted(ClusterImage(std::move(parts), Offset(9), Term(1)));
  EXPECT_EQ(table.size(), 0U);
}

TEST(LeaderTable, NewsOfMorePartitionsThanThereCanBeAreNotKept) {
  LeaderTable table;
  Rng rng(1);
  for (std::uint64_t i = 0; i < kMaxPartitions; ++i) {
    ASSERT_TRUE(table.hear(news(rng.uuid(), 0, 2, 5)));
  }
  EXPECT_FALSE(table.hear(news(kOrders, 0, 2, 5)));
  EXPECT_EQ(table.size(), kMaxPartitions);
}

}  // namespace
}  // namespace penstock::broker
