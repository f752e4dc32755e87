// Objects in a local folder.
#include "archiver/object_store.h"

#include <gmock/gmock.h>

#include "tests/archiver/archive_fixture.h"

namespace penstock::archiver {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ObjectStoreTest : public ::testing::Test {
 protected:
  ObjectStoreTest() : folder_(make_folder("store")) {
    store_ = LocalObjectStore::open(posix_env(), folder_ + "/archive").value();
  }
  ~ObjectStoreTest() override { (void)posix_env().remove_tree(folder_); }

  std::string file(const std::string& content) {
    const std::string path = folder_ + "/file";
    EXPECT_TRUE(posix_env().replace_file(path, as_bytes(content)));
    return path;
  }
  std::string content(const std::string& name) {
    const auto stored = store_->get(name, 100);
    return stored ? std::string(as_text(stored->bytes)) : stored.error().to_string();
  }

  std::string folder_;
  std::unique_ptr<LocalObjectStore> store_;
};

TEST_F(ObjectStoreTest, AFolderThatTheEngineWouldTakeForAPatternIsRefused) {
  for (const std::string name : {"a[1]", "a*", "a?"}) {
    const auto store = LocalObjectStore::open(posix_env(), folder_ + "/" + name);
    ASSERT_FALSE(store) << name;
    EXPECT_EQ(store.error().code(), Errc::kInvalidArgument);
  }
}

TEST_F(ObjectStoreTest, AFileThatIsPutBecomesTheObject) {
  const std::string path = file("hello");
  ASSERT_TRUE(store_->put_file("a/0/x.parquet", path));
  EXPECT_EQ(content("a/0/x.parquet"), "hello");
  EXPECT_EQ(store_->stat("a/0/x.parquet")->size_bytes, 5U);
  EXPECT_FALSE(*posix_env().exists(path)) << "it was moved";
}

TEST_F(ObjectStoreTest, AnObjectIsNeverReplacedByAPut) {
  ASSERT_TRUE(store_->put_file("a/x", file("first")));
  const auto second = store_->put_file("a/x", file("second"));
  EXPECT_EQ(second.error().code(), Errc::kAlreadyExists);
  EXPECT_EQ(content("a/x"), "first");
}

TEST_F(ObjectStoreTest, TheHashIsOfWhatIsThereNow) {
  ASSERT_TRUE(store_->put_file("a/x", file("first")));
  const auto before = store_->stat("a/x")->hash;
  ASSERT_TRUE(posix_env().replace_file(store_->location("a/x"), as_bytes("other")));
  EXPECT_NE(store_->stat("a/x")->hash, before);
}

TEST_F(ObjectStoreTest, AReplacementNeedsTheVersionThatWasSeen) {
  const auto first = store_->replace("m", as_bytes("1"), std::nullopt);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(store_->replace("m", as_bytes("x"), std::nullopt).error().code(), Errc::kMismatch);
  const auto second = store_->replace("m", as_bytes("2"), *first);
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(store_->replace("m", as_bytes("x"), *first).error().code(), Errc::kMismatch);
  EXPECT_EQ(store_->get("m", 10)->version, *second);
  EXPECT_EQ(content("m"), "2");
}

TEST_F(ObjectStoreTest, AReplacementOfWhatIsGoneIsAMismatch) {
  const auto first = store_->replace("m", as_bytes("1"), std::nullopt);
  ASSERT_TRUE(store_->remove("m"));
  EXPECT_EQ(store_->replace("m", as_bytes("2"), *first).error().code(), Errc::kMismatch);
}

TEST_F(ObjectStoreTest, ListsByPrefixInOrderWithoutItsOwnFiles) {
  for (const char* name : {"b/0/2", "b/0/1", "a/0/1", "b/10/1"}) {
    ASSERT_TRUE(store_->put_file(name, file(name)));
  }
  ASSERT_TRUE(posix_env().replace_file(store_->temporary_dir() + "/left", as_bytes("x")));
  EXPECT_THAT(*store_->list(""), ElementsAre("a/0/1", "b/0/1", "b/0/2", "b/10/1"));
  EXPECT_THAT(*store_->list("b/0/"), ElementsAre("b/0/1", "b/0/2"));
  EXPECT_THAT(*store_->list("b/1"), ElementsAre("b/10/1"));
  EXPECT_THAT(*store_->list("c"), IsEmpty());
}

TEST_F(ObjectStoreTest, NoNameLeadsOutOfTheStore) {
  for (const char* name :
       {"", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", "@lock", "a/.", "a b", "a\nb"}) {
    EXPECT_EQ(store_->get(name, 10).error().code(), Errc::kInvalidArgument) << name;
    EXPECT_EQ(store_->put_file(name, file("x")).error().code(), Errc::kInvalidArgument) << name;
    EXPECT_EQ(store_->remove(name).error().code(), Errc::kInvalidArgument) << name;
    EXPECT_EQ(store_->stat(name).error().code(), Errc::kInvalidArgument) << name;
    EXPECT_EQ(store_->replace(name, {}, std::nullopt).error().code(), Errc::kInvalidArgument);
  }
}

TEST_F(ObjectStoreTest, WhatIsAbsentIsNotFound) {
  EXPECT_EQ(store_->get("a/x", 10).error().code(), Errc::kNotFound);
  EXPECT_EQ(store_->stat("a/x").error().code(), Errc::kNotFound);
  EXPECT_EQ(store_->remove("a/x").error().code(), Errc::kNotFound);
  const auto absent = LocalObjectStore::open_existing(posix_env(), folder_ + "/none");
  EXPECT_EQ(absent.error().code(), Errc::kNotFound);
  EXPECT_FALSE(*posix_env().exists(folder_ + "/none")) << "a reader creates nothing";
}

TEST_F(ObjectStoreTest, AWriterHoldsItAlone) {
  const auto first = store_->lock_for_writing();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(store_->lock_for_writing().error().code(), Errc::kLocked);
}

TEST_F(ObjectStoreTest, AChangeByAnotherProcessAtTheSameTimeIsTriedAgain) {
  const auto other = posix_env().lock(store_->location("@change-lock"));
  ASSERT_TRUE(other.has_value());
  const auto replaced = store_->replace("m", as_bytes("1"), std::nullopt);
  EXPECT_EQ(replaced.error().code(), Errc::kOverloaded);
  EXPECT_TRUE(replaced.error().retriable());
}

}  // namespace
}  // namespace penstock::archiver
