// What a client asks of a cluster, and what it tells.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/fake_cluster.h"
#include "tests/client/stories.h"

namespace penstock::client {
namespace {

using testing::ElementsAre;

class ClusterAdminE2eTest : public testing::Test {
 protected:
  ClusterAdminE2eTest() : client_(std::move(*Client::open(brokers_.config()))) {}

  Admin& admin() { return client_->admin(); }
  // The changes that brokers were asked for, as they went over the wire.
  std::vector<std::string> asked() {
    return brokers_.world().on_thread([&] {
      std::vector<std::string> texts;
      for (const auto& request : brokers_.world().alterations) {
        texts.push_back(request.ShortDebugString());
      }
      return texts;
    });
  }

  FakeCluster brokers_;
  std::unique_ptr<Client> client_;
};

TEST_F(ClusterAdminE2eTest, EachChangeArrivesAsItWasMeant) {
  const ClusterChange changes[] = {DrainBroker{2},
                                   ResumeBroker{2},
                                   DecommissionBroker{3},
                                   RemoveBroker{3},
                                   MoveReplicas{"orders", PartitionId(1), {3, 1}},
                                   SetReplicationFactor{"orders", 3},
                                   TransferLeader{"orders", PartitionId(0), -1}};
  for (const ClusterChange& change : changes) ASSERT_TRUE(admin().alter_cluster(change));
  EXPECT_THAT(
      asked(),
      ElementsAre("drain_broker: 2", "resume_broker: 2", "decommission_broker: 3",
                  "remove_broker: 3",
                  "move_replicas { topic: \"orders\" partition: 1 replicas: 3 replicas: 1 }",
                  "set_replication_factor { topic: \"orders\" replication_factor: 3 }",
                  "transfer_leader { topic: \"orders\" to: -1 }"));
}

TEST_F(ClusterAdminE2eTest, TheStateOfBrokersPartitionsAndDamageIsTold) {
  brokers_.world().on_thread([&] {
    auto& status = brokers_.world().status;
    status.set_controller(1);
    auto& broker = *status.add_brokers();
    broker.set_broker_id(2);
    broker.set_host("b.example");
    broker.set_port(7333);
    broker.set_rack("r2");
    broker.set_state("draining");
    broker.set_votes(true);
    broker.set_leaders(4);
    broker.set_size_bytes(1'000);
    auto& partition = *status.add_partitions();
    partition.set_topic_id(std::string(16, 'x'));
    partition.set_topic("orders");
    partition.set_partition(3);
    partition.set_leader(-1);
    partition.set_term(7);
    partition.add_wanted(2);
    partition.add_wanted(1);
    partition.set_at_risk(true);
    partition.set_step("adding broker 1");
    auto& replica = *partition.add_replicas();
    replica.set_broker_id(2);
    replica.set_lag_records(5);
    replica.set_lag_bytes(-1);
    replica.set_voter(true);
    status.add_silent(3);
    auto& damage = *status.add_damages();
    damage.set_topic("orders");
    damage.set_begin(10);
    damage.set_end(20);
    damage.set_repair("fetched from broker 1");
  });
  const auto status = admin().cluster_status();
  ASSERT_TRUE(status) << status.error().to_string();
  EXPECT_EQ(status->controller, 1);
  ASSERT_EQ(status->brokers.size(), 1U);
  const BrokerStatus& broker = status->brokers[0];
  EXPECT_EQ(broker.host, "b.example");
  EXPECT_EQ(broker.rack, "r2");
  EXPECT_EQ(broker.state, "draining");
  EXPECT_TRUE(broker.votes);
  EXPECT_FALSE(broker.reachable);
  EXPECT_EQ(broker.leaders, 4U);
  ASSERT_EQ(status->partitions.size(), 1U);
  const PartitionStatus& partition = status->partitions[0];
  EXPECT_EQ(partition.partition, PartitionId(3));
  EXPECT_EQ(partition.leader, -1);
  EXPECT_EQ(partition.term, Term(7));
  EXPECT_THAT(partition.wanted, ElementsAre(2, 1));
  EXPECT_EQ(partition.step, "adding broker 1");
  EXPECT_TRUE(partition.at_risk);
  ASSERT_EQ(partition.replicas.size(), 1U);
  EXPECT_EQ(partition.replicas[0].lag_records, 5);
  EXPECT_EQ(partition.replicas[0].lag_bytes, -1);
  EXPECT_THAT(status->silent, ElementsAre(3));
  ASSERT_EQ(status->damages.size(), 1U);
  EXPECT_EQ(status->damages[0].end, Offset(20));
  EXPECT_EQ(status->damages[0].repair, "fetched from broker 1");
}

TEST_F(ClusterAdminE2eTest, ATopicIdThatIsNoneIsABadAnswer) {
  brokers_.world().on_thread(
      [&] { brokers_.world().status.add_partitions()->set_topic_id("short"); });
  EXPECT_EQ(admin().cluster_status().error().code(), Errc::kBadFrame);
}

TEST_F(ClusterAdminE2eTest, AnyBrokerThatAnswersIsAsked) {
  brokers_[1].kill();
  brokers_[3].kill();
  EXPECT_TRUE(admin().alter_cluster(DrainBroker{3}));
  EXPECT_TRUE(admin().cluster_status());
  EXPECT_THAT(asked(), ElementsAre("drain_broker: 3"));
}

}  // namespace
}  // namespace penstock::client
