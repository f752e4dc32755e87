// What recovery decides, without a disk.
#include "storage/recovery_plan.h"

#include <gtest/gtest.h>

namespace penstock::storage {
namespace {

Checkpoint checkpoint_at(std::int64_t base, std::int64_t end, std::uint32_t position) {
  Checkpoint checkpoint;
  checkpoint.point.segment_base = Offset(base);
  checkpoint.point.open.base_delta = checkpoint.point.open.end_delta =
      static_cast<std::uint32_t>(end - base);
  checkpoint.point.open.position = position;
  return checkpoint;
}

FoundSegment file(std::int64_t base, std::uint64_t bytes) {
  return {.base = Offset(base), .has_log = true, .has_index = true, .log_bytes = bytes};
}

TEST(RecoveryPlan, AnEmptyFolderIsAFreshLog) {
  EXPECT_EQ(plan_recovery(std::nullopt, {}).kind, RecoveryKind::kFresh);
}

TEST(RecoveryPlan, SegmentsWithoutACheckpointAreAllScanned) {
  const auto plan = plan_recovery(std::nullopt, {file(5, 10), file(9, 10)});
  EXPECT_EQ(plan.kind, RecoveryKind::kFullScan);
  EXPECT_EQ(plan.log_start, Offset(5));
  EXPECT_EQ(plan.complete.size(), 2U);
}

TEST(RecoveryPlan, ACleanLogOfTheRightSizeIsNotScanned) {
  Checkpoint checkpoint = checkpoint_at(0, 10, 500);
  checkpoint.clean = true;
  EXPECT_TRUE(plan_recovery(checkpoint, {file(0, 500)}).skip_tail_scan);
  EXPECT_FALSE(plan_recovery(checkpoint, {file(0, 501)}).skip_tail_scan) << "it was written to";
  EXPECT_FALSE(plan_recovery(checkpoint, {file(0, 500), file(10, 5)}).skip_tail_scan);
  checkpoint.clean = false;
  EXPECT_FALSE(plan_recovery(checkpoint, {file(0, 500)}).skip_tail_scan);
}

TEST(RecoveryPlan, SegmentsAreBelowAtOrBeyondTheWatermark) {
  Checkpoint checkpoint = checkpoint_at(30, 40, 500);
  checkpoint.log_start = Offset(25);
  const FoundSegment orphan{.base = Offset(60), .has_log = false, .has_index = true};
  const auto plan =
      plan_recovery(checkpoint, {file(0, 9), file(20, 9), file(30, 600), file(50, 1), orphan});
  EXPECT_EQ(plan.complete, (std::vector{Offset(0), Offset(20)}));
  EXPECT_TRUE(plan.active_found);
  EXPECT_EQ(plan.beyond, std::vector{Offset(50)});
  EXPECT_EQ(plan.orphans, std::vector{Offset(60)});
  EXPECT_TRUE(plan.missing.empty());
}

TEST(RecoveryPlan, NothingBelowTheSegmentThatTheLogBeginsInIsLookedAt) {
  Checkpoint checkpoint = checkpoint_at(30, 40, 500);
  checkpoint.log_start = Offset(30);
  const FoundSegment orphan{.base = Offset(10), .has_log = false, .has_index = true};
  const auto plan = plan_recovery(checkpoint, {file(0, 9), orphan, file(20, 9), file(30, 600)});
  EXPECT_EQ(plan.expired, (std::vector{Offset(0), Offset(10), Offset(20)}));
  EXPECT_TRUE(plan.complete.empty());
  EXPECT_TRUE(plan.missing.empty());
}

TEST(RecoveryPlan, WhatTheWatermarkVouchesForIsMissedWhenItIsNotThere) {
  Checkpoint checkpoint = checkpoint_at(30, 40, 500);
  checkpoint.log_start = Offset(5);
  const auto no_first = plan_recovery(checkpoint, {file(10, 9), file(30, 600)});
  ASSERT_EQ(no_first.missing.size(), 1U);
  EXPECT_EQ(no_first.missing[0].begin, Offset(5));
  EXPECT_EQ(no_first.missing[0].end, Offset(10));

  const auto no_active = plan_recovery(checkpoint, {file(5, 9)});
  ASSERT_EQ(no_active.missing.size(), 1U);
  EXPECT_EQ(no_active.missing[0].begin, Offset(30));
  EXPECT_EQ(no_active.missing[0].end, Offset(40));
  EXPECT_FALSE(no_active.active_found);

  EXPECT_TRUE(plan_recovery(checkpoint, {file(5, 9), file(30, 499)}).active_is_short);
  EXPECT_FALSE(plan_recovery(checkpoint, {file(5, 9), file(30, 500)}).active_is_short);
}

TEST(TailVerdict, BeyondTheWatermarkEverythingThatIsNoBatchIsTorn) {
  EXPECT_EQ(judge_tail({.bytes_follow = false}), TailVerdict::kEnd);
  EXPECT_EQ(judge_tail({.bytes_follow = true}), TailVerdict::kTorn);
}

TEST(TailVerdict, WithoutAWatermarkOnlyTheVeryEndMayBeTorn) {
  const auto unknown = [](bool valid_follows, bool last) {
    return judge_tail({.bytes_follow = true,
                       .valid_batch_follows = valid_follows,
                       .watermark_known = false,
                       .last_segment = last});
  };
  EXPECT_EQ(unknown(false, true), TailVerdict::kTorn);
  EXPECT_EQ(unknown(true, true), TailVerdict::kDamaged);
  EXPECT_EQ(unknown(false, false), TailVerdict::kDamaged);
  EXPECT_EQ(judge_tail({.bytes_follow = true, .below_known_durable = true}), TailVerdict::kDamaged);
}

}  // namespace
}  // namespace penstock::storage
