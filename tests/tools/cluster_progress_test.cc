// How far a change is, told from the status.
#include "tools/cluster_progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/sample_cluster.h"

namespace penstock::tools {
namespace {

using testing::HasSubstr;

TEST(ClusterProgressTest, ADrainIsOverWhenNothingIsLeft) {
  auto cluster = sample_cluster();
  cluster.brokers[0].state = "draining";
  const client::DrainBroker drain{1};
  EXPECT_FALSE(progress_of(drain, cluster).done);
  EXPECT_EQ(progress_of(drain, cluster).text, "broker 1 is draining: 1 leader, 1 replica left");
  cluster.brokers[0].leaders = 0;
  cluster.brokers[0].replicas = 0;
  EXPECT_FALSE(progress_of(drain, cluster).done) << "metadata decides";
  cluster.brokers[0].state = "drained";
  EXPECT_TRUE(progress_of(drain, cluster).done);
  EXPECT_FALSE(progress_of(client::DecommissionBroker{1}, cluster).done);
  cluster.brokers[0].state = "decommissioned";
  EXPECT_TRUE(progress_of(client::DecommissionBroker{1}, cluster).done);
  EXPECT_FALSE(progress_of(client::DrainBroker{9}, cluster).done);
}

TEST(ClusterProgressTest, AMoveIsOverWhenTheNewOnesVoteAndTheOldOnesAreGone) {
  auto cluster = sample_cluster();
  auto& partition = cluster.partitions[0];
  const client::MoveReplicas move{"orders", PartitionId(0), {1, 2, 4}};
  EXPECT_FALSE(progress_of(move, cluster).done) << "not even heard of";
  partition.wanted = {1, 2, 4};
  partition.step = "broker 4 learns";
  partition.replicas.push_back({.broker = 4, .durable_end = {}, .lag_records = 1'200});
  EXPECT_EQ(progress_of(move, cluster).text,
            "orders/0: broker 4 learns; broker 4 is 1,200 records behind");
  partition.replicas[3].voter = true;
  partition.step.clear();
  EXPECT_FALSE(progress_of(move, cluster).done) << "broker 3 still votes";
  partition.replicas.erase(partition.replicas.begin() + 2);
  EXPECT_TRUE(progress_of(move, cluster).done);
}

TEST(ClusterProgressTest, AFactorIsReachedWhenEveryPartitionHasIt) {
  auto cluster = sample_cluster();
  cluster.partitions.push_back(cluster.partitions[0]);
  cluster.partitions[1].partition = PartitionId(1);
  cluster.partitions[1].replicas.resize(1);
  const client::SetReplicationFactor factor{"orders", 3};
  EXPECT_THAT(progress_of(factor, cluster).text,
              HasSubstr("orders: 1 of 2 partitions have 3 replicas; orders/1"));
  cluster.partitions[1].replicas = cluster.partitions[0].replicas;
  EXPECT_TRUE(progress_of(factor, cluster).done);
  EXPECT_FALSE(progress_of(client::SetReplicationFactor{"orders", 1}, cluster).done);
  EXPECT_FALSE(progress_of(client::SetReplicationFactor{"unheard", 3}, cluster).done);
}

TEST(ClusterProgressTest, ATransferIsOverWhenTheOtherOneLeads) {
  const auto cluster = sample_cluster();
  EXPECT_TRUE(progress_of(client::TransferLeader{"orders", PartitionId(0), 1}, cluster).done);
  EXPECT_TRUE(progress_of(client::TransferLeader{"orders", PartitionId(0), -1}, cluster).done);
  const auto other = progress_of(client::TransferLeader{"orders", PartitionId(0), 2}, cluster);
  EXPECT_FALSE(other.done);
  EXPECT_EQ(other.text, "orders/0 is led by broker 1");
}

}  // namespace
}  // namespace penstock::tools
