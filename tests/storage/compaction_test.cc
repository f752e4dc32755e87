// Key compaction of a log, as stories.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "protocol/record/sparse_batch.h"
#include "tests/storage/compaction_fixture.h"

namespace penstock::storage {
namespace {

using fakes::Call;

TEST_F(CompactionTest, LeavesTheLastValueOfEachKey) {
  add({put("a", "1"), put("b", "1")});
  add({put("a", "2"), put("c", "1")});
  add({put("b", "2")});
  settle();
  ASSERT_EQ(*scene.compact(), CompactionProgress::kDone);
  const std::string expected =
      "[0..1] e1\n"
      "[2..3] e1 2:a=2 3:c=1\n"
      "[4..4] e1 4:b=2\n";
  EXPECT_EQ(scene.shown(), expected);
  EXPECT_EQ(scene.check(), "");
  EXPECT_EQ(scene.log->compaction().clean_end, Offset(5));
  EXPECT_FALSE(has_files_beside());
  reopen();
  EXPECT_EQ(scene.shown(), expected);
  EXPECT_EQ(scene.log->compaction().clean_end, Offset(5));
}

TEST_F(CompactionTest, SmallSegmentsBecomeOne) {
  for (int i = 0; i < 10; ++i) add({put("a", large())});
  settle();
  EXPECT_EQ(scene.log->segments().size(), 11U);
  ASSERT_EQ(*scene.compact(), CompactionProgress::kDone);
  scene.options.segment_bytes = 2000;
  scene.log->set_options(scene.options);
  add({put("b", "1")});
  settle();
  ASSERT_EQ(*scene.compact(), CompactionProgress::kDone);
  EXPECT_EQ(scene.log->segments().size(), 2U) << "one that is compacted, and the active one";
  EXPECT_EQ(scene.check(), "");
  reopen();
  EXPECT_EQ(scene.shown(), "[0..8] e1\n[9..9] e1 9:a=" + large() + "\n[10..10] e1 10:b=1\n");
}

TEST_F(CompactionTest, WithoutAnythingNewThereIsNothingToDo) {
  add({put("a", "1")});
  settle();
  ASSERT_EQ(*scene.compact(), CompactionProgress::kDone);
  const auto next = scene.log->begin_compaction(scene.request());
  ASSERT_OK(next);
  EXPECT_FALSE(*next);
}

TEST_F(CompactionTest, ASegmentInWhichNothingChangesIsNotWritten) {
  add({put("a", large())});
  add({put("b", large())});
  settle();
  scene.env->reset_calls();
  ASSERT_EQ(*scene.compact(), CompactionProgress::kDone);
  EXPECT_EQ(scene.env->calls(Call::kRename | Call::kWrite), 0U);
  EXPECT_EQ(scene.log->compaction().rewritten_end, Offset(0));
  EXPECT_EQ(scene.log->compaction().clean_end, Offset(2));
}

TEST_F(CompactionTest, NothingAtOrBehindTheLimitIsTouched) {
  add({put("a", large())});
  add({put("a", large())});
  add({put("a", large())});
  settle();
  CompactionRequest request = scene.request();
  request.limit = Offset(2);
  ASSERT_EQ(*scene.compact(request), CompactionProgress::kDone);
  EXPECT_EQ(scene.log->compaction().clean_end, Offset(2));
  EXPECT_EQ(scene.shown(),
            "[0..0] e1\n[1..1] e1 1:a=" + large() + "\n[2..2] e1 2:a=" + large() + "\n");
}

TEST_F(CompactionTest, TheActiveSegmentIsLeftAloneUntilItIsSealed) {
  add({put("a", "1"), put("a", "2")});
  ASSERT_OK(scene.flush());
  ASSERT_OK(scene.checkpoint());
  EXPECT_FALSE(*scene.log->begin_compaction(scene.request()));
  settle();
  EXPECT_GT(scene.log->dirty_bytes(), 0U);
  ASSERT_EQ(*scene.compact(), CompactionProgress::kDone);
  EXPECT_EQ(scene.shown(), "[0..1] e1 1:a=2\n");
  EXPECT_EQ(scene.log->dirty_bytes(), 0U);
}

TEST_F(CompactionTest, YoungSegmentsAreLeftAlone) {
  add({put("a", "1"), put("a", "2")});
  settle();
  CompactionRequest request = scene.request();
  request.min_lag_ms = 5000;
  EXPECT_FALSE(*scene.log->begin_compaction(request));
  scene.clock.advance_ms(5000);
  EXPECT_TRUE(*scene.log->begin_compaction(request));
}

// --- tombstones

TEST_F(CompactionTest, ATombstoneStaysForItsDelayFromTheFirstPassOn) {
  add({put("a", "1", -1'000'000), tombstone("a", -900'000)});
  settle();
  scene.clock.advance_ms(10 * kTombstoneDelayMs);  // its age counts for nothing
  ASSERT_EQ(*scene.compact(), CompactionProgress::kDone);
  EXPECT_EQ(scene.shown(), "[0..1] e1 1:a=-\n");
  scene.clock.advance_ms(kTombstoneDelayMs - 1);
  EXPECT_FALSE(*scene.log->begin_compaction(scene.request()));
  scene.clock.advance_ms(1);
  ASSERT_EQ(*scene.compact(), CompactionProgress::kDone);
  EXPECT_EQ(scene.shown(), "[0..1] e1\n");
}

TEST_F(CompactionTest, TheDelayGoesOnOverARestart) {
  add({put("a", "1"), tombstone("a")});
  settle();
  ASSERT_EQ(*scene.compact(), CompactionProgress::kDone);
  scene.clock.advance_ms(kTombstoneDelayMs / 2);
  reopen();
  scene.clock.advance_ms(kTombstoneDelayMs / 2);
  ASSERT_EQ(*scene.compact(), CompactionProgress::kDone);
  EXPECT_EQ(scene.shown(), "[0..1] e1\n");
}

TEST_F(CompactionTest, ATombstoneStaysWhileAnotherReplicaMayHoldWhatItHides) {
  add({put("a", "1"), tombstone("a")});
  settle();
  ASSERT_EQ(*scene.compact(), CompactionProgress::kDone);
  scene.clock.advance_ms(kTombstoneDelayMs);
  EXPECT_EQ(scene.log->settled_end(kTombstoneDelayMs), Offset(2)) << "what it tells the others";
  CompactionRequest request = scene.request();
  request.tombstones_below = Offset(1);
  ASSERT_EQ(*scene.compact(request), CompactionProgress::kDone);
  EXPECT_EQ(scene.shown(), "[0..1] e1 1:a=-\n");
}

TEST_F(CompactionTest, WhatComesAgainBehindACutIsNotTakenForCompacted) {
  add({put("a", large())});
  add({tombstone("a"), put("b", large())});
  settle();
  ASSERT_EQ(*scene.compact(), CompactionProgress::kDone);
  scene.clock.advance_ms(kTombstoneDelayMs);
  ASSERT_OK(scene.cut_at_damage(Offset(0)));  // and a=... is there again, from another copy
  EXPECT_EQ(scene.log->compaction().clean_end, Offset(0));
  settle();
  ASSERT_EQ(*scene.compact(), CompactionProgress::kDone);
  EXPECT_EQ(scene.shown(), "[0..0] e1\n[1..2] e1 1:a=- 2:b=" + large() + "\n");
  EXPECT_EQ(scene.check(), "");
}

// --- memory, rate

TEST_F(CompactionTest, ASmallMapTakesSeveralPasses) {
  scene.options.segment_bytes = 400;
  scene.log->set_options(scene.options);
  for (int round = 0; round < 3; ++round) {
    for (int key = 0; key < 40; ++key) add({put("k" + std::to_string(key), std::to_string(round))});
  }
  settle();
  CompactionRequest request = scene.request();
  request.map_bytes = 200;
  int passes = 0;
  Offset clean_end;
  while (scene.log->compaction().clean_end < Offset(120)) {
    scene.clock.advance_ms(1);
    ASSERT_EQ(*scene.compact(request), CompactionProgress::kDone);
    ASSERT_GT(scene.log->compaction().clean_end, clean_end) << "each pass comes further";
    clean_end = scene.log->compaction().clean_end;
    ASSERT_EQ(scene.check(), "");
    ++passes;
  }
  EXPECT_GT(passes, 5);
}

TEST_F(CompactionTest, MovesInPiecesThatCanBeThrottled) {
  for (int i = 0; i < 50; ++i) add({put("a", large())});
  settle();
  CompactionRequest request = scene.request();
  request.piece_bytes = 300;
  ASSERT_OK(scene.begin_pass(request));
  int pieces = 0;
  while (scene.has_pass()) {
    scene.run_pass();
    ++pieces;
    const auto progress = scene.complete_pass();
    ASSERT_OK(progress);
    ASSERT_EQ(scene.check(), "") << "after piece " << pieces;
    if (*progress == CompactionProgress::kDone) break;
  }
  EXPECT_GT(pieces, 20);
}

TEST_F(CompactionTest, OnePassAtATime) {
  add({put("a", "1"), put("a", "2")});
  settle();
  ASSERT_OK(scene.begin_pass(scene.request()));
  EXPECT_EQ(scene.log->begin_compaction(scene.request()).error().code(), Errc::kWouldBlock);
}

// --- what happens meanwhile

TEST_F(CompactionTest, AppendsAndReadsGoOnMeanwhile) {
  add({put("a", "1"), put("a", "2")});
  settle();
  ASSERT_OK(scene.begin_pass(scene.request()));
  const auto old_read = scene.log->prepare_read(Offset(0), 1000, ReadUpTo::kEnd);
  ASSERT_OK(old_read);
  scene.run_pass();
  add({put("a", "3")});
  ASSERT_OK(scene.flush());
  ASSERT_OK(scene.checkpoint());
  ASSERT_EQ(*scene.complete_pass(), CompactionProgress::kDone);
  EXPECT_EQ(scene.shown(), "[0..1] e1 1:a=2\n[2..2] e1 2:a=3\n");
  const auto read = old_read->run();
  ASSERT_OK(read);
  EXPECT_EQ(show(read->batches.view()), "[0..1] e1 0:a=1 1:a=2\n") << "its file is still open";
}

TEST_F(CompactionTest, ASegmentThatRetentionTookMeanwhileStaysAway) {
  add({put("a", large())});
  add({put("a", large())});
  settle();
  ASSERT_OK(scene.begin_pass(scene.request()));
  scene.run_pass();
  ASSERT_OK(scene.truncate_prefix(Offset(2)));
  EXPECT_EQ(*scene.complete_pass(), CompactionProgress::kStale);
  EXPECT_FALSE(has_files_beside());
  reopen();
  EXPECT_EQ(scene.log->log_start(), Offset(2));
  EXPECT_EQ(scene.check(), "");
}

TEST_F(CompactionTest, ALogThatWasCutMeanwhileGivesThePassUp) {
  add({put("a", large())});
  add({put("a", large())});
  settle();
  ASSERT_OK(scene.begin_pass(scene.request()));
  scene.run_pass();
  ASSERT_OK(scene.cut_at_damage(Offset(1)));
  EXPECT_EQ(*scene.complete_pass(), CompactionProgress::kStale);
  EXPECT_EQ(scene.check(), "");
  EXPECT_FALSE(has_files_beside());
}

TEST_F(CompactionTest, WhoCopiesTheLogGoesOnInsideOfWhatWasJoined) {
  scene.options.segment_bytes = 1000;
  scene.log->set_options(scene.options);
  for (int i = 0; i < 6; ++i) add({put("a", std::to_string(i))});
  settle();
  ASSERT_EQ(*scene.compact(), CompactionProgress::kDone);
  ASSERT_EQ(scene.shown(), "[0..4] e1\n[5..5] e1 5:a=5\n");
  const auto read = scene.log->read(Offset(3), 1000, ReadUpTo::kEnd);
  ASSERT_OK(read);
  EXPECT_EQ(show(read->batches.view()), "[3..4] e1\n[5..5] e1 5:a=5\n");
  EXPECT_EQ(*scene.log->batch_at(Offset(3)), Offset(3));
  ASSERT_OK(scene.truncate_prefix(Offset(3)));
  EXPECT_EQ(scene.shown(), "[3..4] e1\n[5..5] e1 5:a=5\n");
}

TEST_F(CompactionTest, NothingIsJoinedAcrossALogStartThatWasRaisedMeanwhile) {
  scene.options.segment_bytes = 1000;
  scene.log->set_options(scene.options);
  for (int i = 0; i < 6; ++i) add({put("a", std::to_string(i))});
  settle();
  ASSERT_OK(scene.begin_pass(scene.request()));
  scene.run_pass();
  ASSERT_OK(scene.truncate_prefix(Offset(3)));
  EXPECT_EQ(*scene.complete_pass(), CompactionProgress::kStale);
  ASSERT_EQ(*scene.compact(), CompactionProgress::kDone);
  EXPECT_EQ(scene.shown(), "[3..4] e1\n[5..5] e1 5:a=5\n");
  EXPECT_EQ(scene.check(), "");
}

TEST_F(CompactionTest, TheTimeOfAControlBatchHidesNoRecord) {
  const Bytes control = keyed_batch(Offset(0), Term(0), {put("term", "", 5000)}, {.control = true});
  ASSERT_OK(scene.append(control, Term(1)));
  add({put("a", large(), 1000)});
  add({put("b", large(), 3000)});
  settle();
  const auto largest = scene.log->max_timestamp();
  ASSERT_OK(largest);
  ASSERT_TRUE(*largest);
  EXPECT_EQ((*largest)->offset, Offset(2));
}

// What a compacted log looks like to who copies it, or to a log that a copy goes into.
TEST_F(CompactionTest, AReplicaThatIsSentSparseBatchesKnowsThatItsDigestMeansLittle) {
  ASSERT_OK(scene.log->append_assigned(record::bare_batch(Offset(0), Offset(70), Term(3))));
  EXPECT_EQ(scene.log->compaction().rewritten_end, Offset(70));
  ASSERT_OK(scene.log->flush());
  scene.crash(fakes::Survives::kNothingUnsynced);  // no checkpoint tells it
  ASSERT_OK(scene.open());
  EXPECT_EQ(scene.log->log_end(), Offset(70));
  EXPECT_EQ(scene.log->compaction().rewritten_end, Offset(70));
}

TEST_F(CompactionTest, WithoutACheckpointNobodyKnowsWhatWasRewritten) {
  add({put("a", large())});
  add({put("a", large())});
  settle();
  ASSERT_EQ(*scene.compact(), CompactionProgress::kDone);
  ASSERT_OK(scene.close());
  scene.env->remove(scene.path("checkpoint"));
  ASSERT_OK(scene.open());
  EXPECT_TRUE(scene.report.damage.empty());
  EXPECT_EQ(scene.log->compaction().clean_end, Offset(0));
  EXPECT_EQ(scene.log->compaction().rewritten_end, scene.log->log_end());
  EXPECT_EQ(scene.check(), "");
}

TEST_F(CompactionTest, RetentionTakesWhatIsCompactedByTheTimeOfItsRecords) {
  scene.options.segment_bytes = 1000;
  scene.log->set_options(scene.options);
  add({put("a", "1")});
  add({put("a", "2")});
  settle();
  scene.clock.advance_ms(50'000);
  ASSERT_EQ(*scene.compact(), CompactionProgress::kDone);
  LogOptions options = scene.options;
  options.retention_ms = 60'000;
  scene.log->set_options(options);
  const std::int64_t age = scene.clock.wall().ms() - put("a", "2").timestamp.ms();
  scene.clock.advance_ms(std::max<std::int64_t>(60'001 - age, 1));
  ASSERT_GT(*scene.log->apply_retention(), 0U) << "the time of a pass makes nothing younger";
}

}  // namespace
}  // namespace penstock::storage
