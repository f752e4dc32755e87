// Taking away from either end, retention, and a disk that is full.
#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/record/batch.h"
#include "storage/limits.h"
#include "storage/retention.h"
#include "tests/storage/expect.h"
#include "tests/storage/log_scene.h"

namespace penstock::storage {
namespace {

using fakes::Survives;

// --- suffix

TEST(TruncateSuffix, RemovesWholeSegmentsAndPartsOfOne) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(100));
  const Offset from = scene.boundaries()[20];
  ASSERT_OK(scene.truncate_suffix(from));
  EXPECT_EQ(scene.log->log_end(), from);
  EXPECT_EQ(scene.log->durable_end(), from) << "durable when it returns";
  EXPECT_EQ(scene.check(), "");
  ASSERT_OK(scene.append(30, Term(3)));
  EXPECT_EQ(scene.check(), "");
  scene.crash(Survives::kNothingUnsynced);
  ASSERT_OK(scene.open());
  EXPECT_EQ(scene.log->log_end(), from) << "the new ones were not flushed, the old ones are gone";
  EXPECT_EQ(scene.check(), "");
}

TEST(TruncateSuffix, OnlyAtABatchBoundaryInsideTheLog) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append_bytes(make_batch(10, 5, Timestamp(1))));
  EXPECT_EQ(scene.log->truncate_suffix(Offset(5)).error().code(), Errc::kInvalidArgument);
  EXPECT_EQ(scene.log->truncate_suffix(Offset(11)).error().code(), Errc::kOffsetOutOfRange);
  EXPECT_OK(scene.log->truncate_suffix(Offset(10)));
  EXPECT_EQ(scene.check(), "");
  EXPECT_FALSE(scene.log->fenced());
}

TEST(TruncateSuffix, ForgetsTheEpochsItRemoves) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(40, Term(3)));
  const Offset from = scene.log->log_end();
  ASSERT_OK(scene.append(2, Term(9)));
  ASSERT_OK(scene.truncate_suffix(from));
  EXPECT_EQ(scene.log->last_epoch(), Term(3));
  EXPECT_OK(scene.append(1, Term(4)));
  ASSERT_OK(scene.truncate_suffix(Offset(0)));
  EXPECT_EQ(scene.log->last_epoch(), Term(-1));
}

// --- prefix

TEST(TruncatePrefix, MovesTheStartIntoASegmentAndRemovesTheOnesBelow) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(100));
  ASSERT_OK(scene.flush());
  const auto segments = scene.log->segments();
  const Offset to = segments[1].base + 3;
  ASSERT_OK(scene.truncate_prefix(to));
  EXPECT_EQ(scene.log->log_start(), to);
  EXPECT_EQ(scene.log->segments().front().base, segments[1].base);
  EXPECT_EQ(scene.log->read(to - 1, 100, ReadUpTo::kEnd).error().code(), Errc::kOffsetOutOfRange);
  EXPECT_FALSE(scene.env->contents(scene.path("00000000000000000000.log")).has_value());
  scene.crash(Survives::kNothingUnsynced);
  ASSERT_OK(scene.open());
  EXPECT_EQ(scene.log->log_start(), to);
  EXPECT_EQ(scene.check(), "");
}

TEST(TruncatePrefix, OfEverythingGoesOnAtTheSameOffset) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(30, Term(4)));
  ASSERT_OK(scene.flush());
  const Offset end = scene.log->log_end();
  ASSERT_OK(scene.truncate_prefix(end));
  EXPECT_EQ(scene.log->size_bytes(), 0U);
  EXPECT_EQ(scene.log->log_start(), end);
  EXPECT_EQ(scene.log->last_epoch(), Term(4));
  scene.crash(Survives::kRandomPart);
  ASSERT_OK(scene.open());
  EXPECT_TRUE(scene.report.damage.empty());
  EXPECT_EQ(scene.log->log_end(), end);
  ASSERT_OK(scene.append(1, Term(4)));
  EXPECT_EQ(scene.appended.rbegin()->first, end);
}

TEST(TruncatePrefix, NotBeyondWhatIsFlushed) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(3));
  EXPECT_EQ(scene.log->truncate_prefix(scene.log->log_end()).error().code(),
            Errc::kOffsetOutOfRange);
}

TEST(TruncatePrefix, FilesThatOutliveACrashAreRemovedByTheNextOpen) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(100));
  ASSERT_OK(scene.flush());
  const std::size_t before = scene.files().size();
  scene.env->plan_fault({.fault = fakes::Fault::kKill, .calls = fakes::kRemove});
  static_cast<void>(scene.truncate_prefix(scene.log->durable_end() - 5));
  scene.crash(Survives::kNothingUnsynced);
  EXPECT_GE(scene.files().size(), before);
  ASSERT_OK(scene.open());
  EXPECT_EQ(scene.check(), "");
  EXPECT_EQ(scene.log->segments().size(), 1U);
  EXPECT_LE(scene.files().size(), 3U);
}

// --- retention as a decision

RetentionSegment segment(std::int64_t base, std::int64_t end, std::uint64_t bytes,
                         std::int64_t newest) {
  return {Offset(base), Offset(end), bytes, newest, newest};
}

LogOptions keep(std::optional<std::int64_t> ms, std::optional<std::uint64_t> bytes) {
  return LogOptions{.retention_ms = ms, .retention_bytes = bytes};
}

TEST(Retention, BySizeKeepsAtLeastTheLimit) {
  const std::vector<RetentionSegment> segments = {segment(0, 10, 100, 1), segment(10, 20, 100, 1),
                                                  segment(20, 30, 100, 1)};
  const auto start = [&](std::uint64_t limit) {
    return decide_retention(segments, Offset(0), keep(std::nullopt, limit), Timestamp(1000))
        .log_start;
  };
  EXPECT_EQ(start(300), Offset(0));
  EXPECT_EQ(start(201), Offset(0));
  EXPECT_EQ(start(200), Offset(10));
  EXPECT_EQ(start(100), Offset(20));
  EXPECT_EQ(start(50), Offset(20));
}

TEST(Retention, ByAgeTakesWhatIsOldFromTheFrontOnly) {
  const std::vector<RetentionSegment> segments = {
      segment(0, 10, 100, 500), segment(10, 20, 100, 900), segment(20, 30, 100, 600)};
  const auto decide = [&](std::int64_t ms) {
    return decide_retention(segments, Offset(0), keep(ms, std::nullopt), Timestamp(1000));
  };
  EXPECT_EQ(decide(500).log_start, Offset(0)) << "exactly that old is not older";
  EXPECT_EQ(decide(499).log_start, Offset(10));
  EXPECT_EQ(decide(300).log_start, Offset(10)) << "an old one behind a young one waits";
  EXPECT_EQ(decide(50).log_start, Offset(30));
  EXPECT_TRUE(decide(50).roll_active);
  EXPECT_FALSE(decide(300).roll_active);
}

TEST(Retention, ATimestampFromTheFutureCountsAsTheMomentOfItsAppend) {
  const std::vector<RetentionSegment> segments = {
      {Offset(0), Offset(10), 100, /*max_timestamp_ms=*/9'999'999, /*appended_ms=*/500},
      segment(10, 20, 100, 990)};
  EXPECT_EQ(
      decide_retention(segments, Offset(0), keep(100, std::nullopt), Timestamp(1000)).log_start,
      Offset(10));
}

TEST(Retention, NeverMovesTheStartBack) {
  const std::vector<RetentionSegment> segments = {segment(0, 10, 100, 1),
                                                  segment(10, 20, 100, 999)};
  EXPECT_EQ(
      decide_retention(segments, Offset(15), keep(100, std::nullopt), Timestamp(1000)).log_start,
      Offset(15));
  EXPECT_EQ(decide_retention({}, Offset(7), keep(0, 0), Timestamp(1000)).log_start, Offset(7));
}

TEST(Retention, SmallSizeLimitsMakeSmallSegments) {
  LogOptions options;
  options.segment_bytes = 256U << 20;
  EXPECT_EQ(effective_segment_bytes(options), 256U << 20);
  options.retention_bytes = 100U << 20;
  EXPECT_EQ(effective_segment_bytes(options), 10U << 20);
  options.retention_bytes = 1000;
  EXPECT_EQ(effective_segment_bytes(options), kMinRetentionSegmentBytes);
}

// --- retention at work

TEST(Retention, DoesNotWaitForARoll) {
  LogScene scene;
  scene.options.segment_bytes = 1 << 20;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(20));
  ASSERT_OK(scene.flush());
  scene.options.retention_ms = 10'000;
  scene.log->set_options(scene.options);
  EXPECT_EQ(*scene.log->apply_retention(), 0U);
  scene.clock.advance_ms(10'001);
  const std::uint64_t bytes = scene.log->size_bytes();
  const Offset end = scene.log->log_end();
  EXPECT_EQ(*scene.log->apply_retention(), bytes);
  EXPECT_EQ(scene.log->log_start(), end);
  EXPECT_EQ(scene.log->log_end(), end);
}

TEST(Retention, LeavesWhatIsNotFlushed) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(20));
  scene.options.retention_ms = 1;
  scene.log->set_options(scene.options);
  scene.clock.advance_ms(10'001);
  ASSERT_OK(scene.log->apply_retention());
  EXPECT_EQ(scene.log->log_start(), Offset(0));
}

TEST(Retention, SurvivesARestartWithTheAgesThatWereRecorded) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(40));
  ASSERT_OK(scene.close());
  scene.options.retention_ms = 10'000;
  ASSERT_OK(scene.open());
  scene.clock.advance_ms(20'000);
  EXPECT_GT(*scene.log->apply_retention(), 0U);
  EXPECT_EQ(scene.log->size_bytes(), 0U);
}

// --- a full disk

TEST(DiskFull, RefusesAppendsKeepsServingAndRecoversWithoutARestart) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(40));
  ASSERT_OK(scene.flush());
  scene.env->set_capacity(scene.env->used_bytes() + 300);

  Status refused;
  int taken = 0;
  while (refused && taken < 100) {
    refused = scene.append(1);
    ++taken;
  }
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), Errc::kDiskFull);
  EXPECT_TRUE(refused.error().retriable());
  EXPECT_FALSE(scene.log->fenced());
  EXPECT_EQ(scene.check(), "");
  ASSERT_OK(scene.flush());

  scene.options.retention_bytes = 10'000;
  scene.log->set_options(scene.options);
  ASSERT_OK(scene.retain());
  EXPECT_GT(scene.log->log_start(), Offset(0));
  for (int i = 0; i < 5; ++i) EXPECT_OK(scene.append(1)) << "retention made room";
  ASSERT_OK(scene.flush());
  scene.crash(Survives::kNothingUnsynced);
  ASSERT_OK(scene.open());
  EXPECT_EQ(scene.check(), "");
}

TEST(DiskFull, ACheckpointThatNeedsNoNewBlockStillWorks) {
  LogScene scene;
  scene.options.segment_bytes = 1 << 20;
  scene.options.index_interval_bytes = 1 << 20;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(1));
  ASSERT_OK(scene.flush());
  ASSERT_OK(scene.checkpoint());
  ASSERT_OK(scene.append(3));
  ASSERT_OK(scene.flush());
  scene.env->set_capacity(scene.env->used_bytes());
  EXPECT_OK(scene.checkpoint());
}

TEST(DiskFull, IndexEntriesWaitInMemoryUntilThereIsRoom) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(20));
  ASSERT_OK(scene.flush());
  scene.env->set_capacity(scene.env->used_bytes());
  ASSERT_OK(scene.checkpoint());
  LogScene crashed(scene, 1);
  crashed.crash(Survives::kNothingUnsynced);
  ASSERT_OK(crashed.open());
  EXPECT_EQ(crashed.log->log_end(), scene.log->log_end());
  EXPECT_EQ(crashed.check(), "");
  EXPECT_GT(crashed.report.rebuilt_indexes + crashed.log->rebuilt_indexes(), 0U);

  scene.env->set_capacity(std::nullopt);
  ASSERT_OK(scene.close());
  ASSERT_OK(scene.open());
  EXPECT_EQ(scene.check(), "");
  EXPECT_EQ(scene.report.rebuilt_indexes + scene.log->rebuilt_indexes(), 0U);
}

// What was refused must not come back: the write had happened in part.
TEST(DiskFull, ARefusedBatchIsGoneAfterACrashToo) {
  for (const Survives survives : {Survives::kNothingUnsynced, Survives::kEverything}) {
    LogScene scene;
    ASSERT_OK(scene.open());
    ASSERT_OK(scene.append(3));
    ASSERT_OK(scene.flush());
    scene.env->plan_fault({.fault = fakes::Fault::kDiskFull, .calls = fakes::kWrite});
    Bytes two = make_batch(1, 10, Timestamp(1));
    const Bytes second = make_batch(1, 200, Timestamp(1));
    two.insert(two.end(), second.begin(), second.end());  // the first one is written whole
    EXPECT_EQ(scene.append_bytes(two).error().code(), Errc::kDiskFull);
    EXPECT_FALSE(scene.log->fenced());
    const Offset end = scene.log->log_end();
    scene.crash(survives);
    ASSERT_OK(scene.open());
    EXPECT_EQ(scene.log->log_end(), end);
    EXPECT_EQ(scene.check(), "");
  }
}

}  // namespace
}  // namespace penstock::storage
