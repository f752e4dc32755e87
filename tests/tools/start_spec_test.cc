#include "tools/start_spec.h"

#include <gtest/gtest.h>

namespace penstock::tools {
namespace {

using Kind = StartSpec::Kind;
constexpr Timestamp kNow{1'714'566'600'000};

TEST(StartSpecTest, EveryForm) {
  EXPECT_EQ(*parse_start("beginning", kNow), (StartSpec{Kind::kBeginning, 0}));
  EXPECT_EQ(*parse_start("end", kNow), (StartSpec{Kind::kEnd, 0}));
  EXPECT_EQ(*parse_start("0", kNow), (StartSpec{Kind::kOffset, 0}));
  EXPECT_EQ(*parse_start("1234", kNow), (StartSpec{Kind::kOffset, 1234}));
  EXPECT_EQ(*parse_start("-10", kNow), (StartSpec{Kind::kLast, 10}));
  EXPECT_EQ(*parse_start("@-1h", kNow), (StartSpec{Kind::kTime, kNow.ms() - 3'600'000}));
  EXPECT_EQ(*parse_start("@2024-05-01T12:30:00Z", kNow), (StartSpec{Kind::kTime, kNow.ms()}));
}

TEST(StartSpecTest, AnythingElseIsRefused) {
  for (const std::string_view text : {"", "start", "1.5", "+3", "@", "@later", "12x", "--1",
                                      "-9223372036854775808", "9223372036854775808"}) {
    const auto start = parse_start(text, kNow);
    ASSERT_FALSE(start) << text;
    EXPECT_EQ(start.error().code(), Errc::kInvalidArgument);
  }
}

std::int64_t resolved(StartSpec start) {
  const auto offset = resolve_start(start, Offset(100), Offset(150));
  return offset ? offset->value() : -1;
}

TEST(StartSpecTest, ResolvesAgainstWhatThePartitionHolds) {
  EXPECT_EQ(resolved({Kind::kBeginning, 0}), 100);
  EXPECT_EQ(resolved({Kind::kEnd, 0}), 150);
  EXPECT_EQ(resolved({Kind::kLast, 10}), 140);
  EXPECT_EQ(resolved({Kind::kLast, 50}), 100);
  EXPECT_EQ(resolved({Kind::kLast, 80}), 100);
  EXPECT_EQ(resolved({Kind::kOffset, 100}), 100);
  EXPECT_EQ(resolved({Kind::kOffset, 150}), 150);
}

TEST(StartSpecTest, AnOffsetOutsideIsNamedWithTheRange) {
  EXPECT_EQ(resolved({Kind::kOffset, 99}), -1);
  const auto beyond = resolve_start({Kind::kOffset, 151}, Offset(100), Offset(150));
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().code(), Errc::kOffsetOutOfRange);
  EXPECT_EQ(beyond.error().message(), "offset 151 is not in the log, which holds 100 up to 150");
}

}  // namespace
}  // namespace penstock::tools
