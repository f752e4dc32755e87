// Key compaction on disks that fail, are full, are damaged, or lose their power.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/storage/compaction_fixture.h"

namespace penstock::storage {
namespace {

using fakes::Call;
using fakes::Fault;
using fakes::Survives;

using CompactionFaultTest = CompactionTest;

TEST_F(CompactionFaultTest, AFullDiskLeavesTheLogAsItWas) {
  for (int i = 0; i < 20; ++i) add({put("a", large())});
  settle();
  const std::string before = scene.shown();
  scene.options.segment_bytes = 4000;
  scene.log->set_options(scene.options);
  scene.env->set_capacity(scene.env->used_bytes() + 50);
  const auto progress = scene.compact();
  ASSERT_FALSE(progress);
  EXPECT_EQ(progress.error().code(), Errc::kDiskFull);
  EXPECT_EQ(scene.shown(), before);
  EXPECT_FALSE(has_files_beside());
  EXPECT_FALSE(scene.log->fenced());
  scene.env->set_capacity(std::nullopt);
  ASSERT_EQ(*scene.compact(), CompactionProgress::kDone);
  EXPECT_EQ(scene.check(), "");
}

TEST_F(CompactionFaultTest, AFailedSyncFencesTheLogAndLosesNothing) {
  add({put("a", large())});
  add({put("a", large())});
  settle();
  const std::string before = scene.shown();
  scene.env->plan_fault({.fault = Fault::kIoError, .at_call = 0, .calls = Call::kSync});
  EXPECT_FALSE(scene.compact());
  EXPECT_TRUE(scene.log->fenced());
  scene.forget_pass();
  scene.crash(Survives::kNothingUnsynced);
  ASSERT_OK(scene.open());
  EXPECT_EQ(scene.shown(), before);
}

TEST_F(CompactionFaultTest, DamageIsToldAndNothingOfItIsDropped) {
  add({put("a", large())});
  add({put("b", large())});
  add({put("a", large())});
  settle();
  const std::string path = scene.path("00000000000000000001.log");
  Bytes bytes = *scene.env->contents(path);
  bytes[80] ^= std::byte{1};
  scene.env->put(path, bytes);
  const auto progress = scene.compact();
  ASSERT_FALSE(progress);
  EXPECT_EQ(progress.error().code(), Errc::kCorrupt);
  ASSERT_EQ(scene.log->damage().size(), 1U);
  EXPECT_EQ(scene.log->damage()[0].begin, Offset(1));
  EXPECT_EQ(scene.log->damage()[0].end, Offset(2));
  EXPECT_EQ(*scene.env->contents(path), bytes);
  EXPECT_EQ(scene.log->begin_compaction(scene.request()).error().code(), Errc::kCorrupt)
      << "not before it is mended";
  EXPECT_FALSE(scene.log->fenced());
}

TEST_F(CompactionFaultTest, AFileThatHasGoneIsDamage) {
  add({put("a", large())});
  add({put("b", large())});
  settle();
  ASSERT_OK(scene.close());
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.begin_pass(scene.request()));
  scene.env->remove(scene.path("00000000000000000001.log"));
  scene.run_pass();
  const auto progress = scene.complete_pass();
  ASSERT_FALSE(progress);
  EXPECT_EQ(progress.error().code(), Errc::kCorrupt);
  EXPECT_EQ(scene.log->damage().size(), 1U);
}

// Stops the machine at every disk call of a pass in turn: the old log or the new one, whole.
TEST_F(CompactionFaultTest, ACrashAtEachCallLeavesTheOldLogOrTheNewOne) {
  for (int i = 0; i < 6; ++i) add({put("a", std::to_string(i)), put("k" + std::to_string(i), "1")});
  settle();
  scene.options.segment_bytes = 1000;  // so that segments are joined, too
  const std::unique_ptr<fakes::FakeEnv> before = scene.env->clone();
  const std::string old_log = scene.shown();
  bool saw_old = false;
  bool saw_new = false;
  for (const Survives survives :
       {Survives::kNothingUnsynced, Survives::kEverything, Survives::kRandomPart}) {
    for (std::uint64_t call = 0;; ++call) {
      scene.forget_pass();
      scene.log.reset();
      scene.env = before->clone();
      ASSERT_OK(scene.open());
      scene.env->plan_fault({.fault = Fault::kKill, .at_call = call});
      const auto done = scene.compact();
      if (done) break;
      scene.forget_pass();
      scene.crash(survives);
      ASSERT_OK(scene.open());
      ASSERT_TRUE(scene.report.damage.empty())
          << "call " << call << ": " << scene.report.damage[0].reason;
      ASSERT_EQ(scene.check(), "") << "call " << call;
      EXPECT_TRUE(scene.report.notes.empty()) << scene.report.notes.front();
      EXPECT_FALSE(has_files_beside()) << "call " << call;
      (scene.shown() == old_log ? saw_old : saw_new) = true;
    }
  }
  EXPECT_TRUE(saw_old);
  EXPECT_TRUE(saw_new);
}

}  // namespace
}  // namespace penstock::storage
