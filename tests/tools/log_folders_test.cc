#include "tools/log_folders.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace penstock::tools {
namespace {

constexpr std::string_view kId = "0123456789abcdef0123456789abcdef";

TEST(LogFoldersTest, APathTellsWhoseLogItIs) {
  const std::string id(kId);
  EXPECT_EQ(owner_of_path("/data/topics/orders-" + id + "/3"),
            std::pair(std::string("orders"), PartitionId(3)));
  EXPECT_EQ(owner_of_path("a-b-" + id + "/0"), std::pair(std::string("a-b"), PartitionId(0)));
  EXPECT_EQ(owner_of_path("/data/meta"), std::nullopt);
  EXPECT_EQ(owner_of_path("/data/orders/3"), std::nullopt);
  EXPECT_EQ(owner_of_path("3"), std::nullopt);
  EXPECT_EQ(owner_of_path("orders-" + id + "/x"), std::nullopt);
  EXPECT_EQ(owner_of_path(""), std::nullopt);
}

class LogFoldersOnDiskTest : public ::testing::Test {
 protected:
  LogFoldersOnDiskTest() {
    std::string name = (std::filesystem::temp_directory_path() / "log_folders.XXXXXX").string();
    root_ = mkdtemp(name.data());
  }
  ~LogFoldersOnDiskTest() override { std::filesystem::remove_all(root_); }

  void put(const std::string& path) {
    std::filesystem::create_directories(std::filesystem::path(root_ + "/" + path).parent_path());
    std::ofstream(root_ + "/" + path) << "x";
  }

  std::string root_;
};

TEST_F(LogFoldersOnDiskTest, FindsEveryLogBelowADataDirectoryInOrder) {
  const std::string orders = "broker/topics/orders-" + std::string(kId);
  put("archive/orders/0/manifest");
  put("broker/meta/00000000000000000000.log");
  put(orders + "/10/00000000000000000000.log");
  put(orders + "/2/checkpoint");
  const auto folders = find_log_folders(posix_env(), root_ + "/");
  ASSERT_TRUE(folders);
  ASSERT_EQ(folders->size(), 3U);
  EXPECT_EQ((*folders)[0].topic, "meta");
  EXPECT_EQ((*folders)[1].topic, "orders");
  EXPECT_EQ((*folders)[1].partition, PartitionId(2));
  EXPECT_EQ((*folders)[2].partition, PartitionId(10));
  EXPECT_EQ((*folders)[2].path, root_ + "/" + orders + "/10");
}

TEST_F(LogFoldersOnDiskTest, ALogFolderItselfIsFound) {
  put("p/00000000000000000000.log");
  const auto folders = find_log_folders(posix_env(), root_ + "/p");
  ASSERT_TRUE(folders);
  ASSERT_EQ(folders->size(), 1U);
  EXPECT_EQ((*folders)[0].topic, "p");
}

TEST_F(LogFoldersOnDiskTest, NoFolderIsNotFound) {
  const auto folders = find_log_folders(posix_env(), root_ + "/missing");
  ASSERT_FALSE(folders);
  EXPECT_EQ(folders.error().code(), Errc::kNotFound);
}

}  // namespace
}  // namespace penstock::tools
