#include "bench/open_loop.h"

#include <gtest/gtest.h>

namespace penstock::bench {
namespace {

TEST(OpenLoop, RecordsAreDueAtEvenDistances) {
  const OpenLoop loop(1'000, 10'000);
  EXPECT_EQ(loop.due_ns(0), 1'000);
  EXPECT_EQ(loop.due_ns(1), 101'000);
  EXPECT_EQ(loop.due_ns(3), 301'000);
}

TEST(OpenLoop, RoundingDoesNotAddUp) {
  // Three a second is no whole number of nanoseconds; after an hour it is still on time.
  const OpenLoop loop(0, 3);
  EXPECT_NEAR(static_cast<double>(loop.due_ns(3 * 3600)), 3600e9, 1e3);
}

}  // namespace
}  // namespace penstock::bench
