// Stories of one partition: what is acknowledged when, what is read, and what a failing disk does.
#include <algorithm>

#include "broker/partition/limits.h"
#include "tests/broker/partition/partition_scene.h"

namespace penstock::broker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(PartitionTest, NothingIsAcknowledgedBeforeItsFlush) {
  produce("a");
  run_shard();
  EXPECT_THAT(events_, ElementsAre());
  EXPECT_EQ(partition_->high_watermark(), Offset(0));
  EXPECT_EQ(partition_->log_end(), Offset(1));
  flush_disk();
  EXPECT_THAT(events_, ElementsAre("a acked"));
  EXPECT_EQ(partition_->high_watermark(), Offset(1));
}

TEST_F(PartitionTest, WhatComesDuringAFlushSharesTheNextOne) {
  produce("a");  // its flush begins at once
  produce("b");
  produce("c");
  drain(flush_pool_);
  produce("d");  // the flush of a is over on the disk, but the shard has not heard of it
  run_shard();
  EXPECT_THAT(events_, ElementsAre("a acked"));
  flush_disk();
  EXPECT_THAT(events_, ElementsAre("a acked", "b acked", "c acked", "d acked"));
  EXPECT_EQ(observer_.flushes, 2);
}

TEST_F(PartitionTest, PartitionsTakeTurnsOnTheDisk) {
  const auto other = open("/other", PartitionId(4));
  produce("a");
  Bytes batch = batch_of("x");
  ASSERT_TRUE(other->append(batch));
  produce("b");
  flush_disk();  // one place on the disk: a alone
  EXPECT_THAT(events_, ElementsAre("a acked"));
  EXPECT_EQ(other->high_watermark(), Offset(0));
  flush_disk();
  EXPECT_EQ(other->high_watermark(), Offset(1)) << "the other one was in line before b";
  EXPECT_THAT(events_, ElementsAre("a acked"));
  flush_disk();
  EXPECT_THAT(events_, ElementsAre("a acked", "b acked"));
}

TEST_F(PartitionTest, OffsetsFollowTheOrderOfTheCallsAndCarryTheEpoch) {
  for (std::int64_t i = 0; i < 5; ++i) EXPECT_EQ(append("x")->base_offset, Offset(i));
  settle();
  const auto read = partition_->read_cached(Offset(0), 1 << 20).value();
  const auto batch = record::BatchView::parse(read.batches.view()).value();
  EXPECT_EQ(batch.leader_epoch(), Term(7));
  EXPECT_EQ(observer_.records_appended, 5);
}

TEST_F(PartitionTest, ConsumersSeeOnlyWhatIsDurable) {
  produce("a");
  EXPECT_TRUE(partition_->read_cached(Offset(0), 1'000)->batches.empty());
  flush_disk();
  EXPECT_FALSE(partition_->read_cached(Offset(0), 1'000)->batches.empty());
  EXPECT_EQ(partition_->read_cached(Offset(2), 1'000).error().code(), Errc::kOffsetOutOfRange);
}

class Watcher final : public HighWatermarkWatcher {
 public:
  void high_watermark_moved() override { ++woken; }
  int woken = 0;
};

TEST_F(PartitionTest, AWatcherIsWokenOnceWhenTheHighWatermarkMoves) {
  Watcher watcher;
  partition_->watch(watcher);
  produce("a");
  run_shard();
  EXPECT_EQ(watcher.woken, 0) << "an append alone moves nothing that it could read";
  flush_disk();
  EXPECT_EQ(watcher.woken, 1);
  produce("b");
  flush_disk();
  EXPECT_EQ(watcher.woken, 1) << "it did not watch again";
  partition_->watch(watcher);
  produce("c");
  flush_disk();
  EXPECT_EQ(watcher.woken, 2);
}

TEST_F(PartitionTest, AWatcherMayGoWhileItWatches) {
  {
    Watcher watcher;
    partition_->watch(watcher);
  }
  produce("a");
  flush_disk();
  EXPECT_THAT(events_, ElementsAre("a acked"));
}

TEST_F(PartitionTest, AFailedFlushIsFatalAndAcknowledgesNothing) {
  produce("a");
  env_.plan_fault({.fault = fakes::Fault::kIoError, .at_call = 0, .calls = fakes::kSync});
  flush_disk();
  ASSERT_EQ(fatal_.size(), 1U);
  EXPECT_THAT(fatal_[0], HasSubstr("orders/3"));
  EXPECT_THAT(events_, ElementsAre(HasSubstr("a FsyncFailed")));
  EXPECT_EQ(partition_->high_watermark(), Offset(0));
  EXPECT_EQ(append("b").error().code(), Errc::kFsyncFailed) << "never again";
}

TEST_F(PartitionTest, ASyncThatFailsWhileRecordsAreDeletedIsFatalAndNobodyWaitsForEver) {
  produce("a");
  flush_disk();
  produce("b");  // its flush is not over when the log is fenced
  env_.plan_fault({.fault = fakes::Fault::kIoError, .at_call = 0, .calls = fakes::kSync});
  EXPECT_EQ(partition_->delete_records(Offset(1)).error().code(), Errc::kFsyncFailed);
  EXPECT_THAT(fatal_, ElementsAre(HasSubstr("delete records of orders/3")));
  EXPECT_THAT(events_, ElementsAre("a acked", HasSubstr("b FsyncFailed")));
}

TEST_F(PartitionTest, ASyncThatFailsInTheFirstAppendIsFatal) {
  env_.plan_fault({.fault = fakes::Fault::kIoError, .at_call = 0, .calls = fakes::kSyncDir});
  EXPECT_EQ(append("a").error().code(), Errc::kFsyncFailed);
  EXPECT_THAT(fatal_, ElementsAre(HasSubstr("append to orders/3")));
}

TEST_F(PartitionTest, ASyncThatFailsInRetentionIsFatal) {
  rules_.log.retention_ms = 1'000;
  partition_->set_rules(rules_);
  produce("a");
  flush_disk();
  settle();
  clock_.advance_ms(1'000'000'000);
  env_.plan_fault(
      {.fault = fakes::Fault::kIoError, .at_call = 0, .calls = fakes::kSync | fakes::kSyncDir});
  partition_->apply_retention();
  EXPECT_THAT(fatal_, ElementsAre(HasSubstr("retention of orders/3")));
}

TEST_F(PartitionTest, AFailureThatLeavesTheLogWholeEndsNothing) {
  rules_.log.segment_ms = 1;
  partition_->set_rules(rules_);
  produce("a");
  flush_disk();
  settle();
  clock_.advance_ms(10'000);
  // The next segment cannot be opened, for want of descriptors perhaps.
  env_.plan_fault({.fault = fakes::Fault::kIoError, .at_call = 0, .calls = fakes::kOpen});
  EXPECT_FALSE(append("b"));
  EXPECT_TRUE(env_.fault_happened());
  EXPECT_THAT(fatal_, ElementsAre());
  produce("c");
  settle();
  EXPECT_THAT(events_, ElementsAre("a acked", "c acked"));
}

TEST_F(PartitionTest, AFullDiskRefusesProducersAloneAndRecovers) {
  produce("a");
  flush_disk();
  settle();
  env_.set_capacity(env_.used_bytes());
  const std::string large(200'000, 'x');
  const auto refused = append(large);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kDiskFull);
  EXPECT_TRUE(refused.error().retriable());
  EXPECT_FALSE(partition_->read_cached(Offset(0), 1'000)->batches.empty());
  EXPECT_EQ(partition_->delete_records(Offset(1)).value(), Offset(1));
  env_.set_capacity(std::nullopt);
  EXPECT_EQ(append(large)->base_offset, Offset(1));
  EXPECT_THAT(fatal_, ElementsAre());
}

TEST_F(PartitionTest, ColdReadsWaitOnThePoolAndNotOnTheShard) {
  produce("a");
  flush_disk();
  settle();
  env_.set_cold(true);
  EXPECT_EQ(partition_->read_cached(Offset(0), 1'000).error().code(), Errc::kWouldBlock);
  begin(partition_->read(Offset(0), 1'000));
  run_shard();
  EXPECT_FALSE(result_.has_value());
  drain(background_);
  run_shard();
  const auto& read = std::any_cast<const Result<storage::ReadResult>&>(result_);
  ASSERT_TRUE(read) << read.error().to_string();
  EXPECT_EQ(read->batch_count, 1U);
  EXPECT_EQ(observer_.cold_reads, 1);
}

TEST_F(PartitionTest, RetiringAnswersWhoWaitsAndLetsTheDiskFinish) {
  Watcher watcher;
  partition_->watch(watcher);
  produce("a");
  begin(std::invoke(
      [](Partition& p) -> Task<int> {
        co_await p.retire();
        co_return 1;
      },
      *partition_));
  run_shard();
  EXPECT_THAT(events_, ElementsAre(HasSubstr("a UnknownTopic")));
  EXPECT_EQ(watcher.woken, 1);
  EXPECT_FALSE(result_.has_value()) << "a flush is still under way in the folder";
  flush_disk();
  EXPECT_TRUE(result_.has_value());
  EXPECT_EQ(append("b").error().code(), Errc::kUnknownTopic);
  EXPECT_EQ(partition_->read_cached(Offset(0), 1'000).error().code(), Errc::kUnknownTopic);
}

TEST_F(PartitionTest, ClosedCleanlyItOpensWithoutAScan) {
  produce("a");
  begin(partition_->close());
  settle();
  EXPECT_TRUE(std::any_cast<const Status&>(result_));
  partition_.reset();
  Rng rng(1);
  env_.crash(fakes::Survives::kNothingUnsynced, rng);
  auto opened =
      storage::Log::open(env_, clock_, "/orders", {{{}, PartitionId(3)}}, rules_.log).value();
  EXPECT_TRUE(opened.report.clean_shutdown);
  EXPECT_EQ(opened.log->log_end(), Offset(1));
}

TEST_F(PartitionTest, WhatWasAcknowledgedSurvivesAPowerCut) {
  produce("a");
  flush_disk();
  produce("b");  // not flushed
  partition_.reset();
  Rng rng(2);
  env_.crash(fakes::Survives::kNothingUnsynced, rng);
  auto opened =
      storage::Log::open(env_, clock_, "/orders", {{{}, PartitionId(3)}}, rules_.log).value();
  EXPECT_EQ(opened.log->log_end(), Offset(1));
}

TEST_F(PartitionTest, AnOnlyVoterWaitsForNothingWhenItIsIdle) {
  produce("a");
  settle();
  EXPECT_EQ(partition_->replica().next_deadline_ms(), std::numeric_limits<std::int64_t>::max());
  clock_.advance_ms(3'600'000);
  ticks_.run_due();
  EXPECT_TRUE(partition_->is_settled()) << "no clock makes it work";
  EXPECT_EQ(partition_->epoch(), Term(7));
}

TEST_F(PartitionTest, ALogThatABrokerWroteAloneGoesOnWhereItWas) {
  {
    auto old = storage::Log::open(env_, clock_, "/old", {{{}, PartitionId(9)}}, rules_.log).value();
    Bytes batch = batch_of("before");
    ASSERT_TRUE(old.log->append(batch, Term(5)));
    ASSERT_TRUE(old.log->close());
  }
  const auto partition = open("/old", PartitionId(9));
  EXPECT_EQ(partition->high_watermark(), Offset(1));
  EXPECT_EQ(partition->epoch(), Term(7)) << "above the log's, and above the floor";
  Bytes batch = batch_of("after");
  EXPECT_EQ(partition->append(batch)->base_offset, Offset(1)) << "no record of consensus between";
}

TEST_F(PartitionTest, DamageTakesNoPartitionOutOfServiceThatNobodyElseHas) {
  produce("damaged");
  produce("whole");
  settle();
  begin(partition_->close());
  settle();
  for (const std::string& path : env_.files("/orders")) {
    if (!path.ends_with(".log")) continue;
    Bytes bytes = *env_.contents(path);
    const auto at = std::ranges::search(bytes, as_bytes("damaged")).begin();
    ASSERT_NE(at, bytes.end());
    *at ^= std::byte{1};
    env_.put(path, bytes);
  }
  for (int restart = 0; restart < 2; ++restart) {
    partition_ =
        open("/orders", PartitionId(3), raft::HardState{partition_->epoch(), raft::NodeId(1)});
    EXPECT_EQ(partition_->read_cached(Offset(0), 1'000).error().code(), Errc::kCorrupt);
    EXPECT_EQ(partition_->health().error().code(), Errc::kPartitionDamaged);
    EXPECT_FALSE(partition_->read_cached(Offset(1), 1'000)->batches.empty());
    const Term before = partition_->epoch();
    produce("after");
    clock_.advance_ms(10'000);
    ticks_.run_due();
    settle();
    EXPECT_EQ(events_.back(), "after acked");
    EXPECT_EQ(partition_->epoch(), before);
    begin(partition_->close());
    settle();
  }
}

TEST_F(PartitionTest, AnOnlyVoterDeletesToTheRecord) {
  record::BatchBuilder builder;
  for (int i = 0; i < 4; ++i) builder.append(Timestamp(1'000), std::nullopt, as_bytes("x"));
  Bytes batch = builder.build().value();
  ASSERT_TRUE(partition_->append(batch));
  settle();
  EXPECT_EQ(partition_->delete_records(Offset(3)).value(), Offset(3));
  EXPECT_EQ(partition_->log_start(), Offset(3));
  EXPECT_EQ(partition_->read_cached(Offset(2), 1'000).error().code(), Errc::kOffsetOutOfRange);
}

TEST_F(PartitionTest, RequestsForAnotherEpochAreFenced) {
  EXPECT_TRUE(partition_->check_epoch(Term(-1)));
  EXPECT_TRUE(partition_->check_epoch(Term(7)));
  EXPECT_EQ(partition_->check_epoch(Term(6)).error().code(), Errc::kStaleEpoch);
  EXPECT_EQ(partition_->check_epoch(Term(8)).error().code(), Errc::kStaleEpoch);
}

TEST_F(PartitionTest, RecordsAreDeletedUpToTheHighWatermarkAndNoFurther) {
  produce("a");
  produce("b");
  settle();
  produce("c");  // not durable yet
  EXPECT_EQ(partition_->delete_records(Offset(3)).error().code(), Errc::kOffsetOutOfRange);
  EXPECT_EQ(partition_->delete_records(Offset(-1)).value(), Offset(2)) << "-1: all there is";
  EXPECT_EQ(partition_->delete_records(Offset(1)).value(), Offset(2)) << "deleted already";
}

TEST_F(PartitionTest, NewSettingsHoldForTheNextAppend) {
  rules_.append.max_batch_bytes = 100;
  partition_->set_rules(rules_);
  EXPECT_EQ(append(std::string(200, 'x')).error().code(), Errc::kBatchTooLarge);
}

TEST_F(PartitionTest, TooManyWaitersAreToldToBackOff) {
  Bytes batch = batch_of("x");
  for (std::size_t i = 0; i < kMaxDurabilityWaiters; ++i) {
    partition_->when_committed(Offset(1), Term(7), [](const Status&) {});
  }
  EXPECT_EQ(partition_->append(batch).error().code(), Errc::kOverloaded);
}

}  // namespace
}  // namespace penstock::broker
