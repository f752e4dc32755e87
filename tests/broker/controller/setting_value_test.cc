#include "broker/controller/setting_value.h"

#include <gtest/gtest.h>

namespace penstock::broker {
namespace {

TEST(SettingValue, PeopleMayWriteUnits) {
  EXPECT_EQ(parse_size("1048576"), 1'048'576);
  EXPECT_EQ(parse_size("1MiB"), 1'048'576);
  EXPECT_EQ(parse_size("3KiB"), 3'072);
  EXPECT_EQ(parse_size("7B"), 7);
  EXPECT_EQ(parse_duration_ms("90s"), 90'000);
  EXPECT_EQ(parse_duration_ms("250ms"), 250);
  EXPECT_EQ(parse_duration_ms("7d"), 604'800'000);
  EXPECT_EQ(parse_duration_ms("unlimited"), kUnlimited);
  EXPECT_EQ(parse_size("-1"), kUnlimited);
}

TEST(SettingValue, WhatIsNoNumberIsRefused) {
  for (const char* text : {"", "MiB", "1 MiB", "1mib", "1.5GiB", "0x10", "1GiBx", "nine",
                           "9223372036854775807GiB", "99999999999999999999"}) {
    EXPECT_EQ(parse_size(text).error().code(), Errc::kInvalidSetting) << text;
  }
  EXPECT_FALSE(parse_duration_ms("1MiB"));
}

TEST(SettingValue, NumbersAreShownInTheLargestUnitThatDividesThem) {
  EXPECT_EQ(format_size(1'048'576), "1MiB");
  EXPECT_EQ(format_size(1'048'577), "1048577B");
  EXPECT_EQ(format_size(0), "0");
  EXPECT_EQ(format_size(kUnlimited), "unlimited");
  EXPECT_EQ(format_duration_ms(90'000), "90s");
  EXPECT_EQ(format_duration_ms(3'600'000), "1h");
}

}  // namespace
}  // namespace penstock::broker
