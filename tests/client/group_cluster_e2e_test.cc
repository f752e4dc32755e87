// Stories of a group on three brokers: its coordinator dies, and nothing is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "client/group_consumer.h"
#include "client/producer.h"
#include "tests/broker/server/running_broker.h"

namespace penstock::client {
namespace {

using broker::kPatience;
using broker::ScratchDir;

constexpr auto kTopic = "flights";
constexpr auto kGroup = "board";

class GroupsOnThreeBrokers : public testing::Test {
 protected:
  GroupsOnThreeBrokers() {
    ClientConfig config;
    config.bootstrap.clear();
    for (std::size_t i = 0; i < 3; ++i) {
      broker::BrokerConfig own = broker::test_config(scratch_ / std::to_string(i));
      if (i > 0) own.cluster_seed = {{"127.0.0.1", brokers_.front()->port()}};
      brokers_.push_back(broker::start_broker(own));
      config.bootstrap.push_back({"127.0.0.1", brokers_.back()->port()});
    }
    client_ = *Client::open(std::move(config));
    until("all brokers are there", [&] {
      const auto cluster = client_->admin().describe_cluster();
      return cluster && cluster->brokers.size() == 3;
    });
    EXPECT_TRUE(
        client_->admin().create_topic({.name = kTopic, .partitions = 4, .replication_factor = 3}));
    producer_ = *Producer::open(*client_, {});
  }
  ~GroupsOnThreeBrokers() override { EXPECT_TRUE(producer_->close(milliseconds(kPatience))); }

  static void until(const std::string& what, const std::function<bool()>& holds) {
    ASSERT_TRUE(broker::holds_at_last(holds)) << what;
  }
  void produce(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string value = std::to_string(produced_++);
      ASSERT_TRUE(producer_->produce(
          {.topic = kTopic, .value = ByteView(std::as_bytes(std::span(value)))}));
    }
    ASSERT_TRUE(producer_->flush(milliseconds(kPatience)));
  }
  // Reads and commits until every record was seen; none may come twice.
  void read_all(GroupConsumer& consumer) {
    until("all is read and committed", [&] {
      auto chunks = consumer.poll(milliseconds(100));
      EXPECT_TRUE(chunks) << chunks.error().to_string();
      if (!chunks) return true;
      for (Chunk& chunk : *chunks) {
        while (true) {
          const auto record = chunk.next();
          if (!record || !*record) break;
          EXPECT_TRUE(seen_.emplace(chunk.partition(), (*record)->offset).second) << "twice";
        }
      }
      const Status done = consumer.commit();
      EXPECT_TRUE(done) << done.error().to_string();
      return seen_.size() == std::size_t(produced_);
    });
  }

  ScratchDir scratch_;
  std::vector<std::unique_ptr<broker::Broker>> brokers_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Producer> producer_;
  std::set<std::pair<PartitionId, Offset>> seen_;
  int produced_ = 0;
};

TEST_F(GroupsOnThreeBrokers, TheGroupOutlivesItsCoordinator) {
  int lost = 0;
  GroupConfig config{.group = kGroup, .topics = {kTopic}};
  config.callbacks.lost = [&](const auto&) { ++lost; };
  auto consumer = *GroupConsumer::open(*client_, config);
  produce(500);
  read_all(*consumer);
  const auto group = client_->admin().describe_group(kGroup);
  ASSERT_TRUE(group) << group.error().to_string();
  const auto homes = client_->admin().describe_topics({"__consumer_offsets"});
  ASSERT_TRUE(homes);
  EXPECT_EQ(homes->front().partitions.front().replicas.size(), 3U);

  const auto dead = static_cast<std::size_t>(group->coordinator - 1);
  ASSERT_TRUE(brokers_.at(dead)->stop());
  produce(500);
  read_all(*consumer);
  const auto after = client_->admin().describe_group(kGroup);
  ASSERT_TRUE(after) << after.error().to_string();
  EXPECT_NE(after->coordinator, group->coordinator);
  EXPECT_EQ(after->epoch, group->epoch) << "nobody came or went";
  EXPECT_EQ(lost, 0);
  EXPECT_TRUE(consumer->close());
}

}  // namespace
}  // namespace penstock::client
