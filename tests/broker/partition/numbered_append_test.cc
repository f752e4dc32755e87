// Stories of batches that a producer has numbered: what is appended, and what is answered from the
// log.
#include "tests/broker/partition/partition_scene.h"

namespace penstock::broker {
namespace {

using testing::ElementsAre;

Bytes numbered(std::int32_t sequence, int records = 2, std::int16_t epoch = 0) {
  record::BatchBuilder builder(
      {.producer_id = 7, .producer_epoch = epoch, .base_sequence = sequence});
  for (int i = 0; i < records; ++i) builder.append(Timestamp(1'000), std::nullopt, as_bytes("v"));
  return builder.build().value();
}

Bytes operator+(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

TEST_F(PartitionTest, ARepeatedBatchWaitsForItsFirstCopyAndHasItsPlace) {
  Bytes batch = numbered(0);
  const Appended first = partition_->append(batch).value();
  Bytes again = numbered(0);
  const Appended repeated = partition_->append(again).value();
  EXPECT_EQ(repeated.base_offset, first.base_offset);
  EXPECT_EQ(repeated.last_offset, first.last_offset);
  EXPECT_EQ(partition_->log_end(), first.end()) << "it is in the log once";
  EXPECT_EQ(observer_.repeated_batches, 1U);
  partition_->when_committed(repeated.end(), repeated.term, [this](const Status& status) {
    events_.push_back(status ? "acked" : status.error().to_string());
  });
  EXPECT_THAT(events_, testing::IsEmpty());
  settle();
  EXPECT_THAT(events_, ElementsAre("acked"));
  Bytes late = numbered(0);
  const Appended third = partition_->append(late).value();
  partition_->when_committed(third.end(), third.term, [this](const Status& status) {
    events_.push_back(status ? "at once" : status.error().to_string());
  });
  EXPECT_THAT(events_, ElementsAre("acked", "at once"));
}

TEST_F(PartitionTest, OfAPartThatIsHalfThereTheOtherHalfIsAppended) {
  Bytes batch = numbered(0);
  const Offset first = partition_->append(batch).value().base_offset;
  const Offset other = append("somebody else's").value().base_offset;
  Bytes part = numbered(0) + numbered(2, 3) + numbered(5, 1);
  const Appended done = partition_->append(part).value();
  EXPECT_THAT(done.batches, ElementsAre(first, other + 1, other + 4));
  EXPECT_EQ(done.base_offset, first);
  EXPECT_EQ(done.last_offset, other + 4);
  EXPECT_EQ(done.end(), other + 5);
  EXPECT_EQ(partition_->log_end(), other + 5);
  settle();
  Bytes whole = numbered(2, 3) + numbered(5, 1);
  const Appended repeated = partition_->append(whole).value();
  EXPECT_THAT(repeated.batches, testing::IsEmpty()) << "one range";
  EXPECT_EQ(repeated.base_offset, other + 1);
  EXPECT_EQ(repeated.last_offset, other + 4);
}

TEST_F(PartitionTest, WhatAProducerMustNotWriteIsRefusedWithTheReason) {
  const auto code = [this](Bytes batch) { return partition_->append(batch).error().code(); };
  const Offset before = partition_->log_end();
  EXPECT_EQ(code(numbered(4)), Errc::kUnknownProducer);
  Bytes first = numbered(0, 2, 1);
  ASSERT_TRUE(partition_->append(first));
  EXPECT_EQ(code(numbered(4, 2, 1)), Errc::kOutOfOrderSequence);
  EXPECT_EQ(code(numbered(2, 2, 0)), Errc::kProducerFenced);
  EXPECT_EQ(code(numbered(-1, 2, 0)), Errc::kInvalidBatch);
  EXPECT_EQ(partition_->log_end(), before + 2);
}

TEST_F(PartitionTest, NumbersAreKnownInTheNextLife) {
  Bytes batch = numbered(0);
  const Offset first = partition_->append(batch).value().base_offset;
  settle();
  result_.reset();
  begin(partition_->close());
  settle();
  partition_ = open("/orders", PartitionId(3), raft::HardState{Term(7), raft::NodeId(1)});
  Bytes again = numbered(0);
  EXPECT_EQ(partition_->append(again).value().base_offset, first);
}

}  // namespace
}  // namespace penstock::broker
