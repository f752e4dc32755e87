// The everyday life of a log, told as short stories.
#include "storage/log.h"

#include <gtest/gtest.h>

#include "protocol/record/batch.h"
#include "tests/storage/log_scene.h"

namespace penstock::storage {
namespace {

using fakes::Survives;

#define ASSERT_OK(expr)                                  \
  do {                                                   \
    const auto status_ = (expr);                         \
    ASSERT_TRUE(status_) << status_.error().to_string(); \
  } while (false)

TEST(Log, StartsEmptyInAFreshFolder) {
  LogScene scene;
  ASSERT_OK(scene.open());
  EXPECT_EQ(scene.log->log_start(), Offset(0));
  EXPECT_EQ(scene.log->log_end(), Offset(0));
  EXPECT_FALSE(scene.log->needs_flush());
  const auto read = scene.log->read(Offset(0), 100, ReadUpTo::kDurable);
  ASSERT_OK(read);
  EXPECT_EQ(read->batch_count, 0U);
  EXPECT_EQ(scene.log->read(Offset(1), 100, ReadUpTo::kDurable).error().code(),
            Errc::kOffsetOutOfRange);
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
  ASSERT_OK(scene.open());
  EXPECT_TRUE(scene.report.clean_shutdown);
  EXPECT_EQ(scene.report.scanned_bytes, 0U);
  EXPECT_EQ(scene.check(), "");
  ASSERT_OK(scene.append(10));
  ASSERT_OK(scene.flush());
  scene.crash(Survives::kNothingUnsynced);
  ASSERT_OK(scene.open());
  EXPECT_FALSE(scene.report.clean_shutdown);
  EXPECT_EQ(scene.check(), "");
}

}  // namespace
}  // namespace penstock::storage
