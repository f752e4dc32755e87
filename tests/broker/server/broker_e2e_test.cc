// A whole broker on a real disk and real sockets: every API as a client sees it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/partition/fetch_rules.h"
#include "protocol/wire/error_message.h"
#include "tests/broker/server/running_broker.h"

namespace penstock::broker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
namespace v1 = wire::v1;

class BrokerE2e : public testing::Test {
 protected:
  void restart() {
    client_.reset();
    broker_.reset();
    broker_ = start_broker(test_config(dir_ / "data"));
    client_ = std::make_unique<TestClient>(broker_->port());
  }
  void SetUp() override { restart(); }
  void TearDown() override { client_.reset(); }
  TestClient& client() { return *client_; }

  ScratchDir dir_;
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<TestClient> client_;
};

TEST_F(BrokerE2e, WhatIsProducedIsFetched) {
  const auto topic = client().create("orders", 3);
  ASSERT_TRUE(topic) << topic.error().to_string();
  for (int partition = 0; partition < 3; ++partition) {
    const auto answer = client().produce(*topic, partition, batch_of({"a", "b"}));
    ASSERT_TRUE(answer) << answer.error().to_string();
    EXPECT_EQ(answer->base_offset(), 0);
    EXPECT_EQ(answer->last_offset(), 1);
    EXPECT_EQ(answer->leader_epoch(), 1);
    EXPECT_EQ(answer->receipt().replicas_fsynced(), 1U);
    EXPECT_EQ(answer->receipt().replicas(), 1U);
    EXPECT_EQ(client().produce(*topic, partition, batch_of({"c"}))->base_offset(), 2);
    EXPECT_THAT(client().values(*topic, partition, 0).value(), ElementsAre("a", "b", "c"));
    EXPECT_THAT(client().values(*topic, partition, 1).value(), ElementsAre("b", "c"));
  }
}

TEST_F(BrokerE2e, ARestartKeepsEverythingAndRaisesTheEpoch) {
  const auto topic = client().create("orders", 2, {{"retention_ms", "20000d"}});
  ASSERT_TRUE(client().produce(*topic, 0, batch_of({"a"})));
  ASSERT_TRUE(client().produce(*topic, 1, batch_of({"b"})));
  restart();
  const v1::Topic described = client().describe("orders");
  EXPECT_EQ(described.topic_id(), *topic);
  ASSERT_THAT(described.partitions(), SizeIs(2));
  EXPECT_EQ(described.partitions(0).leader_epoch(), 2);
  for (const auto& setting : described.settings()) {
    EXPECT_EQ(setting.is_default(), setting.name() != "retention_ms") << setting.name();
    if (!setting.is_default()) {
      EXPECT_EQ(setting.value(), "1728000000000");
    }
  }
  EXPECT_THAT(client().values(*topic, 0, 0).value(), ElementsAre("a"));
  EXPECT_THAT(client().values(*topic, 1, 0).value(), ElementsAre("b"));
  EXPECT_EQ(client().produce(*topic, 0, batch_of({"c"}))->base_offset(), 1);
}

TEST_F(BrokerE2e, OneRequestFeedsPartitionsOnSeveralShardsAndEachSucceedsByItself) {
  const auto topic = client().create("orders", 4);
  v1::ProduceRequest request;
  std::vector<SharedBytes> attachment;
  for (const int partition : {3, 0, 99, 2}) {
    const Bytes batch = batch_of({"p" + std::to_string(partition)});
    request.MergeFrom(produce_request(*topic, partition, batch.size()));
    attachment.push_back(shared(batch));
  }
  const auto reply = client().call<v1::ProduceResponse>(wire::Api::kProduce, request, attachment);
  ASSERT_TRUE(reply) << reply.error().to_string();
  ASSERT_THAT(reply->message.partitions(), SizeIs(4));
  EXPECT_EQ(wire::status_of(reply->message.partitions(2)).error().code(), Errc::kUnknownPartition);
  for (const int i : {0, 1, 3}) EXPECT_FALSE(reply->message.partitions(i).has_error());
  EXPECT_THAT(client().values(*topic, 3, 0).value(), ElementsAre("p3"));
  EXPECT_THAT(client().values(*topic, 0, 0).value(), ElementsAre("p0"));
  EXPECT_THAT(client().values(*topic, 1, 0).value(), ElementsAre());

  v1::FetchRequest fetch;
  for (const int partition : {0, 1, 2, 3}) {
    fetch.MergeFrom(fetch_request(*topic, partition, 0, 0));
  }
  const auto fetched = client().call<v1::FetchResponse>(wire::Api::kFetch, fetch);
  ASSERT_TRUE(fetched) << fetched.error().to_string();
  EXPECT_THAT(values_in(fetched->attachment.view()), ElementsAre("p0", "p2", "p3"));
  EXPECT_EQ(fetched->message.partitions(1).attachment_bytes(), 0U);
}

TEST_F(BrokerE2e, PipelinedRequestsKeepTheirOrder) {
  const auto topic = client().create("orders");
  constexpr int kRequests = 200;
  std::vector<std::string> expected;
  int answered = 0;
  for (int i = 0; i < kRequests; ++i) {
    expected.push_back(std::to_string(i));
    const Bytes batch = batch_of({expected.back()});
    asio::co_spawn(
        client().io(),
        client().begin<v1::ProduceResponse>(
            wire::Api::kProduce, produce_request(*topic, 0, batch.size()), {shared(batch)}),
        [&answered](const std::exception_ptr&, const auto& reply) {
          if (reply && !reply->message.partitions(0).has_error()) ++answered;
        });
  }
  while (answered < kRequests) client().io().run_one();
  EXPECT_EQ(client().values(*topic, 0, 0).value(), expected);
}

TEST_F(BrokerE2e, ALongPollIsWokenByTheAppend) {
  const auto topic = client().create("orders", 2);
  for (const int partition : {0, 1}) {  // one of them lives on the other shard
    TestClient producer(broker_->port());
    std::optional<std::vector<std::string>> got;
    asio::co_spawn(client().io(),
                   client().begin<v1::FetchResponse>(wire::Api::kFetch,
                                                     fetch_request(*topic, partition, 0, 50'000)),
                   [&got](const std::exception_ptr&, const auto& reply) {
                     got = reply ? values_in(reply->attachment.view())
                                 : std::vector<std::string>{reply.error().to_string()};
                   });
    client().io().restart();
    // The fetch is on its way; a describe behind it on the same connection shows that it arrived.
    client().describe("orders");
    EXPECT_FALSE(got);
    ASSERT_TRUE(producer.produce(*topic, partition, batch_of({"fresh"})));
    client().io().restart();
    while (!got) client().io().run_one();
    EXPECT_THAT(*got, ElementsAre("fresh"));
  }
}

TEST_F(BrokerE2e, AFetchThatFindsNothingAnswersEmptyAfterItsWait) {
  const auto topic = client().create("orders");
  const auto reply = client().fetch(*topic, 0, 0, 20);
  ASSERT_TRUE(reply) << reply.error().to_string();
  EXPECT_TRUE(reply->attachment.empty());
  EXPECT_EQ(reply->message.partitions(0).high_watermark(), 0);
}

TEST_F(BrokerE2e, AFetchThatWantsMoreThanItTakesDoesNotWaitForIt) {
  const auto topic = client().create("orders");
  const Bytes batch = batch_of({"all there is"});
  ASSERT_TRUE(client().produce(*topic, 0, batch));
  auto request = fetch_request(*topic, 0, 0, 50'000);
  *request.add_partitions() = request.partitions(0);
  request.mutable_partitions(1)->set_offset(1);
  request.set_max_bytes(static_cast<std::uint32_t>(batch.size()));
  request.set_min_bytes(static_cast<std::uint32_t>(batch.size()) + 1);
  for (int turn = 0; turn < 2; ++turn) {  // each partition is the first once
    const auto reply = client().run(
        rpc::call<v1::FetchResponse>(client().channel(), wire::Api::kFetch, request, {},
                                     std::chrono::steady_clock::now() + std::chrono::seconds(20)));
    ASSERT_TRUE(reply) << reply.error().to_string();
    EXPECT_THAT(values_in(reply->attachment.view()), ElementsAre("all there is"));
  }
}

TEST_F(BrokerE2e, TheHeaderChecksumCoversWhatTheBatchesDoNot) {
  const auto topic = client().create("orders");
  ASSERT_TRUE(client().produce(*topic, 0, batch_of({"a"})));
  ASSERT_TRUE(client().produce(*topic, 0, batch_of({"b"})));
  const auto reply = client().fetch(*topic, 0, 0);
  EXPECT_EQ(reply->message.partitions(0).header_crc(), header_crc(reply->attachment.view()));
  EXPECT_NE(reply->message.partitions(0).header_crc(), 0U);
}

TEST_F(BrokerE2e, OffsetsAreListedByPlaceAndByTime) {
  const auto topic = client().create("orders");
  ASSERT_TRUE(client().produce(*topic, 0, batch_of({"a", "b"})));
  v1::ListOffsetsRequest request;
  for (int i = 0; i < 5; ++i) {
    auto& query = *request.add_queries();
    query.set_topic_id(*topic);
    query.set_leader_epoch(-1);
  }
  request.mutable_queries(0)->set_earliest(true);
  request.mutable_queries(1)->set_latest(true);
  request.mutable_queries(2)->set_timestamp_ms(1'699'999'999'999);
  request.mutable_queries(3)->set_timestamp_ms(1'700'000'000'001);
  request.mutable_queries(4)->set_max_timestamp(true);
  const auto reply = client().call<v1::ListOffsetsResponse>(wire::Api::kListOffsets, request);
  ASSERT_TRUE(reply) << reply.error().to_string();
  std::vector<std::int64_t> offsets;
  for (const auto& answer : reply->message.answers()) {
    EXPECT_FALSE(answer.has_error()) << answer.error().message();
    offsets.push_back(answer.offset());
  }
  EXPECT_THAT(offsets, ElementsAre(0, 2, 0, -1, testing::AnyOf(0, 1)));
  EXPECT_EQ(reply->message.answers(2).timestamp_ms(), 1'700'000'000'000);
}

TEST_F(BrokerE2e, DeletedRecordsAreUnreadable) {
  const auto topic = client().create("orders");
  ASSERT_TRUE(client().produce(*topic, 0, batch_of({"a", "b", "c"})));
  v1::DeleteRecordsRequest request;
  auto& range = *request.add_ranges();
  range.set_topic_id(*topic);
  range.set_before(2);
  const auto reply = client().call<v1::DeleteRecordsResponse>(wire::Api::kDeleteRecords, request);
  ASSERT_TRUE(reply) << reply.error().to_string();
  EXPECT_EQ(reply->message.answers(0).log_start(), 2);
  EXPECT_EQ(client().values(*topic, 0, 1).error().code(), Errc::kOffsetOutOfRange);
  EXPECT_THAT(client().values(*topic, 0, 2).value(), ElementsAre("c"));
  restart();
  EXPECT_THAT(client().values(*topic, 0, 2).value(), ElementsAre("c"));
  EXPECT_EQ(client().values(*topic, 0, 1).error().code(), Errc::kOffsetOutOfRange);

  request.mutable_ranges(0)->set_before(99);
  const auto beyond = client().call<v1::DeleteRecordsResponse>(wire::Api::kDeleteRecords, request);
  EXPECT_EQ(wire::status_of(beyond->message.answers(0)).error().code(), Errc::kOffsetOutOfRange);
}

TEST_F(BrokerE2e, ATopicMadeAnewIsAnotherTopic) {
  const auto first = client().create("orders");
  ASSERT_TRUE(client().produce(*first, 0, batch_of({"old"})));
  ASSERT_TRUE(client().remove("orders"));
  EXPECT_EQ(client().produce(*first, 0, batch_of({"late"})).error().code(), Errc::kUnknownTopic);
  const auto second = client().create("orders");
  EXPECT_NE(*second, *first);
  EXPECT_THAT(client().values(*second, 0, 0).value(), ElementsAre());
  EXPECT_EQ(client().values(*first, 0, 0).error().code(), Errc::kUnknownTopic);
}

TEST_F(BrokerE2e, AnAlteredTopicHasItsNewPartitionsAndSettingsAtOnce) {
  const auto topic = client().create("orders", 1);
  v1::AlterTopicRequest request;
  request.set_name("orders");
  request.set_partitions(3);
  auto& setting = *request.add_set();
  setting.set_name("max_batch_bytes");
  setting.set_value("1KiB");
  ASSERT_TRUE(client().call<v1::AlterTopicResponse>(wire::Api::kAlterTopic, request));
  EXPECT_TRUE(client().produce(*topic, 2, batch_of({"a"})));
  EXPECT_EQ(client().produce(*topic, 0, batch_of({std::string(2'000, 'x')})).error().code(),
            Errc::kBatchTooLarge);
  restart();
  EXPECT_THAT(client().values(*topic, 2, 0).value(), ElementsAre("a"));
}

TEST_F(BrokerE2e, TheClusterSaysWhoItIsAndHowToReachIt) {
  const auto reply = client().call<v1::DescribeClusterResponse>(wire::Api::kDescribeCluster,
                                                                v1::DescribeClusterRequest());
  ASSERT_TRUE(reply) << reply.error().to_string();
  EXPECT_THAT(reply->message.cluster_id(), SizeIs(16));
  ASSERT_THAT(reply->message.brokers(), SizeIs(1));
  EXPECT_EQ(reply->message.brokers(0).host(), "127.0.0.1");
  EXPECT_EQ(reply->message.brokers(0).port(), broker_->port());
  EXPECT_GT(reply->message.disk_total_bytes(), 0U);
  EXPECT_FALSE(reply->message.disk_full());
}

TEST_F(BrokerE2e, WrittenIsAcknowledgedAsWritten) {
  const auto topic = client().create("orders");
  const auto answer = client().produce(*topic, 0, batch_of({"a"}), v1::DURABILITY_WRITTEN);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->receipt().replicas_fsynced(), 0U);
  EXPECT_EQ(answer->receipt().replicas_written(), 1U);
}

TEST_F(BrokerE2e, AppendTimeTopicsCarryTheBrokersClock) {
  const auto topic = client().create("orders", 1, {{"timestamp_type", "append"}});
  const auto answer = client().produce(*topic, 0, batch_of({"a"}));
  ASSERT_TRUE(answer) << answer.error().to_string();
  EXPECT_GT(answer->append_time_ms(), 1'700'000'000'000);
  const auto reply = client().fetch(*topic, 0, 0);
  const auto batch = record::BatchView::parse(reply->attachment.view());
  ASSERT_TRUE(batch);
  EXPECT_TRUE(batch->verify_crc());
  EXPECT_EQ(batch->timestamp_type(), record::TimestampType::kLogAppendTime);
  EXPECT_EQ(batch->max_timestamp().ms(), answer->append_time_ms());
}

}  // namespace
}  // namespace penstock::broker
