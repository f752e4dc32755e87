// The producer when things go wrong: each failure of docs/client.md, against a broker that fails on
// demand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "client/producer.h"
#include "protocol/record/record.h"
#include "tests/client/fake_broker.h"
#include "tests/client/stories.h"

namespace penstock::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = ProduceFault::Kind;

class ProducerE2eTest : public testing::Test {
 protected:
  void open(ProducerConfig config = {}, ClientConfig client = {}) {
    broker_.create_topic("orders", 2);
    client_ = open_client(broker_, std::move(client));
    config.reports = DeliveryReports::kAll;
    auto producer = Producer::open(*client_, config);
    ASSERT_TRUE(producer) << producer.error().to_string();
    producer_ = std::move(*producer);
  }
  void produce_all(std::initializer_list<std::string> values, int partition = 0) {
    for (const std::string& value : values) {
      const Status accepted = produce(*producer_, "orders", partition, value, ++tag_);
      ASSERT_TRUE(accepted) << accepted.error().to_string();
    }
  }
  // What became of each record so far: "tag@offset", "tag failed Code", "tag unknown Code".
  std::vector<std::string> outcomes(milliseconds wait = milliseconds(0)) {
    std::vector<std::string> texts;
    for (const Delivery& delivery : producer_->poll(wait)) {
      const std::string tag = std::to_string(delivery.tag);
      if (!delivery.error) {
        texts.push_back(tag + "@" + std::to_string(delivery.offset.value()));
        continue;
      }
      const bool certain = delivery.error->outcome() == Outcome::kNotDone;
      texts.push_back(tag + (certain ? " failed " : " unknown ") +
                      std::string(info(delivery.error->code()).name));
      last_message_ = delivery.error->message();
    }
    return texts;
  }
  std::vector<std::string> log(int partition = 0) { return broker_.values("orders", partition); }

  FakeBroker broker_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Producer> producer_;
  std::uint64_t tag_ = 0;
  std::string last_message_;
};

TEST_F(ProducerE2eTest, AConnectionLostBeforeTheWriteCostsNothing) {
  open();
  broker_.on_produce({ProduceFault::of(Kind::kCutBeforeWrite)});
  produce_all({"a", "b"});
  ASSERT_TRUE(producer_->flush(kLong));
  EXPECT_THAT(outcomes(), ElementsAre("1@0", "2@1"));
  EXPECT_THAT(log(), ElementsAre("a", "b"));
  EXPECT_EQ(producer_->stats().retries, 1U);
}

TEST_F(ProducerE2eTest, AConnectionLostAfterTheWriteWritesTwiceInOrder) {
  open();
  broker_.on_produce({ProduceFault::of(Kind::kCutAfterWrite)});
  produce_all({"a"});
  ASSERT_TRUE(producer_->flush(kLong));
  produce_all({"b"});
  ASSERT_TRUE(producer_->flush(kLong));
  EXPECT_THAT(outcomes(), ElementsAre("1@1", "2@2")) << "the second copy was acknowledged";
  EXPECT_THAT(log(), ElementsAre("a", "a", "b"));
}

TEST_F(ProducerE2eTest, ARefusalForNowIsRetriedAndNotOvertaken) {
  open({.linger = milliseconds(0)});
  broker_.on_produce({ProduceFault::refuse(Errc::kDiskFull), ProduceFault::refuse(Errc::kDiskFull),
                      ProduceFault::refuse(Errc::kOverloaded)});
  std::vector<std::string> wanted;
  for (int i = 0; i < 200; ++i) {
    produce_all({std::to_string(i)});
    wanted.push_back(std::to_string(i));
  }
  ASSERT_TRUE(producer_->flush(kLong));
  EXPECT_EQ(log(), wanted);
  EXPECT_EQ(producer_->stats().records_delivered, 200U);
  EXPECT_EQ(broker_.most_produces_at_once(), 1U);
}

TEST_F(ProducerE2eTest, ATopicCreatedAgainWithFewerPartitionsIsWrittenToAsItIs) {
  open();
  produce_all({"a"}, 1);
  ASSERT_TRUE(producer_->flush(kLong));
  EXPECT_THAT(outcomes(), ElementsAre("1@0"));
  broker_.delete_topic("orders");
  broker_.create_topic("orders", 1);
  produce_all({"b"}, 1);
  ASSERT_TRUE(producer_->flush(kLong));
  EXPECT_THAT(outcomes(), ElementsAre(testing::StartsWith("2 failed Unknown")));
  EXPECT_EQ(produce(*producer_, "orders", 1, "c").error().code(), Errc::kUnknownPartition);
  produce_all({"d"}, 0);
  ASSERT_TRUE(producer_->flush(kLong));
  EXPECT_THAT(log(), ElementsAre("d"));
}

TEST_F(ProducerE2eTest, AFullProducerDoesNotLinger) {
  open({.linger = kLong, .memory_limit_bytes = 2'000});
  const std::string value(1'000, 'x');
  produce_all({value, value, value, value});
  EXPECT_GE(producer_->stats().records_delivered, 3U);
}

TEST_F(ProducerE2eTest, TimesBeyondTheClocksReachAreRefused) {
  broker_.create_topic("orders", 1);
  const auto client = open_client(broker_);
  const auto endless = Producer::open(*client, {.delivery_timeout = milliseconds::max()});
  ASSERT_FALSE(endless);
  EXPECT_EQ(endless.error().code(), Errc::kInvalidArgument);
}

TEST_F(ProducerE2eTest, AFinalRefusalFailsTheRecordsOfItsPartitionAlone) {
  open();
  broker_.on_produce({ProduceFault::refuse_first_part(Errc::kPartitionDamaged)});
  produce_all({"a"}, 0);
  produce_all({"b"}, 1);
  ASSERT_TRUE(producer_->flush(kLong));
  EXPECT_THAT(outcomes(), ElementsAre("1 failed PartitionDamaged", "2@0"));
}

TEST_F(ProducerE2eTest, SilenceIsUnknownAndThePartitionGoesOn) {
  open({.delivery_timeout = milliseconds(50)}, {.request_timeout = milliseconds(100)});
  broker_.on_produce({ProduceFault::of(Kind::kSilence)});
  produce_all({"a"});
  EXPECT_THAT(outcomes(kLong), ElementsAre("1 unknown Timeout"));
  EXPECT_THAT(last_message_, HasSubstr("has not answered yet"));
  EXPECT_GT(producer_->stats().memory_bytes, 0U) << "its request still holds the bytes";
  // The second may have to wait until the first request is given up.
  while (log() != std::vector<std::string>{"a", "b"}) {
    produce_all({"b"});
    if (outcomes(kLong).back().contains('@')) break;
  }
  ASSERT_TRUE(producer_->flush(kLong));
  EXPECT_EQ(producer_->stats().memory_bytes, 0U);
  EXPECT_EQ(log().front(), "a");
}

TEST_F(ProducerE2eTest, AnAnswerThatIsNoneIsUnknown) {
  open();
  broker_.on_produce({ProduceFault::of(Kind::kGarbage), ProduceFault::of(Kind::kWrongOffsets)});
  produce_all({"a"});
  ASSERT_TRUE(producer_->flush(kLong));
  produce_all({"b"});
  ASSERT_TRUE(producer_->flush(kLong));
  EXPECT_THAT(outcomes(), ElementsAre("1 unknown ConnectionLost", "2 unknown Internal"));
}

TEST_F(ProducerE2eTest, AnErrorThatMayHaveWrittenIsUnknownWhenItIsFinal) {
  open();
  broker_.on_produce({ProduceFault::write_then(Errc::kFsyncFailed)});
  produce_all({"a"});
  ASSERT_TRUE(producer_->flush(kLong));
  EXPECT_THAT(outcomes(), ElementsAre("1 unknown FsyncFailed"));
}

TEST_F(ProducerE2eTest, ABrokerThatComesBackGetsEverythingInOrder) {
  open();
  produce_all({"a"});
  ASSERT_TRUE(producer_->flush(kLong));
  broker_.kill();
  produce_all({"b", "c"});
  EXPECT_FALSE(producer_->flush(milliseconds(30)));
  produce_all({"d"});
  broker_.revive();
  ASSERT_TRUE(producer_->flush(kLong));
  EXPECT_THAT(log(), ElementsAre("a", "b", "c", "d"));
}

TEST_F(ProducerE2eTest, ABrokerThatStaysAwayFailsRecordsForCertainAndSaysWhy) {
  open({.delivery_timeout = milliseconds(60)});
  produce_all({"a"});
  ASSERT_TRUE(producer_->flush(kLong));
  outcomes();
  broker_.kill();
  produce_all({"b"});
  EXPECT_THAT(outcomes(kLong), ElementsAre("2 failed ConnectFailed"));
  EXPECT_THAT(last_message_, HasSubstr("refused"));
}

TEST_F(ProducerE2eTest, AConnectionClosedWhileIdleIsNoEvent) {
  open();
  produce_all({"a"});
  ASSERT_TRUE(producer_->flush(kLong));
  broker_.cut_connections();
  // Once the client has noticed, as it has when it was idle for minutes.
  std::this_thread::sleep_for(milliseconds(50));
  produce_all({"b"});
  ASSERT_TRUE(producer_->flush(kLong));
  EXPECT_THAT(outcomes(), ElementsAre("1@0", "2@1"));
  EXPECT_EQ(producer_->stats().retries, 0U);
}

TEST_F(ProducerE2eTest, MemoryIsALimitThatProducersWaitAt) {
  open({.batch_bytes = 10'000, .memory_limit_bytes = 100'000, .max_block = milliseconds(20)});
  broker_.hold_produces();
  const std::string value(1'000, 'x');
  Status status;
  int accepted = 0;
  while ((status = produce(*producer_, "orders", 0, value))) ++accepted;
  EXPECT_EQ(status.error().code(), Errc::kOverloaded);
  EXPECT_THAT(status.error().message(), HasSubstr("of 100000 bytes"));
  EXPECT_GT(accepted, 90);
  EXPECT_LT(accepted, 100);
  EXPECT_LE(producer_->stats().memory_bytes, 102'000U);
  broker_.release_produces();
  ASSERT_TRUE(producer_->flush(kLong));
  EXPECT_EQ(log().size(), static_cast<std::size_t>(accepted));
  EXPECT_EQ(producer_->stats().memory_bytes, 0U);
}

TEST_F(ProducerE2eTest, AProducerThatWaitsForMemoryGoesOnWhenThereIsSome) {
  open({.batch_bytes = 10'000, .memory_limit_bytes = 50'000});
  std::vector<std::string> wanted;
  for (int i = 0; i < 2'000; ++i) {
    wanted.push_back(std::to_string(i) + std::string(1'000, 'x'));
    produce_all({wanted.back()});
  }
  ASSERT_TRUE(producer_->flush(kLong));
  EXPECT_EQ(log(), wanted);
}

TEST_F(ProducerE2eTest, ReportsThatNobodyTakesHoldUpTheProducer) {
  open({.max_block = milliseconds(20), .max_undelivered_reports = 3});
  produce_all({"a", "b", "c"});
  ASSERT_TRUE(producer_->flush(kLong));
  const Status refused = produce(*producer_, "orders", 0, "d");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kOverloaded);
  EXPECT_THAT(refused.error().message(), HasSubstr("poll()"));
  EXPECT_EQ(outcomes().size(), 3U);
  EXPECT_TRUE(produce(*producer_, "orders", 0, "d"));
}

TEST_F(ProducerE2eTest, AnUnknownTopicIsRefusedAtOnce) {
  open();
  const Status refused = produce(*producer_, "nowhere", 0, "a");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kUnknownTopic);
  EXPECT_THAT(refused.error().message(), HasSubstr("nowhere"));
  EXPECT_EQ(produce(*producer_, "no such/name", 0, "a").error().code(), Errc::kInvalidTopicName);
  EXPECT_EQ(produce(*producer_, "orders", 2, "a").error().code(), Errc::kUnknownPartition);
}

TEST_F(ProducerE2eTest, NewPartitionsCanBeUsedAtOnce) {
  open();
  produce_all({"a"}, 0);
  ASSERT_TRUE(client_->admin().alter_topic({.name = "orders", .partitions = 3}));
  produce_all({"b"}, 2);
  ASSERT_TRUE(producer_->flush(kLong));
  EXPECT_THAT(log(2), ElementsAre("b"));
}

TEST_F(ProducerE2eTest, RecordsForATopicThatIsDeletedFailAndItsNamesakeIsClean) {
  open();
  produce_all({"a"});
  ASSERT_TRUE(producer_->flush(kLong));
  broker_.delete_topic("orders");
  produce_all({"b"});
  ASSERT_TRUE(producer_->flush(kLong));
  EXPECT_THAT(outcomes(), ElementsAre("1@0", "2 failed UnknownTopic"));
  EXPECT_EQ(produce(*producer_, "orders", 0, "c").error().code(), Errc::kUnknownTopic);
  broker_.create_topic("orders", 2);
  produce_all({"d"});
  ASSERT_TRUE(producer_->flush(kLong));
  EXPECT_THAT(log(), ElementsAre("d"));
}

TEST_F(ProducerE2eTest, ANewTermOfTheLeaderIsFoundByMetadata) {
  open();
  produce_all({"a"});
  ASSERT_TRUE(producer_->flush(kLong));
  broker_.elect("orders");
  produce_all({"b"});
  ASSERT_TRUE(producer_->flush(kLong));
  EXPECT_THAT(outcomes(), ElementsAre("1@0", "2@1"));
}

TEST_F(ProducerE2eTest, BatchesOverTheTopicsLimitAreTakenApart) {
  open({.linger = milliseconds(1'000)});
  broker_.limit_batches(500);
  std::vector<std::string> wanted;
  for (int i = 0; i < 50; ++i) {
    wanted.push_back(std::to_string(i) + std::string(i == 20 ? 1'000 : 60, 'x'));
    produce_all({wanted.back()});
  }
  wanted.erase(wanted.begin() + 20);
  ASSERT_TRUE(producer_->flush(kLong));
  EXPECT_EQ(log(), wanted);
  const auto all = outcomes();
  EXPECT_EQ(all.size(), 50U);
  EXPECT_THAT(all, testing::Contains("21 failed BatchTooLarge"));
  EXPECT_EQ(producer_->stats().records_failed, 1U);
}

TEST_F(ProducerE2eTest, EveryCodecArrives) {
  for (const record::Codec codec :
       {record::Codec::kGzip, record::Codec::kSnappy, record::Codec::kLz4, record::Codec::kZstd}) {
    FakeBroker broker;
    broker.create_topic("orders", 1);
    const auto client = open_client(broker);
    const auto producer = *Producer::open(*client, {.codec = codec});
    const std::string value(10'000, 'x');
    ASSERT_TRUE(produce(*producer, "orders", 0, value));
    ASSERT_TRUE(producer->flush(kLong));
    EXPECT_THAT(broker.values("orders", 0), ElementsAre(value)) << record::name(codec);
    EXPECT_LT(producer->stats().bytes_delivered, 2'000U) << record::name(codec);
  }
}

TEST_F(ProducerE2eTest, WhoWaitsForAnOutcomeGetsItWithoutLingeringAndOnce) {
  open({.linger = milliseconds(3'600'000)});
  const auto delivery = producer_->produce_and_wait(
      {.topic = "orders", .partition = PartitionId(1), .value = as_bytes("a"), .tag = 42});
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->error, nullptr);
  EXPECT_EQ(delivery->tag, 42U);
  EXPECT_EQ(delivery->partition, PartitionId(1));
  EXPECT_EQ(delivery->offset, Offset(0));
  EXPECT_EQ(delivery->receipt.replicas_fsynced, 1U);
  EXPECT_THAT(outcomes(), IsEmpty());
  EXPECT_EQ(producer_->produce_and_wait({.topic = "nowhere"}).error().code(), Errc::kUnknownTopic);
}

TEST_F(ProducerE2eTest, SeveralThreadsKeepTheirOwnOrder) {
  open({.batch_bytes = 2'000});
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 2'000; ++i) {
        const std::string value = std::to_string(thread) + ":" + std::to_string(i);
        EXPECT_TRUE(produce(*producer_, "orders", thread % 2, value));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(producer_->flush(kLong));
  std::map<std::string, int> next;
  std::size_t count = 0;
  for (int partition = 0; partition < 2; ++partition) {
    for (const std::string& value : log(partition)) {
      const std::string thread = value.substr(0, 1);
      EXPECT_EQ(value, thread + ":" + std::to_string(next[thread]++));
      ++count;
    }
  }
  EXPECT_EQ(count, 8'000U);
}

TEST_F(ProducerE2eTest, FlushSaysWhenItsTimeIsOverAndTheRestStaysUnderWay) {
  open();
  broker_.hold_produces();
  produce_all({"a"});
  const Status flushed = producer_->flush(milliseconds(20));
  ASSERT_FALSE(flushed);
  EXPECT_EQ(flushed.error().code(), Errc::kTimeout);
  broker_.release_produces();
  ASSERT_TRUE(producer_->flush(kLong));
  EXPECT_THAT(outcomes(), ElementsAre("1@0"));
}

TEST_F(ProducerE2eTest, CloseTellsWhatWasSentFromWhatWasNot) {
  open();
  broker_.hold_produces();
  produce_all({"a"});
  broker_.await_produce_requests(1);
  produce_all({"b"});
  EXPECT_FALSE(producer_->close(milliseconds(20)));
  EXPECT_THAT(outcomes(), ElementsAre("2 failed ShuttingDown", "1 unknown Cancelled"));
  EXPECT_EQ(produce(*producer_, "orders", 0, "c").error().code(), Errc::kShuttingDown);
  EXPECT_TRUE(producer_->close(milliseconds(0))) << "closing twice is fine";
  broker_.release_produces();
}

TEST_F(ProducerE2eTest, TheDestructorDoesNotWaitForASilentBroker) {
  open();
  broker_.on_produce({ProduceFault::of(Kind::kSilence)});
  produce_all({"a"});
  broker_.await_produce_requests(1);
  producer_.reset();
  client_.reset();
}

TEST_F(ProducerE2eTest, SettingsOutOfRangeAreRefused) {
  open();
  EXPECT_EQ(Producer::open(*client_, {.batch_bytes = 0}).error().code(), Errc::kInvalidArgument);
  EXPECT_EQ(Producer::open(*client_, {.memory_limit_bytes = 0}).error().code(),
            Errc::kInvalidArgument);
  EXPECT_EQ(Producer::open(*client_, {.linger = milliseconds(-1)}).error().code(),
            Errc::kInvalidArgument);
  EXPECT_EQ(Client::open({.bootstrap = {}}).error().code(), Errc::kInvalidArgument);
}

// A broker that stops reading in the middle of a request; the request's time passes, its records
// are reported, others follow in new memory. When the broker reads on, it must find the bytes of
// the first request, not what came later: their checksums and values say so.
TEST(ProducerBufferTest, BytesBeingWrittenAreNotReusedWhenTheirTimePasses) {
  FakeBroker broker({.max_frame_bytes = 1U << 20, .max_request_memory_bytes = (1U << 20) + 8'192});
  broker.create_topic("orders", 8);
  broker.create_topic("others", 1);
  const auto client = open_client(broker);
  const auto first = *Producer::open(*client, {.batch_bytes = 500U << 10,
                                               .linger = milliseconds(0),
                                               .max_request_bytes = 512U << 10,
                                               .delivery_timeout = milliseconds(100)});
  const auto second = *Producer::open(*client, {.batch_bytes = 500U << 10});
  ASSERT_TRUE(produce(*second, "others", 0, "before"));
  ASSERT_TRUE(second->flush(kLong));
  const std::string large(400U << 10, 'a');
  ASSERT_TRUE(produce(*first, "orders", 0, large));
  ASSERT_TRUE(first->flush(kLong));

  broker.hold_produces();
  for (int partition = 0; partition < 8; ++partition) {
    ASSERT_TRUE(produce(*first, "orders", partition, large));
  }
  ASSERT_TRUE(first->flush(kLong)) << "every record has an outcome by then";
  EXPECT_GT(first->stats().records_unknown, 0U);
  static_cast<void>(first->close(milliseconds(0)));

  const std::string other(400U << 10, 'b');
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(produce(*second, "others", 0, other));
  broker.release_produces();
  ASSERT_TRUE(second->flush(kLong));
  EXPECT_THAT(broker.values("others", 0), ElementsAre("before", other, other, other, other));
  for (int partition = 0; partition < 8; ++partition) {
    for (const std::string& value : broker.values("orders", partition)) EXPECT_EQ(value, large);
  }
}

}  // namespace
}  // namespace penstock::client
