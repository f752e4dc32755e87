// What `cluster health` finds, and what it comes to.
#include "tools/cluster_health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/sample_cluster.h"
#include "tools/limits.h"

namespace penstock::tools {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class ClusterHealthTest : public testing::Test {
 protected:
  // The whole text, whose exit code is `expected`.
  std::string health(ExitCode expected) const {
    const auto findings = find_troubles(cluster_);
    EXPECT_EQ(verdict(findings), expected);
    return health_text(cluster_, findings);
  }
  client::PartitionStatus& partition() { return cluster_.partitions[0]; }

  client::ClusterStatus cluster_ = sample_cluster();
};

TEST_F(ClusterHealthTest, NothingIsWrong) {
  EXPECT_EQ(health(ExitCode::kOk), "healthy: 3 brokers, 1 partition, controller 1\n");
  EXPECT_FALSE(is_unusual(partition()));
}

TEST_F(ClusterHealthTest, ASingleBrokerIsHealthyThoughItIsAlone) {
  cluster_.brokers.resize(1);
  partition().replicas.resize(1);
  partition().wanted = {1};
  partition().at_risk = true;
  EXPECT_EQ(health(ExitCode::kOk), "healthy: 1 broker, 1 partition, controller 1\n");
  EXPECT_FALSE(is_unusual(partition()));
}

TEST_F(ClusterHealthTest, ABrokerThatIsAwayPutsTheRestAtRisk) {
  cluster_.brokers[1].reachable = false;
  cluster_.silent = {2};
  partition().under_replicated = true;
  EXPECT_EQ(health(ExitCode::kAtRisk),
            "at risk  broker 2 (10.0.0.2:7333) cannot be reached\n"
            "at risk  orders/0 has fewer live replicas than it should\n"
            "at risk: 3 brokers, 1 partition, controller 1\n");
  EXPECT_TRUE(is_unusual(partition()));
}

TEST_F(ClusterHealthTest, ABrokerThatDoesNotAnswerHidesItsPartitions) {
  cluster_.silent = {2};
  EXPECT_THAT(health(ExitCode::kAtRisk), HasSubstr("broker 2 did not answer"));
}

TEST_F(ClusterHealthTest, WithoutALeaderNobodyServes) {
  partition().leader = -1;
  partition().under_replicated = true;
  EXPECT_THAT(health(ExitCode::kBroken),
              HasSubstr("broken   orders/0 has no leader that answers: nobody can write or read it "
                        "until most of its brokers (1, 2, 3) are back\n"));
  EXPECT_EQ(find_troubles(cluster_).size(), 1U) << "said once";
}

TEST_F(ClusterHealthTest, WithoutAControllerNothingCanBeChanged) {
  cluster_.controller = -1;
  EXPECT_THAT(health(ExitCode::kBroken), HasSubstr("no controller"));
}

TEST_F(ClusterHealthTest, DamageIsNamedWithItsRepair) {
  cluster_.damages.push_back({.topic = "orders",
                              .partition = PartitionId(0),
                              .broker = 3,
                              .begin = Offset(10),
                              .end = Offset(20),
                              .reason = "checksum",
                              .repair = "fetching it from broker 1"});
  EXPECT_THAT(health(ExitCode::kAtRisk),
              HasSubstr("orders/0: broker 3 cannot read its offsets 10 to 19 (checksum); fetching "
                        "it from broker 1"));
}

TEST_F(ClusterHealthTest, WhatAnOperatorDoesIsANoteAndNoTrouble) {
  cluster_.brokers[2].state = "draining";
  partition().step = "broker 2 becomes the leader";
  EXPECT_EQ(health(ExitCode::kOk),
            "note     broker 3 is draining and holds 1 replicas\n"
            "note     1 partition is being changed: penstock cluster status\n"
            "healthy: 3 brokers, 1 partition, controller 1\n");
  EXPECT_TRUE(is_unusual(partition()));
}

TEST_F(ClusterHealthTest, ABrokerThatHasLeftNeedNotBeReached) {
  cluster_.brokers[2].state = "decommissioned";
  cluster_.brokers[2].replicas = 0;
  cluster_.brokers[2].reachable = false;
  EXPECT_THAT(health(ExitCode::kOk), HasSubstr("broker 3 is decommissioned"));
}

TEST_F(ClusterHealthTest, AThousandFindingsOfAKindAreNotThousandLines) {
  partition().leader = -1;
  cluster_.partitions.assign(1'000, partition());
  const auto findings = find_troubles(cluster_);
  EXPECT_EQ(findings.size(), kMaxFindingsOfAKind + 1);
  EXPECT_THAT(findings.back().text, HasSubstr("980 more"));
}

TEST_F(ClusterHealthTest, ReplicasThatAreNotWhereTheyShouldBeAreUnusual) {
  partition().wanted = {1, 2, 4};
  EXPECT_TRUE(is_unusual(partition()));
  partition().wanted = {3, 2, 1};
  EXPECT_FALSE(is_unusual(partition())) << "in whatever order";
  EXPECT_THAT(find_troubles(cluster_), IsEmpty());
}

}  // namespace
}  // namespace penstock::tools
