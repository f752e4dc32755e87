#include "tools/rate_limiter.h"

#include <gtest/gtest.h>

namespace penstock::tools {
namespace {

TEST(RateLimiterTest, RecordsAreDueAtEvenDistances) {
  RateLimiter limiter(1000, 5'000'000'000);
  EXPECT_EQ(limiter.take(), 5'000'000'000);
  EXPECT_EQ(limiter.take(), 5'001'000'000);
  EXPECT_EQ(limiter.take(), 5'002'000'000);
}

TEST(RateLimiterTest, TheThousandthSecondIsExact) {
  RateLimiter limiter(3, 0);
  std::int64_t due = 0;
  for (int i = 0; i <= 3000; ++i) due = limiter.take();
  EXPECT_EQ(due, 1'000'000'000'000);
}

TEST(RateLimiterTest, ALateCallerIsNotSlowedFurther) {
  RateLimiter limiter(10, 0);
  limiter.take();
  // However late it is by now, the second record was due after 100 ms.
  EXPECT_EQ(limiter.take(), 100'000'000);
}

TEST(RateLimiterTest, WithoutALimitEverythingIsDueAtOnce) {
  RateLimiter limiter(0, 42);
  EXPECT_EQ(limiter.take(), 42);
  EXPECT_EQ(limiter.take(), 42);
}

}  // namespace
}  // namespace penstock::tools
