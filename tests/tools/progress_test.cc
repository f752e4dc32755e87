#include "tools/progress.h"

#include <gtest/gtest.h>

namespace penstock::tools {
namespace {

TEST(ProgressTest, WithAKnownSizeThereIsABarAndTheTimeLeft) {
  EXPECT_EQ(
      progress_line({.records = 20000, .bytes = 500'000, .total_bytes = 1'000'000, .seconds = 2},
                    200),
      "[==========>         ]  50 %  20,000 records  500 KB  10,000/s  250 KB/s  2.00 s left");
}

TEST(ProgressTest, TheEndIsFull) {
  EXPECT_EQ(progress_line({.records = 1, .bytes = 10, .total_bytes = 10, .seconds = 1}, 200),
            "[====================] 100 %  1 records  10 B  1/s  10 B/s");
}

TEST(ProgressTest, AnInputThatGrowsMeanwhileStaysAtFull) {
  EXPECT_EQ(progress_line({.records = 1, .bytes = 30, .total_bytes = 10, .seconds = 1}, 200)
                .substr(0, 29),
            "[====================] 100 % ");
}

TEST(ProgressTest, APipeHasNoBar) {
  EXPECT_EQ(progress_line({.records = 5, .bytes = 1'230'000, .total_bytes = {}, .seconds = 1}, 200),
            "5 records  1.23 MB  5/s  1.23 MB/s");
}

TEST(ProgressTest, TheLineNeverWraps) {
  EXPECT_EQ(progress_line({.records = 5, .bytes = 99, .total_bytes = 100, .seconds = 1}, 10).size(),
            10U);
}

TEST(ProgressTest, NothingYetIsNotDividedByZero) {
  EXPECT_EQ(progress_line({}, 200), "0 records  0 B  0/s  0 B/s");
}

TEST(RedrawClockTest, LetsOneThroughEachInterval) {
  RedrawClock clock(100);
  EXPECT_TRUE(clock.due(1000));
  EXPECT_FALSE(clock.due(1099));
  EXPECT_TRUE(clock.due(1100));
  EXPECT_FALSE(clock.due(1199));
}

}  // namespace
}  // namespace penstock::tools
