// The real files behind Env: what calls do, and what they say when they cannot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "tests/base/temporary_folder.h"

namespace penstock {
namespace {

using testing::HasSubstr;

class PosixEnvTest : public testing::Test {
 protected:
  std::unique_ptr<File> create(const std::string& name) {
    auto file = env_.open(folder_.path(name), OpenMode::kCreate);
    EXPECT_TRUE(file) << file.error().to_string();
    return *std::move(file);
  }
  std::string contents(const std::string& name) {
    const auto bytes = env_.read_file(folder_.path(name), 1U << 20);
    return bytes ? std::string(as_text(*bytes)) : bytes.error().to_string();
  }

  TemporaryFolder folder_;
  Env& env_ = posix_env();
};

TEST_F(PosixEnvTest, WhatIsWrittenIsRead) {
  const auto file = create("a");
  ASSERT_TRUE(file->write_at(0, as_bytes("hello")));
  ASSERT_TRUE(file->write_at(10, as_bytes("world")));
  Bytes into(20);
  EXPECT_EQ(file->read_at(0, into).value(), 15) << "fewer only at the end of the file";
  EXPECT_EQ(std::string(as_text(ByteView(into).first(15))),
            std::string("hello\0\0\0\0\0world", 15));
  EXPECT_EQ(file->read_at(100, into).value(), 0);
  EXPECT_EQ(file->size().value(), 15);
  EXPECT_EQ(file->path(), folder_.path("a"));
}

TEST_F(PosixEnvTest, ManyPartsAreWrittenOneBehindTheOther) {
  const auto file = create("a");
  std::vector<std::string> texts;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    texts.push_back(std::to_string(i));
    expected += texts.back();
  }
  std::vector<ByteView> parts;
  for (const std::string& text : texts) {
    parts.push_back(as_bytes(text));
    parts.emplace_back();
  }
  ASSERT_TRUE(file->write_parts_at(0, parts));
  EXPECT_EQ(contents("a"), expected);
}

TEST_F(PosixEnvTest, NoPartsAreNoWrite) {
  const auto file = create("a");
  EXPECT_TRUE(file->write_parts_at(0, {}));
  EXPECT_EQ(file->size().value(), 0);
}

TEST_F(PosixEnvTest, CachedReadsSeeWhatWasJustWritten) {
  const auto file = create("a");
  ASSERT_TRUE(file->write_at(0, as_bytes("hello")));
  Bytes into(5);
  const auto got = file->read_cached_at(0, into);
  if (got) {
    EXPECT_EQ(std::string(as_text(into)), "hello");
  } else {
    EXPECT_EQ(got.error().code(), Errc::kWouldBlock);
  }
}

TEST_F(PosixEnvTest, AllocateExtendsWithZeroesAndNeverShrinks) {
  const auto file = create("a");
  ASSERT_TRUE(file->write_at(0, as_bytes("abc")));
  ASSERT_TRUE(file->allocate(1000));
  EXPECT_EQ(file->size().value(), 1000);
  ASSERT_TRUE(file->allocate(10));
  EXPECT_EQ(file->size().value(), 1000);
  Bytes into(1000);
  ASSERT_TRUE(file->read_at(0, into));
  EXPECT_EQ(into[2], std::byte{'c'});
  EXPECT_EQ(into[999], std::byte{0});
  ASSERT_TRUE(file->truncate(2));
  EXPECT_EQ(contents("a"), "ab");
  EXPECT_TRUE(file->sync_data());
}

TEST_F(PosixEnvTest, OpeningSaysWhatIsInTheWay) {
  EXPECT_EQ(env_.open(folder_.path("none"), OpenMode::kRead).error().code(), Errc::kNotFound);
  EXPECT_EQ(env_.open(folder_.path("none"), OpenMode::kReadWrite).error().code(), Errc::kNotFound);
  EXPECT_EQ(env_.open(folder_.path("no/such"), OpenMode::kCreate).error().code(), Errc::kNotFound);
  create("there");
  const auto again = env_.open(folder_.path("there"), OpenMode::kCreate);
  EXPECT_EQ(again.error().code(), Errc::kAlreadyExists);
  EXPECT_THAT(again.error().message(), HasSubstr(folder_.path("there")));
  EXPECT_TRUE(env_.open(folder_.path("there"), OpenMode::kOpenOrCreate));
  EXPECT_EQ(env_.open(folder_.path(), OpenMode::kReadWrite).error().code(), Errc::kIoError)
      << "a folder is no file";
}

TEST_F(PosixEnvTest, WritingAFileThatIsOpenForReadingFails) {
  create("a");
  const auto file = env_.open(folder_.path("a"), OpenMode::kRead);
  ASSERT_TRUE(file);
  EXPECT_EQ((*file)->write_at(0, as_bytes("x")).error().code(), Errc::kIoError);
}

TEST_F(PosixEnvTest, AFullDeviceIsDiskFull) {
  const auto full = env_.open("/dev/full", OpenMode::kReadWrite);
  if (!full) GTEST_SKIP() << "no /dev/full here";
  const Status written = (*full)->write_at(0, as_bytes("x"));
  EXPECT_EQ(written.error().code(), Errc::kDiskFull);
  EXPECT_TRUE(written.error().retriable());
}

TEST_F(PosixEnvTest, DeniedAccessIsSaid) {
  if (::geteuid() == 0) GTEST_SKIP() << "root is denied nothing";
  ASSERT_TRUE(env_.create_dirs(folder_.path("closed")));
  std::filesystem::permissions(folder_.path("closed"), std::filesystem::perms::owner_read);
  EXPECT_EQ(env_.open(folder_.path("closed/x"), OpenMode::kCreate).error().code(),
            Errc::kPermissionDenied);
  std::filesystem::permissions(folder_.path("closed"), std::filesystem::perms::owner_all);
}

TEST_F(PosixEnvTest, FoldersAreListedMadeAndRemoved) {
  ASSERT_TRUE(env_.create_dirs(folder_.path("x/y")));
  ASSERT_TRUE(env_.create_dirs(folder_.path("x/y"))) << "already there is fine";
  create("x/file");
  const auto entries = env_.list(folder_.path("x"));
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 2);
  for (const FileInfo& entry : *entries) EXPECT_EQ(entry.is_dir, entry.name == "y");
  EXPECT_EQ(env_.list(folder_.path("none")).error().code(), Errc::kNotFound);
  ASSERT_TRUE(env_.sync_dir(folder_.path("x")));
  ASSERT_TRUE(env_.remove_tree(folder_.path("x")));
  EXPECT_FALSE(env_.exists(folder_.path("x")).value());
  EXPECT_TRUE(env_.remove_tree(folder_.path("x"))) << "gone already is fine";
  EXPECT_EQ(env_.create_dirs("/dev/null/x").error().code(), Errc::kNotFound);
}

TEST_F(PosixEnvTest, FilesAreRenamedOverOthersAndRemoved) {
  ASSERT_TRUE(create("a")->write_at(0, as_bytes("new")));
  ASSERT_TRUE(create("b")->write_at(0, as_bytes("old")));
  ASSERT_TRUE(env_.rename(folder_.path("a"), folder_.path("b")));
  EXPECT_EQ(contents("b"), "new");
  EXPECT_FALSE(env_.exists(folder_.path("a")).value());
  EXPECT_EQ(env_.rename(folder_.path("a"), folder_.path("b")).error().code(), Errc::kNotFound);
  ASSERT_TRUE(env_.remove_file(folder_.path("b")));
  EXPECT_EQ(env_.remove_file(folder_.path("b")).error().code(), Errc::kNotFound);
}

TEST_F(PosixEnvTest, ReplacingAFileLeavesNoTrace) {
  ASSERT_TRUE(env_.replace_file(folder_.path("a"), as_bytes("one, a long one")));
  ASSERT_TRUE(env_.replace_file(folder_.path("a"), as_bytes("two")));
  EXPECT_EQ(contents("a"), "two");
  EXPECT_EQ(env_.list(folder_.path())->size(), 1);
}

TEST_F(PosixEnvTest, AStaleTemporaryFileIsNoObstacle) {
  ASSERT_TRUE(create("a.tmp")->write_at(0, as_bytes("left over by a crash, longer than the new")));
  ASSERT_TRUE(env_.replace_file(folder_.path("a"), as_bytes("new")));
  EXPECT_EQ(contents("a"), "new");
}

TEST_F(PosixEnvTest, ReadingAFileIsLimited) {
  ASSERT_TRUE(create("a")->write_at(0, as_bytes("12345")));
  EXPECT_TRUE(env_.read_file(folder_.path("a"), 5));
  EXPECT_EQ(env_.read_file(folder_.path("a"), 4).error().code(), Errc::kCorrupt);
}

TEST_F(PosixEnvTest, ALockIsHeldByOneUntilItGoesAway) {
  auto held = env_.lock(folder_.path("lock"));
  ASSERT_TRUE(held) << held.error().to_string();
  EXPECT_EQ(env_.lock(folder_.path("lock")).error().code(), Errc::kLocked);
  held->reset();
  EXPECT_TRUE(env_.lock(folder_.path("lock")));
}

TEST_F(PosixEnvTest, DiskSpaceIsKnown) {
  const auto space = env_.disk_space(folder_.path());
  ASSERT_TRUE(space);
  EXPECT_GT(space->total_bytes, 0);
  EXPECT_LE(space->available_bytes, space->total_bytes);
  EXPECT_EQ(env_.disk_space(folder_.path("none")).error().code(), Errc::kNotFound);
}

TEST(DirOf, IsTheFolderPart) {
  EXPECT_EQ(dir_of("/a/b"), "/a");
  EXPECT_EQ(dir_of("/a"), "/");
  EXPECT_EQ(dir_of("a"), ".");
  EXPECT_EQ(dir_of("a/b/c"), "a/b");
}

}  // namespace
}  // namespace penstock
