// The floors on the real machine: real files and sockets, very short, and nothing about speed.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <sstream>

#include "bench/floor.h"

namespace penstock::bench {
namespace {

class FloorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "floor-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    options_.dir = pattern;
    options_.seconds = 0.01;
  }
  void TearDown() override { std::filesystem::remove_all(options_.dir); }

  FloorOptions options_;
};

TEST_F(FloorTest, EveryLimitIsMeasuredAndNothingIsLeftBehind) {
  std::ostringstream out;
  const auto figures = run_floors(posix_env(), options_, out);
  ASSERT_TRUE(figures) << figures.error().to_string();
  for (const char* kind :
       {"kind=disk", "kind=flushed_write block_bytes=1048576", "kind=flush block_bytes=4096",
        "kind=loopback_stream", "kind=loopback_ping", "kind=memory_copy", "kind=crc32c"}) {
    EXPECT_NE(out.str().find(std::string("FLOOR ") + kind), std::string::npos) << kind;
  }
  EXPECT_TRUE(std::filesystem::is_empty(options_.dir));
}

TEST_F(FloorTest, WritesAndFlushesWhatItClaims) {
  for (const FlushPattern pattern : {FlushPattern::kAlternating, FlushPattern::kOverlapped}) {
    const auto floor = flushed_write_floor(posix_env(), options_, 300'000, pattern);
    ASSERT_TRUE(floor) << floor.error().to_string();
    EXPECT_GT(floor->operations, 0U);
    EXPECT_EQ(floor->bytes, floor->operations * 300'000);
    EXPECT_GT(floor->seconds, 0);
  }
}

TEST_F(FloorTest, TheStreamCountsWhatArrived) {
  const auto floor = loopback_stream_floor(options_, 65'536);
  ASSERT_TRUE(floor) << floor.error().to_string();
  EXPECT_EQ(floor->bytes, floor->operations * 65'536);
}

TEST_F(FloorTest, AFolderThatDoesNotExistIsNamed) {
  options_.dir += "/missing";
  const auto floor = flushed_write_floor(posix_env(), options_, 1U << 20);
  ASSERT_FALSE(floor);
  EXPECT_NE(floor.error().message().find("missing"), std::string::npos);
}

}  // namespace
}  // namespace penstock::bench
