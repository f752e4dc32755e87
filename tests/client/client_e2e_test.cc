// The blocking client against a broker: administration, and records there and back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/consumer.h"
#include "client/producer.h"
#include "tests/client/fake_broker.h"
#include "tests/client/stories.h"

namespace penstock::client {
namespace {

using testing::ElementsAre;

TEST(ClientTest, WithoutABrokerOpenNamesEachAddressAndWhy) {
  FakeBroker broker;
  const rpc::Endpoint nobody = broker.endpoint();
  broker.kill();
  const auto client = Client::open({.bootstrap = {nobody, {"127.0.0.1", 1}}});
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code(), Errc::kConnectFailed);
  EXPECT_THAT(client.error().message(), testing::HasSubstr(nobody.to_string()));
  EXPECT_THAT(client.error().message(), testing::HasSubstr("127.0.0.1:1"));
}

TEST(ClientTest, TopicsAreCreatedDescribedAlteredAndDeleted) {
  FakeBroker broker;
  const auto client = open_client(broker);
  Admin& admin = client->admin();

  const auto id = admin.create_topic({.name = "orders", .partitions = 3, .settings = {}});
  ASSERT_TRUE(id) << id.error().to_string();
  const auto again = admin.create_topic({.name = "orders", .partitions = 3, .settings = {}});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), Errc::kTopicExists);

  ASSERT_TRUE(admin.alter_topic({.name = "orders", .set = {}, .reset = {}, .partitions = 5}));
  const auto topics = admin.describe_topics({"orders"});
  ASSERT_TRUE(topics);
  ASSERT_EQ(topics->size(), 1U);
  EXPECT_EQ(topics->front().id, *id);
  EXPECT_EQ(topics->front().partitions.size(), 5U);
  EXPECT_EQ(admin.describe_cluster()->software, "fake");

  ASSERT_TRUE(admin.delete_topic("orders"));
  EXPECT_EQ(admin.describe_topics({"orders"}).error().code(), Errc::kUnknownTopic);
}

TEST(ClientTest, RecordsComeBackInOrderWithTheirOffsets) {
  FakeBroker broker;
  broker.create_topic("orders", 2);
  const auto client = open_client(broker);
  const auto producer = *Producer::open(*client, {.reports = DeliveryReports::kAll});
  for (int i = 0; i < 1'000; ++i) {
    const std::string value = "v" + std::to_string(i);
    ASSERT_TRUE(producer->produce({.topic = "orders",
                                   .partition = PartitionId(i % 2),
                                   .key = {},
                                   .value = as_bytes(value),
                                   .timestamp = {},
                                   .tag = static_cast<std::uint64_t>(i)}));
  }
  ASSERT_TRUE(producer->flush(kLong));
  const auto deliveries = producer->poll(milliseconds(0));
  ASSERT_EQ(deliveries.size(), 1'000U);
  for (const Delivery& delivery : deliveries) {
    ASSERT_EQ(delivery.error, nullptr);
    EXPECT_EQ(delivery.offset.value(), static_cast<std::int64_t>(delivery.tag / 2));
    EXPECT_EQ(delivery.receipt.replicas_fsynced, 1U);
  }

  const auto consumer = *Consumer::open(*client, {});
  ASSERT_TRUE(consumer->assign({{"orders", PartitionId(0), StartAt::beginning()},
                                {"orders", PartitionId(1), StartAt::offset(Offset(250))}}));
  const auto read = read_to_end(*consumer);
  ASSERT_EQ(read.at(0).size(), 500U);
  ASSERT_EQ(read.at(1).size(), 250U);
  EXPECT_EQ(read.at(0).front(), "v0");
  EXPECT_EQ(read.at(0).back(), "v998");
  EXPECT_EQ(read.at(1).front(), "v501");
  EXPECT_TRUE(consumer->at_end());
  EXPECT_EQ(consumer->position("orders", PartitionId(1))->value(), 500);
}

TEST(ClientTest, OffsetsAreListedAndRecordsDeleted) {
  FakeBroker broker;
  broker.create_topic("orders", 1);
  broker.append("orders", 0, {"a", "b", "c"});
  const auto client = open_client(broker);
  const auto log_start = client->admin().delete_records("orders", PartitionId(0), Offset(2));
  ASSERT_TRUE(log_start);
  EXPECT_EQ(log_start->value(), 2);
  const auto offset = [&](StartAt at) {
    return client->admin().list_offsets("orders", at)->front().offset.value();
  };
  EXPECT_EQ(offset(StartAt::beginning()), 2);
  EXPECT_EQ(offset(StartAt::end()), 3);
  EXPECT_EQ(offset(StartAt::time(Timestamp(5))), 3) << "no record is that young: the end";
  EXPECT_EQ(client->admin().list_offsets("nowhere", StartAt::end()).error().code(),
            Errc::kUnknownTopic);
}

// The second attempt is refused because the first was carried out: no reason to say "not done".
TEST(ClientTest, ARefusalDoesNotTakeBackWhatAnEarlierAttemptMayHaveDone) {
  FakeBroker broker;
  broker.create_topic("orders", 1);
  const auto client = open_client(broker);
  broker.cut_after_next_alter();
  const Status altered = client->admin().alter_topic({.name = "orders", .partitions = 3});
  ASSERT_FALSE(altered);
  EXPECT_EQ(altered.error().outcome(), Outcome::kMaybeDone) << altered.error().to_string();
  EXPECT_EQ(client->admin().describe_topics({"orders"})->front().partitions.size(), 3U);
}

}  // namespace
}  // namespace penstock::client
