// For how long a follower has been behind, told from where the log ended at which time.
#include "broker/server/log_end_history.h"

#include <gtest/gtest.h>

namespace penstock::broker {
namespace {

TEST(LogEndHistory, AFollowerIsBehindSinceTheFirstRecordThatItLacks) {
  LogEndHistory history;
  history.look(Offset(10), 1'000);
  history.look(Offset(20), 1'500);
  history.look(Offset(30), 2'000);
  EXPECT_EQ(history.behind_ms(Offset(30), 9'000), 0);
  EXPECT_EQ(history.behind_ms(Offset(29), 9'000), 7'000);
  EXPECT_EQ(history.behind_ms(Offset(20), 9'000), 7'000);
  EXPECT_EQ(history.behind_ms(Offset(19), 9'000), 7'500);
  EXPECT_EQ(history.behind_ms(Offset(0), 9'000), 8'000) << "or before: nobody looked";
}

TEST(LogEndHistory, NobodyIsBehindALogThatNobodyLookedAt) {
  EXPECT_EQ(LogEndHistory().behind_ms(Offset(0), 9'000), 0);
}

TEST(LogEndHistory, TimeInWhichNothingWasWrittenDoesNotCount) {
  LogEndHistory history;
  history.look(Offset(10), 1'000);
  for (std::int64_t at = 1'500; at < 3'600'000; at += 500) history.look(Offset(10), at);
  history.look(Offset(11), 3'600'000);
  EXPECT_EQ(history.behind_ms(Offset(10), 3'600'200), 200);
}

TEST(LogEndHistory, WhatWasCutNeverWasMissing) {
  LogEndHistory history;
  history.look(Offset(10), 1'000);
  history.look(Offset(50), 2'000);
  history.look(Offset(10), 3'000);
  EXPECT_EQ(history.behind_ms(Offset(10), 9'000), 0);
  EXPECT_EQ(history.behind_ms(Offset(9), 9'000), 8'000);
}

// An hour of steady writing, looked at twice a second: a follower that is an hour behind is told
// within a quarter of that, one that is a second behind within a second.
TEST(LogEndHistory, ReachesFarBackAndIsPreciseNearby) {
  LogEndHistory history;
  constexpr std::int64_t kHour = 3'600'000;
  for (std::int64_t at = 0; at <= kHour; at += 500) history.look(Offset(at), at);
  EXPECT_EQ(history.behind_ms(Offset(kHour), kHour), 0);
  EXPECT_NEAR(static_cast<double>(history.behind_ms(Offset(1'000), kHour)), 1.0 * kHour,
              0.25 * kHour);
  EXPECT_NEAR(static_cast<double>(history.behind_ms(Offset(kHour / 2), kHour)), 0.5 * kHour,
              0.125 * kHour);
  EXPECT_LE(history.behind_ms(Offset(kHour - 1'000), kHour), 1'000);
}

}  // namespace
}  // namespace penstock::broker
