// Damaged runs are put right with the bytes of another copy, in their old place.
#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/record/batch.h"
#include "tests/storage/expect.h"
#include "tests/storage/log_scene.h"

namespace penstock::storage {
namespace {

class RepairTest : public testing::Test {
 protected:
  RepairTest() {
    EXPECT_OK(scene.open());
    EXPECT_OK(scene.append(80));
    EXPECT_OK(scene.flush());
    EXPECT_OK(scene.checkpoint());
  }
  // Of the batch that begins at `base`.
  void damage(Offset base, std::size_t at_byte) {
    const Bytes& batch = scene.appended.at(base);
    for (const std::string& path : scene.files()) {
      if (!path.ends_with(".log")) continue;
      Bytes file = *scene.env->contents(path);
      const auto found = std::ranges::search(file, batch);
      if (found.empty()) continue;
      found[at_byte] ^= std::byte{0x10};
      scene.env->put(path, file);
    }
    EXPECT_FALSE(scene.log->read(base, 1, ReadUpTo::kEnd));
  }
  // As another replica has them.
  Bytes good(Offset begin, Offset end) const {
    Bytes bytes;
    for (const auto& [base, batch] : scene.appended) {
      if (base >= begin && base < end) bytes.insert(bytes.end(), batch.begin(), batch.end());
    }
    return bytes;
  }
  void expect_whole() {
    EXPECT_TRUE(scene.log->damage().empty());
    std::int64_t damaged = 0;
    EXPECT_EQ(scene.check(&damaged), "");
    EXPECT_EQ(damaged, 0);
  }

  LogScene scene;
};

TEST_F(RepairTest, WhatIsAskedForIsWholeRunsAndBringsThemBack) {
  damage(scene.boundaries()[10], 70);
  damage(scene.boundaries()[50], 15);
  const auto reached = scene.log->segments();
  for (int i = 0; i < 2; ++i) {
    const auto wanted = scene.log->mendable(1);
    ASSERT_OK(wanted);
    ASSERT_TRUE(wanted->has_value());
    EXPECT_EQ(scene.log->mend(good((*wanted)->begin, (*wanted)->end)), 1U);
  }
  EXPECT_FALSE((*scene.log->mendable(1)).has_value());
  expect_whole();
  EXPECT_EQ(scene.log->segments().size(), reached.size());
  scene.crash(fakes::Survives::kNothingUnsynced);
  ASSERT_OK(scene.open());
  expect_whole();
  ASSERT_OK(scene.append(5));
}

TEST_F(RepairTest, AClosedLogWhoseLastFileWasShortenedIsMendedAndGoesOnWhereItEnded) {
  while (scene.log->segments().back().bytes < 200) ASSERT_OK(scene.append());
  const Offset end = scene.log->log_end();
  ASSERT_OK(scene.close());
  std::string last;
  for (const std::string& path : scene.files()) {
    if (path.ends_with(".log")) last = path;
  }
  Bytes file = *scene.env->contents(last);
  file.resize(file.size() / 3);
  scene.env->put(last, file);
  ASSERT_OK(scene.open());
  EXPECT_EQ(scene.log->end_of_log(), EndOfLog::kClosed);
  for (int i = 0; i < 100 && !scene.log->damage().empty(); ++i) {
    const auto wanted = *scene.log->mendable(1);
    ASSERT_TRUE(wanted.has_value());
    ASSERT_EQ(scene.log->mend(good(wanted->begin, wanted->end)), 1U);
  }
  EXPECT_EQ(scene.append().error().code(), Errc::kPartitionDamaged) << "somebody is to decide";
  ASSERT_OK(scene.truncate_suffix(end));
  EXPECT_EQ(scene.log->end_of_log(), EndOfLog::kCertain);
  EXPECT_EQ(scene.log->log_end(), end);
  expect_whole();
  ASSERT_OK(scene.append(5));
  ASSERT_OK(scene.flush());
  scene.crash(fakes::Survives::kNothingUnsynced);
  ASSERT_OK(scene.open());
  expect_whole();
  ASSERT_OK(scene.append(5));
}

TEST_F(RepairTest, MoreThanWasAskedForIsFine) {
  damage(scene.boundaries()[10], 70);
  damage(scene.boundaries()[11], 70);
  damage(scene.boundaries()[12], 70);
  EXPECT_GE(scene.log->mend(good(Offset(0), scene.log->log_end())).value(), 1U);
  expect_whole();
}

TEST_F(RepairTest, OtherBytesAreNotTaken) {
  const Offset bad = scene.boundaries()[10];
  damage(bad, 70);
  const auto wanted = *scene.log->mendable(1);
  ASSERT_TRUE(wanted.has_value());
  const Bytes right = good(wanted->begin, wanted->end);
  Bytes other_epoch = right;
  other_epoch[15] ^= std::byte{1};
  EXPECT_EQ(scene.log->mend(other_epoch), 0U);
  EXPECT_EQ(scene.log->mend({}), 0U);
  EXPECT_EQ(scene.log->mend(good(wanted->begin + 1, wanted->end)), 0U) << "a part of the run";
  EXPECT_EQ(scene.log->damage().size(), 1U);
  EXPECT_FALSE(scene.log->read(bad, 1, ReadUpTo::kEnd));
}

TEST_F(RepairTest, WhatIsReadMeanwhileSaysNothingAfterwards) {
  const Offset bad = scene.boundaries()[10];
  damage(bad, 70);
  const auto wanted = *scene.log->mendable(1);
  ASSERT_TRUE(wanted.has_value());
  // Planned before, carried out on bytes of before, told afterwards.
  const auto other = scene.log->prepare_read(wanted->end, 1, ReadUpTo::kEnd);
  ASSERT_OK(other);
  EXPECT_EQ(scene.log->mend(good(wanted->begin, wanted->end)), 1U);
  static_cast<void>(other->run());
  expect_whole();
}

TEST_F(RepairTest, WithoutAnIndexEntryNothingIsAskedFor) {
  scene.crash(fakes::Survives::kEverything);
  std::vector<std::string> logs;
  for (const std::string& path : scene.files()) {
    if (path.ends_with(".log")) logs.push_back(path);
  }
  ASSERT_GE(logs.size(), 3U);
  scene.env->remove(logs[1]);
  ASSERT_OK(scene.open());
  ASSERT_FALSE(scene.log->damage().empty());
  EXPECT_FALSE((*scene.log->mendable(1)).has_value());
}

}  // namespace
}  // namespace penstock::storage
