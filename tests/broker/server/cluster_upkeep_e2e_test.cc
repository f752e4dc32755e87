// Operators' stories on whole brokers: replicas are where they are wanted, status tells how it is.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <set>
#include <thread>

#include "protocol/wire/cluster.pb.h"
#include "tests/broker/server/running_broker.h"

namespace penstock::broker {
namespace {

using wire::v1::AlterClusterRequest;
using wire::v1::AlterClusterResponse;
using wire::v1::ClusterStatusRequest;
using wire::v1::ClusterStatusResponse;

class ClusterUpkeep : public ::testing::Test {
 protected:
  // Broker `count` of the cluster is started; numbers are given in that order.
  void start_brokers(std::size_t count) {
    while (brokers_.size() < count) {
      const std::size_t index = brokers_.size();
      BrokerConfig config = test_config(scratch_ / std::to_string(index));
      if (index > 0) config.cluster_seed = {{"127.0.0.1", brokers_.front()->port()}};
      brokers_.push_back(start_broker(config));
      // The number that it gets must be its place in the line.
      status_until("broker is known",
                   [&](const auto& status) { return status.brokers_size() == int(index) + 1; });
    }
    status_until("all take part", [&](const ClusterStatusResponse& status) {
      return std::ranges::all_of(status.brokers(), [](const auto& b) { return b.reachable(); }) &&
             voters(status) == (count >= 5   ? 5U
                                : count >= 3 ? 3U
                                             : 1U);
    });
  }
  TestClient client(std::size_t broker = 1) { return TestClient(brokers_.at(broker - 1)->port()); }
  void stop(std::size_t broker) { EXPECT_TRUE(brokers_.at(broker - 1)->stop()); }

  static std::size_t voters(const ClusterStatusResponse& status) {
    return static_cast<std::size_t>(
        std::ranges::count_if(status.brokers(), [](const auto& b) { return b.votes(); }));
  }

  // Until the request is carried out; what is worth repeating is repeated.
  template <typename Response, typename Request>
  Response done(wire::Api api, const Request& request, std::size_t by = 1) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (true) {
      auto answer = client(by).call<Response>(api, request);
      if (answer) return answer->message;
      if (!answer.error().retriable() || std::chrono::steady_clock::now() > deadline) {
        ADD_FAILURE() << answer.error().to_string();
        return {};
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  void alter(const AlterClusterRequest& request, std::size_t by = 1) {
    done<AlterClusterResponse>(wire::Api::kAlterCluster, request, by);
  }
  std::string create(const std::string& topic, std::uint32_t partitions,
                     std::uint32_t replication_factor) {
    wire::v1::CreateTopicRequest request;
    request.set_name(topic);
    request.set_partitions(partitions);
    request.set_replication_factor(replication_factor);
    // The records of these tests are years old.
    auto& retention = *request.add_settings();
    retention.set_name("retention_ms");
    retention.set_value("-1");
    return done<wire::v1::CreateTopicResponse>(wire::Api::kCreateTopic, request).topic_id();
  }
  ClusterStatusResponse status(std::size_t by = 1) {
    return done<ClusterStatusResponse>(wire::Api::kClusterStatus, ClusterStatusRequest(), by);
  }
  ClusterStatusResponse status_until(const std::string& what,
                                     const std::function<bool(const ClusterStatusResponse&)>& is_so,
                                     std::size_t by = 1) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (true) {
      ClusterStatusResponse now = status(by);
      if (is_so(now)) return now;
      if (std::chrono::steady_clock::now() > deadline) {
        ADD_FAILURE() << "never: " << what << "\n" << now.DebugString();
        return now;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  // Every partition is led, its members are those that are wanted, all level.
  static bool is_settled(const ClusterStatusResponse& status) {
    return std::ranges::all_of(status.partitions(), [](const auto& partition) {
      std::set<std::int32_t> wanted(partition.wanted().begin(), partition.wanted().end());
      std::set<std::int32_t> voters;
      for (const auto& replica : partition.replicas()) {
        if (replica.voter()) voters.insert(replica.broker_id());
      }
      return partition.leader() != -1 && voters == wanted &&
             partition.replicas_size() == partition.wanted_size() && !partition.under_replicated();
    });
  }
  // To whoever leads.
  void produce(const std::string& topic, std::int32_t partition, const std::string& value) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < deadline) {
      const wire::v1::Topic described = client().describe(topic);
      const std::int32_t leader = described.partitions(partition).leader();
      if (leader > 0) {
        const auto answer = client(static_cast<std::size_t>(leader))
                                .produce(described.topic_id(), partition, batch_of({value}));
        if (answer && answer->error().code() == 0) return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    FAIL() << "nobody takes records of " << topic << "/" << partition;
  }
  // That tests wrote; consensus has batches of its own.
  std::vector<std::string> values(const std::string& topic, std::int32_t partition) {
    const wire::v1::Topic described = client().describe(topic);
    const auto leader = static_cast<std::size_t>(described.partitions(partition).leader());
    auto read = client(leader).values(described.topic_id(), partition, 0);
    EXPECT_TRUE(read) << read.error().to_string();
    std::vector<std::string> written = read.value_or(std::vector<std::string>{});
    std::erase_if(written, [](const std::string& value) { return !value.starts_with("record"); });
    return written;
  }

  ScratchDir scratch_;
  std::vector<std::unique_ptr<Broker>> brokers_;
};

TEST_F(ClusterUpkeep, StatusOfAHealthyClusterIsTheSameAnywhere) {
  start_brokers(3);
  create("orders", 6, 3);
  for (const std::size_t by : {1U, 2U, 3U}) {
    const auto now = status_until("settled", is_settled, by);
    EXPECT_EQ(now.partitions_size(), 6);
    EXPECT_EQ(now.silent_size(), 0);
    EXPECT_EQ(now.damages_size(), 0);
    EXPECT_GT(now.controller(), 0);
    std::uint32_t leaders = 0;
    for (const auto& broker : now.brokers()) {
      EXPECT_EQ(broker.replicas(), 6U);
      EXPECT_EQ(broker.state(), "active");
      EXPECT_TRUE(broker.votes());
      leaders += broker.leaders();
    }
    EXPECT_EQ(leaders, 6U);
  }
}

TEST_F(ClusterUpkeep, ABrokerThatIsGoneIsSilentAndItsPartitionsAreAtRisk) {
  start_brokers(3);
  create("orders", 3, 3);
  status_until("settled", is_settled);
  stop(3);
  const auto now = status_until("all led and short of one", [](const auto& status) {
    return status.silent_size() == 1 &&
           std::ranges::all_of(status.partitions(), [](const auto& partition) {
             return partition.leader() > 0 && partition.leader() != 3 &&
                    partition.under_replicated() && partition.at_risk();
           });
  });
  EXPECT_EQ(now.silent(0), 3);
  EXPECT_FALSE(now.brokers(2).reachable());
}

TEST_F(ClusterUpkeep, ReplicationFactorGoesUpAndDownUnderTheRecords) {
  start_brokers(3);
  create("orders", 2, 1);
  produce("orders", 0, "record 1");
  AlterClusterRequest request;
  request.mutable_set_replication_factor()->set_topic("orders");
  request.mutable_set_replication_factor()->set_replication_factor(3);
  alter(request, 2);
  status_until("three of each", [](const auto& status) {
    return is_settled(status) && status.partitions(0).replicas_size() == 3;
  });
  produce("orders", 0, "record 2");
  request.mutable_set_replication_factor()->set_replication_factor(1);
  alter(request, 3);
  status_until("one of each", [](const auto& status) {
    std::uint32_t replicas = 0;
    for (const auto& broker : status.brokers()) replicas += broker.replicas();
    return is_settled(status) && status.partitions(0).replicas_size() == 1 && replicas == 2;
  });
  produce("orders", 0, "record 3");
  EXPECT_EQ(values("orders", 0), (std::vector<std::string>{"record 1", "record 2", "record 3"}));
}

TEST_F(ClusterUpkeep, LeadershipMovesWhenAnOperatorWantsIt) {
  start_brokers(3);
  create("orders", 1, 3);
  const auto before = status_until("settled", is_settled);
  const std::int32_t from = before.partitions(0).leader();
  const std::int32_t to = from % 3 + 1;
  AlterClusterRequest request;
  request.mutable_transfer_leader()->set_topic("orders");
  request.mutable_transfer_leader()->set_to(to);
  alter(request, static_cast<std::size_t>(to));  // asked of one that does not lead
  status_until("it leads", [&](const auto& status) { return status.partitions(0).leader() == to; });
}

TEST_F(ClusterUpkeep, TransfersThatCannotBeAreRefused) {
  start_brokers(3);
  create("orders", 1, 1);
  status_until("settled", is_settled);
  AlterClusterRequest request;
  auto& transfer = *request.mutable_transfer_leader();
  const auto refusal = [&] {
    while (true) {
      const auto answer = client(2).call<AlterClusterResponse>(wire::Api::kAlterCluster, request);
      const Errc code = answer ? Errc::kOk : answer.error().code();
      if (code != Errc::kNotReady) return code;  // it has not heard yet who leads
    }
  };
  transfer.set_topic("nothing");
  EXPECT_EQ(refusal(), Errc::kUnknownTopic);
  transfer.set_topic("orders");
  transfer.set_partition(7);
  EXPECT_EQ(refusal(), Errc::kUnknownPartition);
  transfer.set_partition(0);
  transfer.set_to(9);
  EXPECT_EQ(refusal(), Errc::kUnknownBroker);
  const std::int32_t leader = status().partitions(0).leader();
  transfer.set_to(leader % 3 + 1);
  EXPECT_EQ(refusal(), Errc::kInvalidArgument) << "it holds no replica";
}

TEST_F(ClusterUpkeep, ReplicasMoveToWhereTheyAreSent) {
  start_brokers(4);
  create("orders", 1, 3);
  for (int i = 0; i < 50; ++i) produce("orders", 0, "record " + std::to_string(i));
  const auto before = status_until("settled", is_settled);
  std::set<std::int32_t> free{1, 2, 3, 4};
  for (const std::int32_t node : before.partitions(0).wanted()) free.erase(node);
  AlterClusterRequest request;
  auto& move = *request.mutable_move_replicas();
  move.set_topic("orders");
  move.add_replicas(*free.begin());  // in the place of the head, which leads
  move.add_replicas(before.partitions(0).wanted(1));
  move.add_replicas(before.partitions(0).wanted(2));
  alter(request, 4);
  const std::int32_t left = before.partitions(0).wanted(0);
  status_until("moved, and gone where it was", [&](const auto& status) {
    return is_settled(status) && status.partitions(0).wanted(0) == *free.begin() &&
           status.brokers(left - 1).replicas() == 0;
  });
  EXPECT_EQ(values("orders", 0).size(), 50U);
}

TEST_F(ClusterUpkeep, AReplicaThatMovedWhileItsBrokerWasAwayGoesToTrashWhenItIsBack) {
  start_brokers(4);
  create("orders", 1, 3);
  for (int i = 0; i < 20; ++i) produce("orders", 0, "record " + std::to_string(i));
  const auto before = status_until("settled", is_settled);
  const auto& wanted = before.partitions(0).wanted();
  std::set<std::int32_t> free{1, 2, 3, 4};
  for (const std::int32_t node : wanted) free.erase(node);
  const std::int32_t away = wanted[0] == 1 ? wanted[1] : wanted[0];  // clients ask broker 1
  stop(static_cast<std::size_t>(away));
  AlterClusterRequest request;
  auto& move = *request.mutable_move_replicas();
  move.set_topic("orders");
  for (const std::int32_t node : wanted) move.add_replicas(node == away ? *free.begin() : node);
  alter(request);
  status_until("moved", [&](const auto& status) {
    return is_settled(status) && status.partitions_size() == 1 &&
           std::ranges::find(status.partitions(0).wanted(), away) ==
               status.partitions(0).wanted().end();
  });
  // Back at another address, on the folder that it had.
  const std::string folder = scratch_ / std::to_string(away - 1);
  BrokerConfig config = test_config(folder);
  config.cluster_seed = {{"127.0.0.1", brokers_.front()->port()}};
  auto& broker = brokers_[static_cast<std::size_t>(away) - 1];
  broker.reset();
  broker = start_broker(config);
  status_until("in trash",
               [&](const auto&) { return !std::filesystem::is_empty(folder + "/trash"); });
  const auto after = status_until("known again", [&](const auto& status) {
    return is_settled(status) && status.brokers(away - 1).reachable();
  });
  EXPECT_EQ(after.brokers(away - 1).replicas(), 0U);
  EXPECT_EQ(values("orders", 0).size(), 20U);
}

TEST_F(ClusterUpkeep, ABrokerThatDrainsIsEmptiedAndNotTheController) {
  start_brokers(4);
  create("orders", 8, 3);
  create("visits", 4, 1);
  for (std::int32_t p = 0; p < 4; ++p) produce("visits", p, "record");
  const auto before = status_until("settled", is_settled);
  const std::int32_t controller = before.controller();
  AlterClusterRequest request;
  request.set_drain_broker(controller);
  alter(request, 4);
  const auto now = status_until("drained", [&](const auto& status) {
    const auto& row = status.brokers(controller - 1);
    return row.state() == "drained" && row.replicas() == 0 && !row.votes() &&
           status.controller() != controller && status.controller() > 0 && is_settled(status);
  });
  EXPECT_EQ(now.partitions_size(), 12);
  EXPECT_EQ(now.silent_size(), 0);
  for (std::int32_t p = 0; p < 4; ++p) {
    EXPECT_EQ(values("visits", p), std::vector<std::string>{"record"});
  }
  // And it may come back.
  request.set_resume_broker(controller);
  alter(request, 3);
  status_until("active", [&](const auto& status) {
    return status.brokers(controller - 1).state() == "active";
  });
}

TEST_F(ClusterUpkeep, ADecommissionedBrokerIsRemoved) {
  start_brokers(4);
  create("orders", 4, 3);
  status_until("settled", is_settled);
  AlterClusterRequest request;
  request.set_decommission_broker(4);
  alter(request);
  status_until("decommissioned", [&](const auto& status) {
    return status.brokers(3).state() == "decommissioned" && is_settled(status);
  });
  stop(4);
  request.set_remove_broker(4);
  alter(request);
  status_until("removed", [](const auto& status) { return status.brokers_size() == 3; });
}

TEST_F(ClusterUpkeep, AStartThatFailsThoughTheOthersAreKnownLeavesNothing) {
  start_brokers(2);
  brokers_.front()->stop().value();
  brokers_.front().reset();
  // It learns from its metadata who there is, and has the news before it serves.
  std::filesystem::remove(scratch_ / "0" + "/peers");
  BrokerConfig config = test_config(scratch_ / "0");
  config.metrics_listen.port = brokers_.back()->metrics_port();
  const auto refused = Broker::start(config);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kAlreadyExists) << refused.error().to_string();
  config.metrics_listen.port = 0;
  brokers_.front() = start_broker(config);
  status_until("both are there", [](const auto& status) { return status.silent_size() == 0; });
}

}  // namespace
}  // namespace penstock::broker
