#include "tools/time_spec.h"

#include <gtest/gtest.h>

namespace penstock::tools {
namespace {

constexpr Timestamp kNow{1'714'566'600'000};  // 2024-05-01T12:30:00Z

std::int64_t ms(std::string_view text) {
  const auto time = parse_time(text, kNow);
  return time ? time->ms() : -1;
}

TEST(TimeSpecTest, Iso8601IsUtcUnlessItSaysOtherwise) {
  EXPECT_EQ(ms("2024-05-01T12:30:00Z"), kNow.ms());
  EXPECT_EQ(ms("2024-05-01T12:30:00"), kNow.ms());
  EXPECT_EQ(ms("2024-05-01T12:30"), kNow.ms());
  EXPECT_EQ(ms("2024-05-01 12:30"), kNow.ms());
  EXPECT_EQ(ms("2024-05-01T14:30:00+02:00"), kNow.ms());
  EXPECT_EQ(ms("2024-05-01T07:00:00-0530"), kNow.ms());
  EXPECT_EQ(ms("2024-05-01T14:30+02"), kNow.ms());
  EXPECT_EQ(ms("2024-05-01"), kNow.ms() - (12 * 60 + 30) * 60'000);
  EXPECT_EQ(ms("1970-01-01T00:00:00Z"), 0);
}

TEST(TimeSpecTest, FractionsCountToTheMillisecond) {
  EXPECT_EQ(ms("2024-05-01T12:30:00.5Z"), kNow.ms() + 500);
  EXPECT_EQ(ms("2024-05-01T12:30:00.042Z"), kNow.ms() + 42);
  EXPECT_EQ(ms("2024-05-01T12:30:00.042999Z"), kNow.ms() + 42);
}

TEST(TimeSpecTest, DigitsAreMillisecondsSince1970) {
  EXPECT_EQ(ms("1714566600000"), kNow.ms());
  EXPECT_EQ(ms("0"), 0);
}

TEST(TimeSpecTest, SecondsAndYearsAreNotTakenForMilliseconds) {
  EXPECT_EQ(ms("1714566600"), -1);
  EXPECT_EQ(ms("2024"), -1);
}

TEST(TimeSpecTest, AMinusCountsBackFromNow) {
  EXPECT_EQ(ms("-500ms"), kNow.ms() - 500);
  EXPECT_EQ(ms("-90s"), kNow.ms() - 90'000);
  EXPECT_EQ(ms("-15m"), kNow.ms() - 900'000);
  EXPECT_EQ(ms("-1h"), kNow.ms() - 3'600'000);
  EXPECT_EQ(ms("-2d"), kNow.ms() - 2LL * 86'400'000);
  EXPECT_EQ(ms("-1w"), kNow.ms() - 7LL * 86'400'000);
  EXPECT_EQ(ms("now"), kNow.ms());
}

TEST(TimeSpecTest, WhatIsNoTimeIsRefused) {
  for (const std::string_view text : {"",
                                      "-",
                                      "-1",
                                      "-h",
                                      "-1y",
                                      "--1h",
                                      "-99999999999999999999s",
                                      "-9999999d",
                                      "yesterday",
                                      "2024",
                                      "2024-13-01",
                                      "2024-02-30",
                                      "2023-02-29",
                                      "2024-05-01T",
                                      "2024-05-01T24:00",
                                      "2024-05-01T12",
                                      "2024-05-01T12:30:60",
                                      "2024-05-01T12:30:00.Z",
                                      "2024-05-01T12:30:00+",
                                      "2024-05-01T12:30:00ZZ",
                                      "2024-05-01X",
                                      "24-05-01",
                                      "99999999999999999999",
                                      "1969-12-31T00:00:00Z"}) {
    const auto time = parse_time(text, kNow);
    ASSERT_FALSE(time) << text << " was taken for " << time->ms();
    EXPECT_EQ(time.error().code(), Errc::kInvalidArgument);
  }
  EXPECT_EQ(ms("2024-02-29"), 1'709'164'800'000);
}

TEST(TimeSpecTest, PrintsWhatItReads) {
  EXPECT_EQ(format_time(kNow), "2024-05-01T12:30:00.000Z");
  EXPECT_EQ(ms(format_time(Timestamp(1'517'966'773'840))), 1'517'966'773'840);
  EXPECT_EQ(format_time(Timestamp(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_time(Timestamp()), "-");
}

}  // namespace
}  // namespace penstock::tools
