// What goes wrong, and what the client is told: every refusal has its code, says what to do, and
// leaves everything else working.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/wire/error_message.h"
#include "tests/broker/server/running_broker.h"

namespace penstock::broker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
namespace v1 = wire::v1;

class BrokerErrorsE2e : public testing::Test {
 protected:
  BrokerErrorsE2e() : broker_(start_broker(test_config(dir_ / "data"))), client_(broker_->port()) {
    topic_ = client_.create("orders", 2).value();
  }
  ~BrokerErrorsE2e() override {
    // Whatever was refused: the broker goes on, and nothing of it was stored.
    EXPECT_TRUE(client_.produce(topic_, 0, batch_of({"after"})));
    EXPECT_THAT(client_.values(topic_, 0, 0).value(), ElementsAre("after"));
  }
  Errc refused(const Bytes& batches) {
    const auto answer = client_.produce(topic_, 0, batches);
    EXPECT_FALSE(answer);
    return answer ? Errc::kOk : answer.error().code();
  }

  ScratchDir dir_;
  std::unique_ptr<Broker> broker_;
  TestClient client_;
  std::string topic_;
};

TEST_F(BrokerErrorsE2e, BadBatches) {
  Bytes flipped = batch_of({"a"});
  flipped.back() ^= std::byte{1};
  EXPECT_EQ(refused(flipped), Errc::kBadChecksum);
  Bytes cut = batch_of({"a"});
  cut.resize(cut.size() - 1);
  EXPECT_EQ(refused(cut), Errc::kInvalidBatch);
  EXPECT_EQ(refused({}), Errc::kInvalidBatch);
  EXPECT_EQ(refused(batch_of({std::string(2 << 20, 'x')})), Errc::kBatchTooLarge);
  EXPECT_EQ(refused(batch_of({"a"}, {.control = true})), Errc::kInvalidBatch);
}

TEST_F(BrokerErrorsE2e, ALargeRecordIsPossibleBySettingAndNoLarger) {
  const auto large =
      client_.create("large", 1, {{"max_batch_bytes", "9MiB"}, {"max_record_bytes", "8MiB"}});
  ASSERT_TRUE(large) << large.error().to_string();
  const std::string record(8 << 20, 'x');
  ASSERT_TRUE(client_.produce(*large, 0, batch_of({record})));
  EXPECT_EQ(client_.produce(*large, 0, batch_of({record + "y"})).error().code(),
            Errc::kRecordTooLarge);
  // A consumer with small limits still gets it.
  EXPECT_THAT(client_.values(*large, 0, 0).value(), ElementsAre(record));
}

TEST_F(BrokerErrorsE2e, OneBadBatchRefusesItsPartitionAndNoOther) {
  v1::ProduceRequest request;
  Bytes bad = batch_of({"bad"});
  bad.back() ^= std::byte{1};
  const Bytes good = batch_of({"good"});
  request.MergeFrom(produce_request(topic_, 0, bad.size()));
  request.MergeFrom(produce_request(topic_, 1, good.size()));
  const auto reply =
      client_.call<v1::ProduceResponse>(wire::Api::kProduce, request, {shared(bad), shared(good)});
  ASSERT_TRUE(reply) << reply.error().to_string();
  EXPECT_EQ(wire::status_of(reply->message.partitions(0)).error().code(), Errc::kBadChecksum);
  EXPECT_TRUE(wire::status_of(reply->message.partitions(1)));
}

TEST_F(BrokerErrorsE2e, AnAttachmentThatDoesNotFitTheRequest) {
  const Bytes batch = batch_of({"a"});
  for (const int difference : {-1, 1}) {
    const auto reply = client_.call<v1::ProduceResponse>(
        wire::Api::kProduce,
        produce_request(topic_, 0, batch.size() + static_cast<std::size_t>(difference)),
        {shared(batch)});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code(), Errc::kInvalidArgument);
    EXPECT_THAT(reply.error().message(), HasSubstr("nothing was appended"));
  }
}

TEST_F(BrokerErrorsE2e, NamesAndNumbersThatDoNotExist) {
  EXPECT_EQ(client_.produce(std::string(16, 'x'), 0, batch_of({"a"})).error().code(),
            Errc::kUnknownTopic);
  EXPECT_EQ(client_.produce(topic_, 2, batch_of({"a"})).error().code(), Errc::kUnknownPartition);
  EXPECT_EQ(client_.produce(topic_, -1, batch_of({"a"})).error().code(), Errc::kUnknownPartition);
  EXPECT_EQ(client_.produce("short", 0, batch_of({"a"})).error().code(), Errc::kInvalidArgument);
  EXPECT_EQ(client_.values(topic_, 5, 0).error().code(), Errc::kUnknownPartition);
  EXPECT_EQ(client_.values(topic_, 1, 1).error().code(), Errc::kOffsetOutOfRange);
  EXPECT_EQ(client_.values(topic_, 1, -7).error().code(), Errc::kOffsetOutOfRange);
  EXPECT_EQ(client_.remove("nothing").error().code(), Errc::kUnknownTopic);
  EXPECT_EQ(wire::status_of(client_.describe("nothing")).error().code(), Errc::kUnknownTopic);
}

TEST_F(BrokerErrorsE2e, TopicsThatCannotBe) {
  EXPECT_EQ(client_.create("orders").error().code(), Errc::kTopicExists);
  EXPECT_EQ(client_.create("a/b").error().code(), Errc::kInvalidTopicName);
  EXPECT_EQ(client_.create("many", 100'000).error().code(), Errc::kInvalidArgument);
  EXPECT_EQ(client_.create("t", 1, {{"colour", "red"}}).error().code(), Errc::kInvalidSetting);
  v1::CreateTopicRequest dry_run;
  dry_run.set_name("later");
  dry_run.set_partitions(1);
  dry_run.set_validate_only(true);
  EXPECT_TRUE(client_.call<v1::CreateTopicResponse>(wire::Api::kCreateTopic, dry_run));
  EXPECT_EQ(wire::status_of(client_.describe("later")).error().code(), Errc::kUnknownTopic);
}

TEST_F(BrokerErrorsE2e, AnotherLeaderEpochIsFenced) {
  const Bytes batch = batch_of({"a"});
  auto request = produce_request(topic_, 0, batch.size());
  request.mutable_partitions(0)->set_leader_epoch(77);
  const auto produced =
      client_.call<v1::ProduceResponse>(wire::Api::kProduce, request, {shared(batch)});
  EXPECT_EQ(wire::status_of(produced->message.partitions(0)).error().code(), Errc::kStaleEpoch);
  auto fetch = fetch_request(topic_, 0, 0, 0);
  fetch.mutable_partitions(0)->set_leader_epoch(77);
  const auto fetched = client_.call<v1::FetchResponse>(wire::Api::kFetch, fetch);
  EXPECT_EQ(wire::status_of(fetched->message.partitions(0)).error().code(), Errc::kStaleEpoch);
}

TEST_F(BrokerErrorsE2e, ListsThatAreTooLong) {
  v1::ListOffsetsRequest request;
  for (int i = 0; i < 2'001; ++i) request.add_queries()->set_topic_id(topic_);
  const auto reply = client_.call<v1::ListOffsetsResponse>(wire::Api::kListOffsets, request);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code(), Errc::kInvalidArgument);
}

TEST_F(BrokerErrorsE2e, ATopicNamedOverAndOverMakesNoHugeAnswer) {
  ASSERT_TRUE(client_.create("wide", 100));
  v1::DescribeTopicsRequest request;
  for (int i = 0; i < 1'000; ++i) request.add_names("wide");
  const auto reply = client_.call<v1::DescribeTopicsResponse>(wire::Api::kDescribeTopics, request);
  ASSERT_TRUE(reply) << reply.error().to_string();
  ASSERT_EQ(reply->message.topics_size(), 1'000);
  EXPECT_EQ(reply->message.topics(99).partitions_size(), 100);
  EXPECT_EQ(wire::status_of(reply->message.topics(100)).error().code(), Errc::kInvalidArgument);
  EXPECT_EQ(reply->message.topics(100).partitions_size(), 0);
}

TEST(BrokerConnections, LeaveDescriptorsToTheLogs) {
  EXPECT_EQ(max_connections(1'024, 1), 512U);
  EXPECT_EQ(max_connections(1'024, 2), 256U);
  EXPECT_EQ(max_connections(1'000'000, 2), 10'000U);
  EXPECT_EQ(max_connections(UINT64_MAX, 64), 10'000U);
  EXPECT_EQ(max_connections(3, 64), 1U) << "one can still be told";
}

TEST_F(BrokerErrorsE2e, AnUnknownDurability) {
  const Bytes batch = batch_of({"a"});
  const auto reply = client_.call<v1::ProduceResponse>(
      wire::Api::kProduce, produce_request(topic_, 0, batch.size(), static_cast<v1::Durability>(9)),
      {shared(batch)});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code(), Errc::kInvalidArgument);
}

TEST_F(BrokerErrorsE2e, BytesThatAreNoMessage) {
  for (const wire::ApiInfo& api : wire::api_table()) {
    if (api.api == wire::Api::kHandshake) continue;
    const auto reply = client_.run(client_.channel().call(
        api.api, Bytes(3, std::byte{0xff}), {}, std::chrono::steady_clock::now() + kPatience));
    ASSERT_TRUE(reply) << reply.error().to_string();
    v1::CreateTopicResponse any;
    ASSERT_TRUE(rpc::deserialize(reply->message.view(), any));
    EXPECT_EQ(wire::status_of(any).error().code(), Errc::kInvalidArgument) << api.name;
  }
}

TEST_F(BrokerErrorsE2e, ATopicDeletedUnderALongPollAnswersIt) {
  const auto doomed = client_.create("doomed", 2);
  TestClient admin(broker_->port());
  std::optional<Errc> told;
  v1::FetchRequest request = fetch_request(*doomed, 0, 0, 50'000);
  request.MergeFrom(fetch_request(*doomed, 1, 0, 50'000));
  asio::co_spawn(client_.io(), client_.begin<v1::FetchResponse>(wire::Api::kFetch, request),
                 [&told](const std::exception_ptr&, const auto& reply) {
                   // Whichever partition goes first answers for both.
                   for (const auto& partition : reply->message.partitions()) {
                     if (const auto status = wire::status_of(partition); !status) {
                       told = status.error().code();
                     }
                   }
                 });
  client_.io().restart();
  client_.describe("doomed");  // the fetch before it on this connection has arrived
  ASSERT_TRUE(admin.remove("doomed"));
  client_.io().restart();
  while (!told) client_.io().run_one();
  EXPECT_EQ(*told, Errc::kUnknownTopic);
}

}  // namespace
}  // namespace penstock::broker
