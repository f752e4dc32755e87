// The table of error codes and what carries them.
#include "base/errc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <set>

#include "base/result.h"

namespace penstock {
namespace {

using testing::HasSubstr;

TEST(ErrcTable, NumbersAndNamesAreUniqueAndNumbersRise) {
  std::set<std::string_view> names;
  int previous = -1;
  for (const ErrcInfo& row : errc_table()) {
    EXPECT_GT(int{row.number}, previous) << row.name;
    previous = row.number;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(static_cast<std::uint16_t>(row.code), row.number) << row.name;
  }
}

TEST(ErrcTable, EveryMeaningIsAPhraseThatFitsIntoAMessage) {
  for (const ErrcInfo& row : errc_table()) {
    ASSERT_FALSE(row.meaning.empty()) << row.name;
    EXPECT_NE(row.meaning.back(), '.') << row.name;
    EXPECT_FALSE(std::isupper(static_cast<unsigned char>(row.meaning[0])) &&
                 std::islower(static_cast<unsigned char>(row.meaning[1])))
        << row.name;
  }
}

TEST(ErrcTable, EveryNumberFindsItsRow) {
  for (const ErrcInfo& row : errc_table()) {
    EXPECT_EQ(&info(row.code), &row);
    EXPECT_EQ(errc_from_wire(row.number), row.code);
  }
}

TEST(ErrcTable, UnknownNumbersAreInternal) {
  for (const std::uint32_t number : {19U, 999U, 65'536U, 65'537U, 0xffffffffU}) {
    EXPECT_EQ(errc_from_wire(number), Errc::kInternal) << number;
  }
  EXPECT_EQ(info(static_cast<Errc>(999)).code, Errc::kInternal);
}

TEST(ErrcTable, WhatMayHaveHappenedIsNeverCalledCertain) {
  for (const Errc unknown : {Errc::kTimeout, Errc::kConnectionLost, Errc::kFsyncFailed}) {
    EXPECT_EQ(info(unknown).outcome, Outcome::kMaybeDone) << info(unknown).name;
  }
  for (const Errc certain : {Errc::kDiskFull, Errc::kOverloaded, Errc::kConnectFailed}) {
    EXPECT_EQ(info(certain).outcome, Outcome::kNotDone) << info(certain).name;
    EXPECT_EQ(info(certain).retry, Retry::kRetry) << info(certain).name;
  }
}

TEST(Error, SaysItsMeaningWhenNothingBetterIsKnown) {
  const Error error(Errc::kDiskFull);
  EXPECT_THAT(error.to_string(), HasSubstr("DiskFull: no space is left"));
  EXPECT_TRUE(error.retriable());
  EXPECT_EQ(error.outcome(), Outcome::kNotDone);
}

TEST(Error, ContextGoesInFrontAndKeepsTheCode) {
  const Error error =
      Error(Errc::kPermissionDenied, "permission denied").context("/data/x.log").context("open");
  EXPECT_EQ(error.code(), Errc::kPermissionDenied);
  EXPECT_EQ(error.to_string(), "PermissionDenied: open: /data/x.log: permission denied");
}

Result<int> half(int n) {
  if (n % 2 != 0) return fail(Errc::kInvalidArgument, "odd");
  return n / 2;
}

Result<int> quarter(int n) {
  PENSTOCK_TRY_ASSIGN(const int once, half(n));
  PENSTOCK_TRY_ASSIGN(const int twice, half(once));
  return twice;
}

Status must_be_even(int n) {
  PENSTOCK_TRY(half(n));
  return {};
}

TEST(Result, TryHandsTheErrorUpAndTheValueOn) {
  EXPECT_EQ(quarter(12).value(), 3);
  EXPECT_EQ(quarter(6).error().message(), "odd");
  EXPECT_TRUE(must_be_even(4));
  EXPECT_EQ(must_be_even(5).error().code(), Errc::kInvalidArgument);
}

}  // namespace
}  // namespace penstock
