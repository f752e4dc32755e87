// How a led partition is described, and how the answers of several brokers become one.
#include "broker/server/cluster_report.h"

#include <gtest/gtest.h>

#include "broker/server/upkeep_limits.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::broker {
namespace {

using wire::v1::ClusterStatusResponse;
using PartitionStatus = ClusterStatusResponse::PartitionStatus;

const Uuid kOrders = *Uuid::parse("0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a");
constexpr raft::NodeId k1{1};
constexpr raft::NodeId k2{2};
constexpr raft::NodeId k3{3};
constexpr std::int64_t kNow = 100'000;
constexpr Offset kEnd(5'000);

// Broker 1 leads 1, 2 and 3; 100 bytes a record; all is level.
LedStatus led_by_1() {
  LedStatus led{.group = {.self = k1, .wanted = {k1, k2, k3}},
                .term = Term(4),
                .durable_end = kEnd,
                .high_watermark = kEnd,
                .segments = {{.base = Offset(0),
                              .end = Offset(4'000),
                              .bytes = 400'000,
                              .max_timestamp = {},
                              .created = {},
                              .active = false},
                             {.base = Offset(4'000),
                              .end = kEnd,
                              .bytes = 100'000,
                              .max_timestamp = {},
                              .created = {},
                              .active = true}}};
  led.group.membership.voters = {k1, k2, k3};
  led.group.log_end = kEnd;
  led.group.now_ms = kNow;
  led.group.live_within_ms = kFollowerLiveMs;
  led.group.max_lag = kCaughtUpRecords;
  for (const raft::NodeId node : {k2, k3}) {
    led.group.peers.push_back(
        {.node = node, .durable_end = kEnd, .last_heard_ms = kNow, .voter = true});
  }
  return led;
}

PartitionStatus described(const LedStatus& led) {
  PartitionStatus out;
  describe_led(led, [](Offset end) { return 10 * (kEnd - end); }, out);
  return out;
}

TEST(ClusterReport, AHealthyPartition) {
  const PartitionStatus status = described(led_by_1());
  EXPECT_EQ(status.leader(), 1);
  EXPECT_EQ(status.term(), 4);
  EXPECT_EQ(status.log_end(), 5'000);
  ASSERT_EQ(status.replicas_size(), 3);
  for (const auto& replica : status.replicas()) {
    EXPECT_EQ(replica.lag_records(), 0);
    EXPECT_EQ(replica.lag_bytes(), 0);
    EXPECT_EQ(replica.lag_ms(), 0);
    EXPECT_TRUE(replica.voter() && replica.reachable());
  }
  EXPECT_EQ(status.wanted_size(), 3);
  EXPECT_EQ(status.step(), "") << "nothing is to be done";
  EXPECT_FALSE(status.under_replicated());
  EXPECT_FALSE(status.at_risk());
}

TEST(ClusterReport, AFollowerThatIsBehindInRecordsBytesAndTime) {
  LedStatus led = led_by_1();
  led.group.peers[0].durable_end = Offset(3'000);
  const PartitionStatus status = described(led);
  EXPECT_EQ(status.replicas(1).broker_id(), 2);
  EXPECT_EQ(status.replicas(1).lag_records(), 2'000);
  EXPECT_EQ(status.replicas(1).lag_bytes(), 200'000);
  EXPECT_EQ(status.replicas(1).lag_ms(), 20'000);
  EXPECT_TRUE(status.under_replicated());
  EXPECT_TRUE(status.at_risk()) << "two of three are level: both are needed";
}

TEST(ClusterReport, ALeaderThatWaitsForItsDiskIsNotBehind) {
  LedStatus led = led_by_1();
  led.durable_end = Offset(4'990);
  const PartitionStatus status = described(led);
  EXPECT_EQ(status.replicas(0).lag_records(), 10);
  EXPECT_EQ(status.replicas(0).lag_ms(), 0);
  EXPECT_FALSE(status.under_replicated());
}

TEST(ClusterReport, OneOfFiveMayFailWithoutRisk) {
  LedStatus led = led_by_1();
  for (const raft::NodeId node : {raft::NodeId(4), raft::NodeId(5)}) {
    led.group.wanted.push_back(node);
    led.group.membership.voters.push_back(node);
    led.group.peers.push_back(
        {.node = node, .durable_end = kEnd, .last_heard_ms = kNow, .voter = true});
  }
  led.group.peers[0].last_heard_ms = 0;
  PartitionStatus status = described(led);
  EXPECT_FALSE(status.replicas(1).reachable());
  EXPECT_TRUE(status.under_replicated());
  EXPECT_FALSE(status.at_risk());
  led.group.peers[1].last_heard_ms = 0;
  EXPECT_TRUE(described(led).at_risk());
}

TEST(ClusterReport, ASingleReplicaIsWhatWasAskedFor) {
  LedStatus led = led_by_1();
  led.group.wanted = {k1};
  led.group.membership.voters = {k1};
  led.group.peers.clear();
  const PartitionStatus status = described(led);
  EXPECT_FALSE(status.under_replicated());
  EXPECT_FALSE(status.at_risk());
}

TEST(ClusterReport, WhatIsBeingDoneIsSaid) {
  LedStatus led = led_by_1();
  led.group.membership.voters = {k1, k2};
  led.group.membership.learners = {k3};
  led.group.peers[1].durable_end = Offset(0);
  led.group.peers[1].voter = false;
  const PartitionStatus status = described(led);
  EXPECT_NE(status.step().find("3 is 5000 records behind"), std::string::npos) << status.step();
  EXPECT_FALSE(status.replicas(2).voter());
  EXPECT_TRUE(status.under_replicated());
}

// --- several answers

PartitionStatus& add_partition(ClusterStatusResponse& to, int partition, int leader, int term) {
  PartitionStatus& out = *to.add_partitions();
  out.set_topic_id(wire::to_wire(kOrders));
  out.set_topic("orders");
  out.set_partition(partition);
  out.set_leader(leader);
  out.set_term(term);
  return out;
}

ClusterImage two_partitions_of_orders() {
  auto topic = std::make_shared<TopicImage>();
  topic->id = kOrders;
  topic->name = "orders";
  topic->partitions = 2;
  for (int p = 0; p < 2; ++p) {
    topic->placement.push_back(std::make_shared<const PartitionImage>(PartitionImage{
        .replicas = {{k2, Offset(1)}, {k3, Offset(1)}}, .placed_at = Offset(1), .founders = {}}));
  }
  ClusterImage::Parts parts;
  parts.topics = std::make_shared<const ClusterImage::Topics>(
      ClusterImage::Topics{{"orders", std::move(topic)}});
  return {std::move(parts), Offset(2), Term(1)};
}

TEST(ClusterReport, OfTwoWhoSayTheyLeadTheNewerIsBelieved) {
  ClusterStatusResponse all;
  add_partition(all, 0, 1, 5);
  ClusterStatusResponse newer;
  add_partition(newer, 0, 2, 6);
  ClusterStatusResponse older;
  add_partition(older, 0, 3, 4);
  merge(newer, all);
  merge(older, all);
  ASSERT_EQ(all.partitions_size(), 1);
  EXPECT_EQ(all.partitions(0).leader(), 2);
}

TEST(ClusterReport, ABrokerTellsWhatItHoldsTheMetadataWhoItIs) {
  ClusterStatusResponse all;
  for (const int id : {3, 2}) {
    auto& row = *all.add_brokers();
    row.set_broker_id(id);
    row.set_host("host-" + std::to_string(id));
  }
  ClusterStatusResponse told;
  auto& self = *told.add_brokers();
  self.set_broker_id(3);
  self.set_host("what it believes");
  self.set_leaders(7);
  self.set_replicas(20);
  self.set_size_bytes(1'000);
  told.add_brokers()->set_broker_id(9);
  merge(told, all);
  complete(ClusterImage(), all);
  ASSERT_EQ(all.brokers_size(), 2) << "nobody knows of a broker 9";
  EXPECT_EQ(all.brokers(0).broker_id(), 2);
  EXPECT_FALSE(all.brokers(0).reachable());
  EXPECT_EQ(all.brokers(1).host(), "host-3");
  EXPECT_TRUE(all.brokers(1).reachable());
  EXPECT_EQ(all.brokers(1).leaders(), 7U);
}

TEST(ClusterReport, WhatNobodyLeadsIsToldFromTheMetadata) {
  ClusterStatusResponse all;
  add_partition(all, 1, 2, 5);
  complete(two_partitions_of_orders(), all);
  ASSERT_EQ(all.partitions_size(), 2);
  EXPECT_EQ(all.partitions(0).partition(), 0);
  EXPECT_EQ(all.partitions(0).leader(), -1);
  EXPECT_EQ(all.partitions(0).wanted(0), 2);
  EXPECT_TRUE(all.partitions(0).under_replicated() && all.partitions(0).at_risk());
  EXPECT_EQ(all.partitions(1).leader(), 2);
}

TEST(ClusterReport, DamagesOfAllBrokersAreTold) {
  ClusterStatusResponse all;
  all.add_damages()->set_broker_id(2);
  ClusterStatusResponse part;
  part.add_damages()->set_broker_id(1);
  merge(part, all);
  complete(ClusterImage(), all);
  ASSERT_EQ(all.damages_size(), 2);
  EXPECT_EQ(all.damages(0).broker_id(), 1);
}

}  // namespace
}  // namespace penstock::broker
