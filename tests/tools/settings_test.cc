#include "tools/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using List = std::vector<std::string>;

TEST(SettingsTest, RepeatedAndListedPairsAreTheSame) {
  EXPECT_THAT(*parse_settings(List{"a=1,b=2", "c=3"}),
              ElementsAre(Pair("a", "1"), Pair("b", "2"), Pair("c", "3")));
}

TEST(SettingsTest, ACommaInsideAValueStays) {
  EXPECT_THAT(*parse_settings(List{"cleanup=delete,compact,size=3"}),
              ElementsAre(Pair("cleanup", "delete,compact"), Pair("size", "3")));
}

TEST(SettingsTest, AnEmptyValueAndAnEqualsSignInAValueAreKept) {
  EXPECT_THAT(*parse_settings(List{"a=", "b=x=y"}), ElementsAre(Pair("a", ""), Pair("b", "x=y")));
}

TEST(SettingsTest, WhatIsNoPairIsShown) {
  EXPECT_EQ(parse_settings(List{"retention"}).error().message(),
            "'retention' is not of the form NAME=VALUE");
  EXPECT_EQ(parse_settings(List{"=1"}).error().message(), "'=1' is not of the form NAME=VALUE");
  EXPECT_EQ(parse_settings(List{"a=1", "a=2"}).error().message(), "setting 'a' is given twice");
}

TEST(SettingsTest, HeadersKeepOrderRepetitionAndCommas) {
  EXPECT_THAT(*parse_headers(List{"b=1,2", "a=", "b=3"}),
              ElementsAre(Pair("b", "1,2"), Pair("a", ""), Pair("b", "3")));
  EXPECT_FALSE(parse_headers(List{"lonely"}));
}

TEST(SettingsTest, NamesAreSplitAtCommas) {
  EXPECT_THAT(parse_names(List{"a,b", "c", ""}), ElementsAre("a", "b", "c"));
}

}  // namespace
}  // namespace penstock::tools
