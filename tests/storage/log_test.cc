// The everyday life of a log, told as short stories.
#include "storage/log.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/record/batch.h"
#include "storage/checkpoint.h"
#include "tests/storage/expect.h"
#include "tests/storage/log_scene.h"

namespace penstock::storage {
namespace {

using fakes::Survives;

TEST(Log, StartsEmptyInAFreshFolder) {
  LogScene scene;
  ASSERT_OK(scene.open());
  EXPECT_EQ(scene.log->log_start(), Offset(0));
  EXPECT_EQ(scene.log->log_end(), Offset(0));
  EXPECT_FALSE(scene.log->needs_flush());
  EXPECT_FALSE(scene.log->wants_checkpoint());
  const auto read = scene.log->read(Offset(0), 100, ReadUpTo::kDurable);
  ASSERT_OK(read);
  EXPECT_EQ(read->batch_count, 0U);
  EXPECT_EQ(scene.log->read(Offset(1), 100, ReadUpTo::kDurable).error().code(),
            Errc::kOffsetOutOfRange);
  EXPECT_TRUE(scene.files().empty()) << "a log that was never written to costs no file";
}

TEST(Log, AppendAssignsOffsetsAndEpochsAndOnlyAFlushMakesThemDurable) {
  LogScene scene;
  ASSERT_OK(scene.open());
  Bytes batch = make_batch(3, 10, Timestamp(1000));
  const auto info = scene.log->append(batch, Term(7));
  ASSERT_OK(info);
  EXPECT_EQ(info->base_offset, Offset(0));
  EXPECT_EQ(info->last_offset, Offset(2));
  EXPECT_EQ(info->max_timestamp, Timestamp(1002));
  EXPECT_EQ(record::BatchView::parse(batch)->leader_epoch(), Term(7));
  EXPECT_EQ(scene.log->last_epoch(), Term(7));

  EXPECT_EQ(scene.log->log_end(), Offset(3));
  EXPECT_EQ(scene.log->durable_end(), Offset(0));
  EXPECT_EQ(scene.log->read(Offset(0), 1000, ReadUpTo::kDurable)->batch_count, 0U);
  EXPECT_EQ(scene.log->read(Offset(0), 1000, ReadUpTo::kEnd)->batch_count, 1U);

  ASSERT_OK(scene.log->flush());
  EXPECT_EQ(scene.log->durable_end(), Offset(3));
  EXPECT_EQ(scene.log->read(Offset(0), 1000, ReadUpTo::kDurable)->batch_count, 1U);
}

TEST(Log, TakesSeveralBatchesInOneAppendAndNumbersThemOn) {
  LogScene scene;
  ASSERT_OK(scene.open());
  Bytes both = make_batch(2, 10, Timestamp(1));
  const Bytes second = make_batch(3, 10, Timestamp(9), 1);
  both.insert(both.end(), second.begin(), second.end());
  const auto info = scene.log->append(both, Term(0));
  ASSERT_OK(info);
  EXPECT_EQ(info->base_offset, Offset(0));
  EXPECT_EQ(info->last_offset, Offset(4));
  EXPECT_EQ(info->max_timestamp, Timestamp(11));
  EXPECT_EQ(scene.log->read(Offset(3), 1, ReadUpTo::kEnd)->next, Offset(5));
}

TEST(Log, RefusesWhatIsNoBatchAndKeepsItsState) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(1, Term(5)));
  const Offset end = scene.log->log_end();

  Bytes good_then_bad = make_batch(1, 10, Timestamp(1));
  good_then_bad.resize(good_then_bad.size() + 30);
  EXPECT_EQ(scene.log->append(good_then_bad, Term(5)).error().code(), Errc::kInvalidBatch);
  EXPECT_EQ(scene.log->append({}, Term(5)).error().code(), Errc::kInvalidArgument);
  Bytes old_epoch = make_batch(1, 10, Timestamp(1));
  EXPECT_EQ(scene.log->append(old_epoch, Term(4)).error().code(), Errc::kStaleEpoch);

  EXPECT_EQ(scene.log->log_end(), end);
  EXPECT_EQ(scene.check(), "");
}

TEST(Log, AFollowersAppendMustContinueTheLog) {
  LogScene leader;
  ASSERT_OK(leader.open());
  ASSERT_OK(leader.append(20, Term(2)));
  LogScene follower;
  ASSERT_OK(follower.open());
  Offset at;
  while (at < leader.log->log_end()) {
    const auto read = leader.log->read(at, 500, ReadUpTo::kEnd);
    ASSERT_OK(read);
    const auto info = follower.log->append_assigned(read->batches.view());
    ASSERT_OK(info);
    EXPECT_EQ(info->base_offset, at);
    EXPECT_EQ(follower.log->append_assigned(read->batches.view()).error().code(),
              Errc::kInvalidBatch)
        << "the same bytes again do not continue it";
    at = read->next;
  }
  EXPECT_EQ(follower.log->log_end(), leader.log->log_end());
  EXPECT_EQ(*follower.log->digest(at), *leader.log->digest(at));
}

TEST(Log, ReplicasWithDifferentSegmentsHaveTheSameDigest) {
  LogScene leader;
  LogScene follower;
  follower.options.segment_bytes = 1500;
  ASSERT_OK(leader.open());
  ASSERT_OK(follower.open());
  ASSERT_OK(leader.append(60));
  for (const auto& [base, batch] : leader.appended) ASSERT_OK(follower.log->append_assigned(batch));
  ASSERT_NE(follower.log->segments().size(), leader.log->segments().size());
  for (const Offset boundary : leader.boundaries()) {
    EXPECT_EQ(*follower.log->digest(boundary), *leader.log->digest(boundary));
  }
}

TEST(Log, SurvivesAPowerCutUpToTheLastFlush) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(50));
  ASSERT_OK(scene.flush());
  ASSERT_OK(scene.append(5));
  scene.crash(Survives::kNothingUnsynced);
  ASSERT_OK(scene.open());
  EXPECT_EQ(scene.check(), "");
  EXPECT_EQ(scene.log->log_end(), scene.acknowledged);
  EXPECT_FALSE(scene.report.clean_shutdown);
  EXPECT_GT(scene.log->segments().size(), 2U);
}

TEST(Log, AnOrderlyCloseNeedsNoScan) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(50));
  ASSERT_OK(scene.close());
  scene.env->reset_calls();
  ASSERT_OK(scene.open());
  EXPECT_TRUE(scene.report.clean_shutdown);
  EXPECT_EQ(scene.report.scanned_bytes, 0U);
  EXPECT_EQ(scene.env->calls(fakes::kSync | fakes::kWrite | fakes::kTruncate), 0U);
  EXPECT_EQ(scene.check(), "");
  ASSERT_OK(scene.append(10));
  ASSERT_OK(scene.flush());
  scene.crash(Survives::kNothingUnsynced);
  ASSERT_OK(scene.open());
  EXPECT_FALSE(scene.report.clean_shutdown);
  EXPECT_EQ(scene.check(), "");
}

TEST(Log, TheCleanMarkIsTakenBackBeforeTheFirstAppend) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(5));
  ASSERT_OK(scene.close());
  const auto is_clean = [&] {
    return newest_slot(*scene.env->contents(scene.path("checkpoint")))->checkpoint.clean;
  };
  EXPECT_TRUE(is_clean());
  ASSERT_OK(scene.open());
  EXPECT_TRUE(is_clean()) << "opening alone changes nothing";
  ASSERT_OK(scene.append(1));
  scene.crash(Survives::kNothingUnsynced);
  EXPECT_FALSE(is_clean());
}

TEST(Log, AClosedLogTakesNothingMore) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(1));
  ASSERT_OK(scene.log->close());
  ASSERT_OK(scene.log->close());
  EXPECT_EQ(scene.append(1).error().code(), Errc::kShuttingDown);
  EXPECT_EQ(scene.log->truncate_prefix(Offset(1)).error().code(), Errc::kShuttingDown);
}

TEST(Log, ACheckpointBoundsWhatRecoveryReads) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(200));
  ASSERT_OK(scene.flush());
  EXPECT_TRUE(scene.log->wants_checkpoint()) << "a segment was rolled";
  ASSERT_OK(scene.checkpoint());
  EXPECT_FALSE(scene.log->wants_checkpoint());
  ASSERT_OK(scene.append(2));
  ASSERT_OK(scene.flush());
  scene.crash(Survives::kNothingUnsynced);
  ASSERT_OK(scene.open());
  EXPECT_EQ(scene.check(), "");
  EXPECT_LT(scene.report.scanned_bytes, 3000U) << "out of " << scene.log->size_bytes();
  EXPECT_EQ(scene.report.rebuilt_indexes, 0U);
}

TEST(Log, WantsACheckpointWhenItWasDirtyForLongEnoughOrHasGrownEnough) {
  LogScene scene;
  scene.options.segment_bytes = 1 << 20;
  scene.options.checkpoint_bytes = 2000;
  scene.options.checkpoint_interval_ms = 200;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(1));
  EXPECT_FALSE(scene.log->wants_checkpoint()) << "nothing is flushed yet";
  ASSERT_OK(scene.flush());
  EXPECT_FALSE(scene.log->wants_checkpoint());
  scene.clock.advance_ms(200);
  EXPECT_TRUE(scene.log->wants_checkpoint());
  ASSERT_OK(scene.checkpoint());
  EXPECT_FALSE(scene.log->wants_checkpoint());
  ASSERT_OK(scene.append(40));
  ASSERT_OK(scene.flush());
  EXPECT_TRUE(scene.log->wants_checkpoint()) << "more than checkpoint_bytes";
}

TEST(Log, RollsBySizeAndByAge) {
  LogScene scene;
  scene.options.segment_ms = 1000;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(1));
  EXPECT_EQ(scene.log->segments().size(), 1U);
  scene.clock.advance_ms(1001);
  ASSERT_OK(scene.append(1));
  EXPECT_EQ(scene.log->segments().size(), 2U) << "the first one had grown old";
  while (scene.log->segments().size() == 2) ASSERT_OK(scene.append(1));
  const auto segments = scene.log->segments();
  EXPECT_LE(segments[1].bytes, scene.options.segment_bytes);
  EXPECT_EQ(segments[1].end, segments[2].base);
  EXPECT_TRUE(segments[2].active);
  EXPECT_FALSE(segments[1].active);
}

TEST(Log, ABatchLargerThanASegmentGetsOneOfItsOwn) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(2));
  ASSERT_OK(scene.append_bytes(make_batch(1, 20'000, Timestamp(5))));
  ASSERT_OK(scene.append(2));
  EXPECT_EQ(scene.log->segments().size(), 3U);
  EXPECT_EQ(scene.check(), "");
}

TEST(Log, ASealedSegmentsFileIsAsLongAsItsBatches) {
  LogScene scene;
  ASSERT_OK(scene.open());
  while (scene.log->segments().size() < 2) ASSERT_OK(scene.append(1));
  const auto sealed = scene.log->segments().front();
  EXPECT_EQ(scene.env->contents(scene.path("00000000000000000000.log"))->size(), sealed.bytes);
}

TEST(Log, SpaceIsReservedInStepsThatStartSmallAndDouble) {
  LogScene scene;
  scene.options.segment_bytes = 8U << 20;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(1));
  const std::string path = scene.path("00000000000000000000.log");
  EXPECT_EQ(scene.env->contents(path)->size(), 64U << 10);
  scene.env->reset_calls();
  for (int i = 0; i < 400; ++i) {
    ASSERT_OK(scene.append_bytes(make_batch(1, 10'000, Timestamp(1))));
  }
  EXPECT_LE(scene.env->calls(fakes::kAllocate), 8U) << "4 MB in doubling steps";
}

// --- flush and fencing

TEST(Flush, IsOneSyncOfOneFile) {
  LogScene scene;
  scene.options.segment_bytes = 1 << 20;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(1));
  ASSERT_OK(scene.flush());
  ASSERT_OK(scene.append(3));
  scene.env->reset_calls();
  ASSERT_OK(scene.flush());
  EXPECT_EQ(scene.env->calls(fakes::kSync), 1U);
  EXPECT_EQ(scene.env->calls(), 1U);
}

TEST(Flush, AlsoSyncsTheFolderWhenASegmentIsNew) {
  LogScene scene;
  ASSERT_OK(scene.open());
  while (scene.log->segments().size() < 2) ASSERT_OK(scene.append(1));
  scene.env->reset_calls();
  ASSERT_OK(scene.flush());
  EXPECT_EQ(scene.env->calls(fakes::kSync), 2U);
  EXPECT_EQ(scene.env->calls(fakes::kSyncDir), 1U);
}

TEST(Flush, CoversWhatWasAppendedBeforeItBeganAndNothingLater) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(2));
  const Offset end = scene.log->log_end();
  const FlushTicket ticket = scene.log->begin_flush();
  ASSERT_OK(scene.append(2));
  scene.log->complete_flush(ticket, ticket.run());
  EXPECT_EQ(scene.log->durable_end(), end);
  EXPECT_TRUE(scene.log->needs_flush());
}

TEST(Flush, OneThatWasUnderWayDuringACutSaysNothingAboutNewBatches) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(10));
  const FlushTicket ticket = scene.log->begin_flush();
  ASSERT_OK(ticket.run());
  ASSERT_OK(scene.truncate_suffix(Offset(0)));
  ASSERT_OK(scene.append(20));
  scene.log->complete_flush(ticket, {});
  EXPECT_EQ(scene.log->durable_end(), Offset(0));
}

TEST(Flush, AFailedOneFencesTheLogForGood) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(2));
  scene.env->plan_fault({.fault = fakes::Fault::kIoError, .calls = fakes::kSync});
  const FlushTicket ticket = scene.log->begin_flush();
  const Status status = ticket.run();
  EXPECT_EQ(status.error().code(), Errc::kFsyncFailed);
  scene.log->complete_flush(ticket, status);

  EXPECT_TRUE(scene.log->fenced());
  EXPECT_FALSE(scene.log->needs_flush());
  EXPECT_EQ(scene.append(1).error().code(), Errc::kFsyncFailed);
  scene.env->reset_calls();
  EXPECT_EQ(scene.log->flush().error().code(), Errc::kFsyncFailed);
  const FlushTicket again = scene.log->begin_flush();
  ASSERT_OK(again.run());
  scene.log->complete_flush(again, {});
  EXPECT_EQ(scene.env->calls(fakes::kSync), 0U) << "a failed fsync is never tried again";
  EXPECT_EQ(scene.log->durable_end(), Offset(0));
  EXPECT_FALSE(scene.log->close());
}

TEST(Flush, WhatAFailedOneLeftInThePageCacheIsWrittenAgainByTheNextLife) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(2));
  ASSERT_OK(scene.flush());
  ASSERT_OK(scene.append(2));
  scene.env->plan_fault({.fault = fakes::Fault::kIoError, .calls = fakes::kSync});
  EXPECT_FALSE(scene.flush());
  const Offset end = scene.log->log_end();
  scene.close_handle();  // the process ends and starts anew; the machine did not
  scene.env->clear_faults();
  ASSERT_OK(scene.open());
  EXPECT_EQ(scene.log->durable_end(), end) << "it was found, and is promised from now on";
  scene.acknowledged = end;
  scene.crash(Survives::kNothingUnsynced);
  ASSERT_OK(scene.open());
  EXPECT_EQ(scene.check(), "");
}

TEST(Flush, AFailedWriteFencesUnlessItWasAFullDisk) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(2));
  scene.env->plan_fault({.fault = fakes::Fault::kIoError, .calls = fakes::kWrite});
  EXPECT_EQ(scene.append(1).error().code(), Errc::kIoError);
  EXPECT_TRUE(scene.log->fenced());
}

// --- checkpoints under way

TEST(Checkpoint, OneThatIsOvertakenByACutDoesNotComeOutOnTop) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(30));
  ASSERT_OK(scene.flush());
  const CheckpointTicket ticket = scene.log->begin_checkpoint();
  EXPECT_FALSE(scene.log->wants_checkpoint()) << "one at a time";
  const Offset from = scene.boundaries()[5];
  ASSERT_OK(scene.truncate_suffix(from));
  const Status late = ticket.run();  // the disk was slow
  ASSERT_OK(late);
  scene.log->complete_checkpoint(ticket, late);
  scene.crash(Survives::kEverything);
  ASSERT_OK(scene.open());
  EXPECT_TRUE(scene.report.damage.empty());
  EXPECT_EQ(scene.log->log_end(), from);
  EXPECT_EQ(scene.check(), "");
}

}  // namespace
}  // namespace penstock::storage
