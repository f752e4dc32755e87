// The fault model is only worth what the fake keeps of it: its promises, one by one.
#include "tests/fakes/fake_env.h"

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

}  // namespace
}  // namespace penstock::fakes
