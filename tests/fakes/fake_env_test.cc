// The fault model is only worth what the fake keeps of it: its promises, one by one.
#include "fakes/fake_env.h"

#include <gtest/gtest.h>

#include <string>

namespace penstock::fakes {
namespace {

constexpr const char* kPath = "/data/file";

struct Disk {
  Disk() {
    EXPECT_TRUE(env.create_dirs("/data").has_value());
    EXPECT_TRUE(env.sync_dir("/").has_value());
    file = *env.open(kPath, OpenMode::kOpenOrCreate);
    EXPECT_TRUE(env.sync_dir("/data").has_value());
  }
  std::string text() const {
    const auto bytes = env.contents(kPath);
    if (!bytes) return "no file";
    return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
  }
  void crash(Survives survives) {
    Rng rng(1);
    env.crash(survives, rng);
  }

  FakeEnv env;
  std::unique_ptr<File> file;
};

TEST(FakeEnv, AFullDiskTakesHalfOfAWrite) {
  Disk disk;
  disk.env.plan_fault({.fault = Fault::kDiskFull, .calls = kWrite});
  const Status written = disk.file->write_at(0, as_bytes("12345678"));
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().code(), Errc::kDiskFull);
  EXPECT_EQ(disk.text(), "1234");
  EXPECT_TRUE(disk.file->write_at(4, as_bytes("xy")).has_value()) << "one fault, one call";
  EXPECT_EQ(disk.text(), "1234xy");
}

TEST(FakeEnv, AWriteBeyondTheCapacityTakesWhatFits) {
  Disk disk;
  disk.env.set_capacity(disk.env.used_bytes() + 5);
  EXPECT_EQ(disk.file->write_at(0, as_bytes("12345678")).error().code(), Errc::kDiskFull);
  EXPECT_EQ(disk.text(), "12345");
}

TEST(FakeEnv, AShortWriteAndAnIoErrorAreToldApart) {
  Disk disk;
  disk.env.plan_fault({.fault = Fault::kShortWrite, .calls = kWrite});
  EXPECT_EQ(disk.file->write_at(0, as_bytes("12345678")).error().code(), Errc::kIoError);
  EXPECT_EQ(disk.text(), "1234");
  disk.env.plan_fault({.fault = Fault::kIoError, .calls = kWrite});
  EXPECT_EQ(disk.file->write_at(4, as_bytes("5678")).error().code(), Errc::kIoError);
  EXPECT_EQ(disk.text(), "1234");
}

TEST(FakeEnv, APowerCutKeepsWhatWasSynced) {
  Disk disk;
  ASSERT_TRUE(disk.file->write_at(0, as_bytes("kept")).has_value());
  ASSERT_TRUE(disk.file->sync_data().has_value());
  ASSERT_TRUE(disk.file->write_at(4, as_bytes("lost")).has_value());
  EXPECT_EQ(disk.text(), "keptlost");
  disk.crash(Survives::kNothingUnsynced);
  EXPECT_EQ(disk.text(), "kept");
  EXPECT_FALSE(disk.file->sync_data().has_value()) << "a handle of the life before";
}

TEST(FakeEnv, ANewFileOfAnUnsyncedFolderIsLost) {
  Disk disk;
  const auto file = *disk.env.open("/data/new", OpenMode::kOpenOrCreate);
  ASSERT_TRUE(file->write_at(0, as_bytes("x")).has_value());
  ASSERT_TRUE(file->sync_data().has_value());
  disk.crash(Survives::kNothingUnsynced);
  EXPECT_FALSE(disk.env.contents("/data/new").has_value());
}

TEST(FakeEnv, WhatAFailedSyncLostNoLaterOneSaves) {
  Disk disk;
  ASSERT_TRUE(disk.file->write_at(0, as_bytes("data")).has_value());
  disk.env.plan_fault({.fault = Fault::kIoError, .calls = kSync});
  EXPECT_EQ(disk.file->sync_data().error().code(), Errc::kFsyncFailed);
  EXPECT_TRUE(disk.file->sync_data().has_value()) << "the next one lies, as on Linux";
  EXPECT_EQ(disk.text(), "data") << "still in the page cache";
  disk.crash(Survives::kNothingUnsynced);
  EXPECT_NE(disk.text(), "data");
}

TEST(FakeEnv, ASyncNeedNotSaveWhatWasWrittenAfterItBegan) {
  Disk disk;
  ASSERT_TRUE(disk.file->write_at(0, as_bytes("before")).has_value());
  const Moment begun = disk.env.moment();
  ASSERT_TRUE(disk.file->write_at(6, as_bytes(" and after")).has_value());
  ASSERT_TRUE(disk.env.as_begun_at(begun, [&] { return disk.file->sync_data(); }).has_value());
  EXPECT_EQ(disk.text(), "before and after");
  EXPECT_TRUE(disk.env.is_safe(kPath, 0, 6));
  EXPECT_FALSE(disk.env.is_safe(kPath, 0, 7));
  auto later = disk.env.clone();
  disk.crash(Survives::kNothingUnsynced);
  EXPECT_EQ(disk.text(), "before");

  const auto again = *later->open(kPath, OpenMode::kReadWrite);
  ASSERT_TRUE(again->sync_data().has_value());
  EXPECT_TRUE(later->is_safe(kPath, 0, 16)) << "the next one saves it all";
}

TEST(FakeEnv, AFileIsSafeWithItsNameAndAllFoldersAboveIt) {
  Disk disk;
  ASSERT_TRUE(disk.env.create_dirs("/data/a/b").has_value());
  const auto file = *disk.env.open("/data/a/b/file", OpenMode::kCreate);
  ASSERT_TRUE(file->write_at(0, as_bytes("1234")).has_value());
  ASSERT_TRUE(file->sync_data().has_value());
  EXPECT_FALSE(disk.env.is_safe("/data/a/b/file", 0, 4)) << "its name is not";
  ASSERT_TRUE(disk.env.sync_dir("/data/a/b").has_value());
  ASSERT_TRUE(disk.env.sync_dir("/data/a").has_value());
  EXPECT_FALSE(disk.env.is_safe("/data/a/b/file", 0, 4)) << "a folder above it is not";
  ASSERT_TRUE(disk.env.sync_dir("/data").has_value());
  EXPECT_TRUE(disk.env.is_safe("/data/a/b/file", 0, 4));
  EXPECT_FALSE(disk.env.is_safe("/data/a/b/file", 0, 5)) << "there is no more of it";

  ASSERT_TRUE(file->write_at(3, as_bytes("x")).has_value());
  EXPECT_TRUE(disk.env.is_safe("/data/a/b/file", 0, 3));
  EXPECT_FALSE(disk.env.is_safe("/data/a/b/file", 0, 4)) << "a crash leaves one or the other";
  ASSERT_TRUE(file->truncate(2).has_value());
  EXPECT_FALSE(disk.env.is_safe("/data/a/b/file", 0, 3));
  ASSERT_TRUE(disk.env.remove_file("/data/a/b/file").has_value());
  EXPECT_FALSE(disk.env.is_safe("/data/a/b/file", 0, 2));
}

TEST(FakeEnv, ASyncOfAFolderNeedNotSaveNamesThatCameAfterItBegan) {
  Disk disk;
  static_cast<void>(*disk.env.open("/data/early", OpenMode::kCreate));
  const Moment begun = disk.env.moment();
  static_cast<void>(*disk.env.open("/data/late", OpenMode::kCreate));
  ASSERT_TRUE(disk.env.create_dirs("/data/folder").has_value());
  ASSERT_TRUE(disk.env.as_begun_at(begun, [&] { return disk.env.sync_dir("/data"); }).has_value());
  disk.crash(Survives::kNothingUnsynced);
  EXPECT_EQ(disk.env.files("/data"), (std::vector<std::string>{"/data/early", kPath}));
  EXPECT_FALSE(*disk.env.exists("/data/folder"));
}

}  // namespace
}  // namespace penstock::fakes
