// Records become batches: full, due, urgent, deferred, and never more than the memory limit.
#include "client/accumulator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/limits.h"
#include "protocol/record/record.h"

namespace penstock::client {
namespace {

using Admission = Accumulator::Admission;
using testing::ElementsAre;
using testing::HasSubstr;

class AccumulatorTest : public testing::Test {
 protected:
  void open(ProducerConfig config, std::uint32_t partitions = 2) {
    accumulator_.emplace(config, clock_, 0);
    accumulator_->set_topic("orders", partitions);
  }
  Result<Admission> append(std::string_view value, std::optional<int> partition = 0,
                           Ticket ticket = 0, std::string_view topic = "orders") {
    ProducerRecord record{.topic = topic,
                          .partition = {},
                          .key = {},
                          .value = as_bytes(value),
                          .timestamp = {},
                          .headers = {},
                          .tag = ++tag_};
    if (partition) record.partition = PartitionId(*partition);
    return accumulator_->append(record, Timestamp(1'000), ticket);
  }
  // Values of the batches taken, one string a batch: "slot:a,b".
  std::vector<std::string> take(std::set<Slot> sendable = {0, 1},
                                Instant too_old = Instant::min()) {
    std::vector<std::string> texts;
    for (DraftBatch& draft : accumulator_->take(
             now_of(clock_), too_old, [&](Slot slot) { return sendable.contains(slot); })) {
      std::string text = std::to_string(draft.slot) + ":";
      const Bytes bytes = *draft.builder.build();
      auto records = *record::Records::open(*record::BatchView::parse(bytes));
      while (auto record = *records.next()) text += std::string(as_text(*record->value)) + ",";
      texts.push_back(text);
      taken_bytes_ += draft.memory_bytes;
    }
    return texts;
  }

  FakeClock clock_;
  std::optional<Accumulator> accumulator_;
  std::uint64_t tag_ = 0;
  std::size_t taken_bytes_ = 0;
};

TEST_F(AccumulatorTest, ABatchIsDueWhenItHasLingered) {
  open({.linger = milliseconds(5)});
  ASSERT_EQ(*append("a"), Admission::kAccepted);
  clock_.advance_ms(4);
  ASSERT_EQ(*append("b"), Admission::kAccepted);
  EXPECT_THAT(take(), ElementsAre());
  EXPECT_EQ(accumulator_->next_due(), now_of(clock_) + milliseconds(1));
  clock_.advance_ms(1);
  EXPECT_THAT(take(), ElementsAre("0:a,b,"));
  EXPECT_EQ(accumulator_->next_due(), Instant::max());
}

TEST_F(AccumulatorTest, WithoutLingerABatchIsDueAtOnce) {
  open({.linger = milliseconds(0)});
  ASSERT_TRUE(append("a"));
  EXPECT_LE(accumulator_->next_due(), now_of(clock_));
  EXPECT_THAT(take(), ElementsAre("0:a,"));
}

TEST_F(AccumulatorTest, AFullBatchIsClosedAndDueWhateverTheLinger) {
  open({.batch_bytes = 200, .linger = milliseconds(1'000)});
  const std::string value(60, 'x');
  ASSERT_TRUE(append(value));
  ASSERT_TRUE(append("b"));
  EXPECT_THAT(take(), ElementsAre());
  ASSERT_TRUE(append(value)) << "does not fit beside the others: they go";
  EXPECT_EQ(accumulator_->next_due(), Instant::min());
  EXPECT_THAT(take(), ElementsAre("0:" + value + ",b,"));
}

TEST_F(AccumulatorTest, ARecordLargerThanABatchTravelsAlone) {
  open({.batch_bytes = 100, .linger = milliseconds(1'000)});
  const std::string value(500, 'x');
  ASSERT_TRUE(append("a"));
  ASSERT_TRUE(append(value));
  EXPECT_THAT(take(), ElementsAre("0:a,", "0:" + value + ","));
}

TEST_F(AccumulatorTest, WhatCannotBeSentGoesOnCollectingUntilItsTimeIsOver) {
  open({.linger = milliseconds(1), .delivery_timeout = milliseconds(500)});
  const Instant opened = now_of(clock_);
  ASSERT_TRUE(append("a"));
  clock_.advance_ms(10);
  EXPECT_THAT(take({}), ElementsAre());
  const Instant end = opened + milliseconds(500);
  EXPECT_EQ(accumulator_->next_due(), end) << "asking again now would be of no use";
  ASSERT_TRUE(append("b"));
  EXPECT_EQ(accumulator_->next_due(), end) << "nor does another record change that";
  EXPECT_THAT(take({0}), ElementsAre("0:a,b,"));
}

TEST_F(AccumulatorTest, ADeferredBatchThatIsTooOldIsTakenToFail) {
  open({.linger = milliseconds(1)});
  ASSERT_TRUE(append("a"));
  clock_.advance_ms(1'000);
  EXPECT_THAT(take({}, now_of(clock_)), ElementsAre("0:a,"));
}

TEST_F(AccumulatorTest, ARecordSomebodyWaitsForDoesNotLinger) {
  open({.linger = milliseconds(1'000)});
  ASSERT_TRUE(append("a"));
  EXPECT_THAT(take(), ElementsAre());
  ASSERT_TRUE(append("b", 0, /*ticket=*/7));
  EXPECT_LE(accumulator_->next_due(), now_of(clock_));
  EXPECT_THAT(take(), ElementsAre("0:a,b,"));
  ASSERT_TRUE(append("c"));
  EXPECT_THAT(take(), ElementsAre()) << "the next batch is in no hurry";
}

TEST_F(AccumulatorTest, ClosingAllMakesEverythingDue) {
  open({.linger = milliseconds(1'000)});
  ASSERT_TRUE(append("a", 0));
  ASSERT_TRUE(append("b", 1));
  accumulator_->close_all();
  EXPECT_EQ(accumulator_->open_batches(), 0U);
  EXPECT_THAT(take({}), ElementsAre("0:a,", "1:b,")) << "sendable or not";
}

TEST_F(AccumulatorTest, KeylessRecordsFillOnePartitionAtATime) {
  open({.linger = milliseconds(0)}, 3);
  std::vector<std::string> all;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(append("a", std::nullopt));
    ASSERT_TRUE(append("b", std::nullopt));
    for (const std::string& text : take({0, 1, 2})) all.push_back(text);
  }
  EXPECT_THAT(all, ElementsAre("0:a,b,", "1:a,b,", "2:a,b,"));
}

TEST_F(AccumulatorTest, KeyedRecordsGoWhereTheirHashSays) {
  open({.linger = milliseconds(0)}, 4);
  const ProducerRecord record{
      .topic = "orders", .partition = {}, .key = as_bytes("foobar"), .value = {}, .timestamp = {}};
  ASSERT_TRUE(accumulator_->append(record, Timestamp(1), 0));
  const auto drafts = accumulator_->take(now_of(clock_), Instant::min(), [](Slot) { return true; });
  ASSERT_EQ(drafts.size(), 1U);
  EXPECT_EQ(accumulator_->partition_of(drafts[0].slot), partition_of_key(as_bytes("foobar"), 4));
}

TEST_F(AccumulatorTest, MemoryIsTakenByRecordsAndGivenBackByTheirOutcome) {
  open({.linger = milliseconds(0), .memory_limit_bytes = 3'000});
  const std::string value(1'000, 'x');
  ASSERT_EQ(*append(value), Admission::kAccepted);
  ASSERT_EQ(*append(value), Admission::kAccepted);
  ASSERT_EQ(*append(value), Admission::kMemoryFull);
  EXPECT_LE(accumulator_->memory_bytes(), 3'000U);
  take();
  ASSERT_EQ(*append(value), Admission::kMemoryFull) << "sent is not answered";
  accumulator_->release(taken_bytes_);
  EXPECT_EQ(accumulator_->memory_bytes(), 0U);
  EXPECT_EQ(*append(value), Admission::kAccepted);
}

TEST_F(AccumulatorTest, RefusalsNameTheLimit) {
  open({.max_record_bytes = 1'000});
  const auto too_large = append(std::string(1'000, 'x'));
  ASSERT_FALSE(too_large);
  EXPECT_EQ(too_large.error().code(), Errc::kRecordTooLarge);
  EXPECT_THAT(too_large.error().message(), HasSubstr("1000"));

  const auto nowhere = append("a", 2);
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code(), Errc::kUnknownPartition);
  EXPECT_THAT(nowhere.error().message(), HasSubstr("partitions 0 to 1, not 2"));
  EXPECT_EQ(append("a", -1).error().code(), Errc::kUnknownPartition);
  EXPECT_EQ(accumulator_->memory_bytes(), 0U) << "what was refused is not held";
}

TEST_F(AccumulatorTest, ARecordThatCouldNeverFitIntoMemoryIsRefusedNotWaitedFor) {
  open({.memory_limit_bytes = 500});
  EXPECT_EQ(append(std::string(600, 'x')).error().code(), Errc::kRecordTooLarge);
}

TEST_F(AccumulatorTest, TopicsAreLookedUpOnceAndAgainWhenForgotten) {
  open({});
  EXPECT_EQ(*append("a", 0, 0, "elsewhere"), Admission::kTopicNotKnown);
  EXPECT_EQ(*append("a"), Admission::kAccepted);
  accumulator_->forget_topic("orders");
  EXPECT_EQ(*append("a"), Admission::kTopicNotKnown);
  EXPECT_THAT(accumulator_->set_topic("orders", 3), ElementsAre(0, 1, 2)) << "slots stay";
  EXPECT_EQ(*append("a", 2), Admission::kAccepted);
}

TEST_F(AccumulatorTest, ATopicThatWasCreatedAgainWithFewerPartitionsTakesNothingForTheOthers) {
  open({.linger = milliseconds(1'000)}, 3);
  ASSERT_TRUE(append("a", 0));
  ASSERT_TRUE(append("b", 2));
  EXPECT_THAT(accumulator_->set_topic("orders", 1), ElementsAre(0));
  EXPECT_THAT(take(), ElementsAre("2:b,")) << "to be failed by whoever takes it";
  EXPECT_EQ(append("c", 2).error().code(), Errc::kUnknownPartition);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(*append("d", std::nullopt), Admission::kAccepted);
  EXPECT_THAT(accumulator_->set_topic("orders", 2), ElementsAre(0, 3)) << "slots are not reused";
}

TEST_F(AccumulatorTest, WhoWaitsForMemoryDoesNotWaitForTheLinger) {
  open({.linger = milliseconds(60'000)});
  ASSERT_TRUE(append("a", 0));
  EXPECT_THAT(take(), ElementsAre());
  accumulator_->hurry();
  EXPECT_LE(accumulator_->next_due(), now_of(clock_));
  EXPECT_THAT(take(), ElementsAre("0:a,"));
}

TEST_F(AccumulatorTest, BatchesOfAPartitionLeaveInTheOrderOfTheirRecords) {
  open({.batch_bytes = 80, .linger = milliseconds(0)});
  std::string wanted;
  std::string got;
  for (int i = 0; i < 200; ++i) {
    const std::string value = std::to_string(i);
    ASSERT_TRUE(append(value));
    wanted += value + ",";
    if (i % 17 == 0) {
      for (const std::string& text : take({})) got += text.substr(2);
    }
  }
  for (const std::string& text : take()) got += text.substr(2);
  EXPECT_EQ(got, wanted);
}

}  // namespace
}  // namespace penstock::client
