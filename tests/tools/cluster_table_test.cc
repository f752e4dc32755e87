// What `cluster status` shows.
#include "tools/cluster_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "tests/tools/sample_cluster.h"

namespace penstock::tools {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ClusterTableTest, BrokersAreShownAndPartitionsThatAreAsWantedAreCounted) {
  EXPECT_EQ(status_text(sample_cluster(), Partitions::kUnusual),
            "BROKER  ADDRESS        RACK  STATE   REACHABLE  VOTES  LEADERS  REPLICAS    SIZE\n"
            "     1  10.0.0.1:7333  r1    active  yes        yes          1         1  1.5 KB  "
            "controller\n"
            "     2  10.0.0.2:7333  r2    active  yes        yes          0         1  1.5 KB\n"
            "     3  10.0.0.3:7333  r3    active  yes        yes          0         1  1.5 KB\n"
            "\n"
            "1 partition, as wanted (--all shows them)\n");
}

TEST(ClusterTableTest, EachReplicaHasALineWithWhatItIsBehind) {
  auto cluster = sample_cluster();
  auto& partition = cluster.partitions[0];
  partition.replicas[1].lag_records = 1'200;
  partition.replicas[1].lag_bytes = 3'000'000;
  partition.replicas[1].lag_ms = 1'500;
  partition.replicas[2].reachable = false;
  partition.replicas[2].lag_records = 1;
  partition.replicas[2].lag_bytes = -1;
  partition.replicas[2].lag_ms = 60'000;
  partition.under_replicated = true;
  EXPECT_THAT(
      status_text(cluster, Partitions::kUnusual),
      HasSubstr(
          "PARTITION  TERM  HIGH WATERMARK  BROKER  ROLE      LAG                                "
          "     STATE\n"
          "orders/0      7          12,345       1  leader                                       "
          "     under-replicated\n"
          "                                      2  follower  1,200 records, 3 MB, 1.50 s behind\n"
          "                                      3  follower  unreachable, 1 record, 1 m 00 s "
          "behind\n"));
}

TEST(ClusterTableTest, WhatIsOnItsWaySaysHowFarItIs) {
  auto cluster = sample_cluster();
  auto& partition = cluster.partitions[0];
  partition.wanted = {1, 2, 4};
  partition.replicas[2].voter = false;
  partition.step = "broker 4 learns";
  const std::string text = status_text(cluster, Partitions::kUnusual);
  EXPECT_THAT(text, HasSubstr("broker 4 learns"));
  EXPECT_THAT(text, HasSubstr("learner"));
  EXPECT_THAT(text, HasSubstr("4  wanted"));
  EXPECT_THAT(text, HasSubstr("1 partition, 1 not as wanted"));
}

TEST(ClusterTableTest, AllShowsThoseThatAreAsTheyShouldBe) {
  EXPECT_THAT(status_text(sample_cluster(), Partitions::kAll), HasSubstr("follower  level"));
}

TEST(ClusterTableTest, SilentBrokersAndDamageAreNotForgotten) {
  auto cluster = sample_cluster();
  cluster.silent = {2, 3};
  cluster.damages.push_back({.topic = "orders",
                             .partition = PartitionId(0),
                             .broker = 3,
                             .begin = Offset(10),
                             .end = Offset(20),
                             .reason = "checksum",
                             .repair = "fetching it"});
  const std::string text = status_text(cluster, Partitions::kUnusual);
  EXPECT_THAT(text, HasSubstr("; no answer from broker 2, 3\n"));
  EXPECT_THAT(text, HasSubstr("orders/0       3  10..19   checksum  fetching it"));
}

TEST(ClusterTableTest, JsonHoldsTheSame) {
  const auto all = status_json(sample_cluster(), Partitions::kAll);
  EXPECT_EQ(all.at("controller").as_int64(), 1);
  EXPECT_EQ(all.at("brokers").as_array().size(), 3U);
  const auto& partition = all.at("partitions").as_array().at(0).as_object();
  EXPECT_EQ(partition.at("topic").as_string(), "orders");
  EXPECT_EQ(partition.at("replicas").as_array().size(), 3U);
  EXPECT_EQ(boost::json::serialize(partition.at("wanted")), "[1,2,3]");
  EXPECT_TRUE(
      status_json(sample_cluster(), Partitions::kUnusual).at("partitions").as_array().empty());
}

}  // namespace
}  // namespace penstock::tools
