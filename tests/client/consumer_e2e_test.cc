// The consumer when things go wrong, against a broker that fails on demand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "client/consumer.h"
#include "tests/client/fake_broker.h"
#include "tests/client/stories.h"

namespace penstock::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ConsumerE2eTest : public testing::Test {
 protected:
  void open(ConsumerConfig config = {}, ClientConfig client = {}) {
    if (!created_) broker_.create_topic("orders", 2);
    created_ = true;
    client_ = open_client(broker_, std::move(client));
    auto consumer = Consumer::open(*client_, config);
    ASSERT_TRUE(consumer) << consumer.error().to_string();
    consumer_ = std::move(*consumer);
  }
  void assign(StartAt start, int partition = 0) {
    const Status assigned = consumer_->assign({{"orders", PartitionId(partition), start}});
    ASSERT_TRUE(assigned) << assigned.error().to_string();
  }
  // The next records, as many as wanted, whatever it takes.
  std::vector<std::string> read(std::size_t count) {
    std::vector<std::string> values;
    while (values.size() < count) {
      auto chunks = consumer_->poll(milliseconds(100));
      if (!chunks) {
        values.push_back(std::string(info(chunks.error().code()).name));
        last_message_ = chunks.error().message();
        continue;
      }
      for (Chunk& chunk : *chunks) {
        while (auto record = *chunk.next()) values.emplace_back(as_text(*record->value));
      }
    }
    return values;
  }

  FakeBroker broker_;
  bool created_ = false;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Consumer> consumer_;
  std::string last_message_;
};

TEST_F(ConsumerE2eTest, NewRecordsWakeALongPoll) {
  open({.max_wait = milliseconds(60'000)});
  assign(StartAt::end());
  while (broker_.fetch_requests() == 0) std::this_thread::yield();
  broker_.append("orders", 0, {"a"});
  EXPECT_THAT(read(1), ElementsAre("a"));
}

TEST_F(ConsumerE2eTest, ReadingBeginsWhereItWasToldTo) {
  open();
  broker_.append("orders", 0, {"a", "b", "c"});
  broker_.append_control("orders", 0);
  broker_.append("orders", 0, {"d"});
  assign(StartAt::beginning());
  EXPECT_THAT(read(4), ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(consumer_->position("orders", PartitionId(0))->value(), 5);
  ASSERT_TRUE(consumer_->seek("orders", PartitionId(0), StartAt::offset(Offset(1))));
  EXPECT_THAT(read(3), ElementsAre("b", "c", "d")) << "from the middle of a batch";
  ASSERT_TRUE(consumer_->seek("orders", PartitionId(0), StartAt::end()));
  broker_.append("orders", 0, {"e"});
  EXPECT_THAT(read(1), ElementsAre("e"));
  ASSERT_TRUE(consumer_->seek("orders", PartitionId(0), StartAt::time(Timestamp(5))));
  EXPECT_EQ(consumer_->position("orders", PartitionId(0))->value(), 6);
}

TEST_F(ConsumerE2eTest, AnEmptyPartitionIsAtItsEnd) {
  open({.max_wait = milliseconds(1)});
  assign(StartAt::beginning());
  while (!consumer_->at_end()) ASSERT_TRUE(consumer_->poll(milliseconds(1)));
  EXPECT_EQ(consumer_->position("orders", PartitionId(0))->value(), 0);
}

TEST_F(ConsumerE2eTest, BitsThatFlipOnTheWayAreNeverSeen) {
  open();
  broker_.append("orders", 0, {"a"});
  broker_.append("orders", 0, {"b"});
  broker_.on_fetch({FetchFault::kFlipRecordBit, FetchFault::kFlipHeaderBit});
  assign(StartAt::beginning());
  EXPECT_THAT(read(2), ElementsAre("a", "b"));
}

TEST_F(ConsumerE2eTest, BitsThatStayFlippedAreAnErrorOnceAndOtherPartitionsGoOn) {
  open({.max_wait = milliseconds(1)});
  broker_.append("orders", 0, {"a"});
  broker_.on_fetch(std::vector(10, FetchFault::kFlipRecordBit));
  assign(StartAt::beginning());
  EXPECT_THAT(read(1), ElementsAre("BadChecksum"));
  EXPECT_THAT(last_message_, HasSubstr("orders/0"));
  EXPECT_THAT(last_message_, HasSubstr("offset 0"));
  EXPECT_THAT(*consumer_->poll(milliseconds(5)), IsEmpty()) << "it is told once";
  broker_.on_fetch({});
  ASSERT_TRUE(consumer_->seek("orders", PartitionId(0), StartAt::beginning()));
  EXPECT_THAT(read(1), ElementsAre("a"));
}

TEST_F(ConsumerE2eTest, ALostConnectionIsRetriedAndSaidInTheStatistics) {
  open();
  broker_.append("orders", 0, {"a"});
  broker_.on_fetch({FetchFault::kCut, FetchFault::kRefuse});
  assign(StartAt::beginning());
  EXPECT_THAT(read(1), ElementsAre("a"));

  broker_.kill();
  while (!consumer_->stats().last_error) ASSERT_TRUE(consumer_->poll(milliseconds(1)));
  broker_.revive();
  broker_.append("orders", 0, {"b"});
  EXPECT_THAT(read(1), ElementsAre("b"));
  EXPECT_FALSE(consumer_->stats().last_error) << "it is well again";
}

TEST_F(ConsumerE2eTest, ANewTermOfTheLeaderIsFoundByMetadata) {
  open();
  broker_.append("orders", 0, {"a"});
  assign(StartAt::beginning());
  EXPECT_THAT(read(1), ElementsAre("a"));
  broker_.elect("orders");
  broker_.append("orders", 0, {"b"});
  EXPECT_THAT(read(1), ElementsAre("b"));
}

TEST_F(ConsumerE2eTest, APositionThatIsGoneIsAnErrorThatNamesIt) {
  open();
  broker_.append("orders", 0, {"a", "b"});
  broker_.append("orders", 1, {"x"});
  broker_.set_log_start("orders", 0, 1);
  ASSERT_TRUE(consumer_->assign({{"orders", PartitionId(0), StartAt::offset(Offset(0))},
                                 {"orders", PartitionId(1), StartAt::beginning()}}));
  EXPECT_THAT(read(2), testing::UnorderedElementsAre("OffsetOutOfRange", "x"));
  EXPECT_THAT(last_message_, HasSubstr("position 0"));
}

TEST_F(ConsumerE2eTest, APositionThatIsGoneCanMeanTheBeginningOrTheEnd) {
  for (const OnOutOfRange policy : {OnOutOfRange::kBeginning, OnOutOfRange::kEnd}) {
    open({.on_out_of_range = policy});
    if (policy == OnOutOfRange::kBeginning) {
      broker_.append("orders", 0, {"a", "b", "c"});
      broker_.set_log_start("orders", 0, 2);
    }
    assign(StartAt::offset(Offset(1'000)));
    if (policy == OnOutOfRange::kBeginning) {
      EXPECT_THAT(read(1), ElementsAre("c"));
    } else {
      while (consumer_->position("orders", PartitionId(0))->value() != 3) {
        ASSERT_TRUE(consumer_->poll(milliseconds(1)));
      }
      broker_.append("orders", 0, {"d"});
      EXPECT_THAT(read(1), ElementsAre("d"));
    }
    consumer_.reset();
    client_.reset();
  }
}

TEST_F(ConsumerE2eTest, ADeletedTopicIsAnError) {
  open({.max_wait = milliseconds(1)});
  assign(StartAt::beginning());
  broker_.delete_topic("orders");
  EXPECT_THAT(read(1), ElementsAre("UnknownTopic"));
}

TEST_F(ConsumerE2eTest, PausedPartitionsWaitWithWhatTheyHave) {
  open();
  broker_.append("orders", 0, {"a"});
  broker_.append("orders", 1, {"x"});
  ASSERT_TRUE(consumer_->assign({{"orders", PartitionId(0), StartAt::beginning()},
                                 {"orders", PartitionId(1), StartAt::beginning()}}));
  ASSERT_TRUE(consumer_->pause("orders", PartitionId(0)));
  EXPECT_THAT(read(1), ElementsAre("x"));
  broker_.append("orders", 0, {"b"});
  broker_.append("orders", 1, {"y"});
  EXPECT_THAT(read(1), ElementsAre("y"));
  ASSERT_TRUE(consumer_->resume("orders", PartitionId(0)));
  EXPECT_THAT(read(2), ElementsAre("a", "b"));
  EXPECT_EQ(consumer_->pause("orders", PartitionId(7)).error().code(), Errc::kInvalidArgument);
}

TEST_F(ConsumerE2eTest, PrefetchStopsAtTheMemoryLimitAndGoesOnWhenSomethingIsTaken) {
  open({.memory_limit_bytes = 1U << 20,
        .fetch_bytes = 256U << 10,
        .partition_fetch_bytes = 128U << 10});
  const std::string value(10'000, 'x');
  for (int i = 0; i < 500; ++i) {
    for (int partition = 0; partition < 2; ++partition) {
      broker_.append("orders", partition, {std::to_string(i) + value});
    }
  }
  ASSERT_TRUE(consumer_->assign({{"orders", PartitionId(0), StartAt::beginning()},
                                 {"orders", PartitionId(1), StartAt::beginning()}}));
  // It fills up to where another fetch would not fit, and stays there.
  while (consumer_->stats().prefetched_bytes < (1U << 20) - (256U << 10)) {
    std::this_thread::yield();
  }
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT_LE(consumer_->stats().prefetched_bytes, 1U << 20);
  const auto all = read(1'000);
  EXPECT_EQ(all.size(), 1'000U);
  EXPECT_EQ(consumer_->stats().records, 1'000U);
}

TEST_F(ConsumerE2eTest, APausedPartitionDoesNotStarveTheOthers) {
  open({.memory_limit_bytes = 100'000, .fetch_bytes = 80'000});
  const std::string value(10'000, 'x');
  for (int i = 0; i < 50; ++i) broker_.append("orders", 0, {std::to_string(i) + value});
  assign(StartAt::beginning());
  while (consumer_->stats().prefetched_bytes < 50'000) std::this_thread::yield();
  ASSERT_TRUE(consumer_->pause("orders", PartitionId(0)));

  // The same consumer cannot add partitions without assigning anew, so both are assigned; the first
  // one fills the memory and is paused before anything was taken.
  for (int i = 0; i < 50; ++i) broker_.append("orders", 1, {"y" + value});
  ASSERT_TRUE(consumer_->assign({{"orders", PartitionId(0), StartAt::beginning()},
                                 {"orders", PartitionId(1), StartAt::beginning()}}));
  while (consumer_->stats().prefetched_bytes < 50'000) std::this_thread::yield();
  ASSERT_TRUE(consumer_->pause("orders", PartitionId(0)));
  const auto others = read(50);
  for (const std::string& other : others) EXPECT_EQ(other.front(), 'y');
  ASSERT_TRUE(consumer_->resume("orders", PartitionId(0)));
  const auto rest = read(50);
  for (std::size_t i = 0; i < rest.size(); ++i) EXPECT_EQ(rest[i], std::to_string(i) + value);
}

TEST_F(ConsumerE2eTest, ABatchLargerThanEveryLimitIsReadAllTheSame) {
  open({.memory_limit_bytes = 1'000, .fetch_bytes = 100, .partition_fetch_bytes = 10});
  const std::string value(200'000, 'x');
  broker_.append("orders", 0, {value, "a"});
  broker_.append("orders", 0, {"b"});
  assign(StartAt::beginning());
  EXPECT_THAT(read(3), ElementsAre(value, "a", "b"));
}

TEST_F(ConsumerE2eTest, AssignmentsAreChecked) {
  open();
  EXPECT_EQ(consumer_->assign({{"nowhere", PartitionId(0), StartAt::end()}}).error().code(),
            Errc::kUnknownTopic);
  EXPECT_EQ(consumer_->assign({{"orders", PartitionId(9), StartAt::end()}}).error().code(),
            Errc::kUnknownPartition);
  EXPECT_EQ(
      consumer_->assign({{"orders", PartitionId(0), StartAt::offset(Offset(-1))}}).error().code(),
      Errc::kInvalidArgument);
  EXPECT_EQ(consumer_
                ->assign({{"orders", PartitionId(0), StartAt::end()},
                          {"orders", PartitionId(0), StartAt::end()}})
                .error()
                .code(),
            Errc::kInvalidArgument);
  EXPECT_EQ(Consumer::open(*client_, {.fetch_bytes = 0}).error().code(), Errc::kInvalidArgument);
}

TEST_F(ConsumerE2eTest, CloseEndsALongPollAndWhatIsTakenStays) {
  open({.max_wait = milliseconds(60'000)});
  broker_.append("orders", 0, {"a"});
  assign(StartAt::beginning());
  auto chunks = consumer_->poll(kLong);
  ASSERT_TRUE(chunks && chunks->size() == 1);
  ASSERT_TRUE(consumer_->close());
  EXPECT_EQ(consumer_->poll(milliseconds(1)).error().code(), Errc::kShuttingDown);
  consumer_.reset();
  client_.reset();
  EXPECT_EQ(as_text(*(*chunks->front().next())->value), "a") << "chunks own their bytes";
}

}  // namespace
}  // namespace penstock::client
