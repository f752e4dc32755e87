// What a pattern of topic names matches, and which patterns there are not.
#include "broker/group/topic_pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"
#include "broker/group/limits.h"

namespace penstock::group {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<std::string> kNames = {"orders", "orders.eu", "orders.us", "payments", "t1",
                                         "t12",    "t-x",       "T1",        "a"};

std::vector<std::string> matched(std::string_view text) {
  const auto pattern = TopicPattern::parse(text);
  EXPECT_TRUE(pattern) << text;
  std::vector<std::string> found;
  for (const std::string& name : kNames) {
    if (pattern && pattern->matches(name)) found.push_back(name);
  }
  return found;
}

TEST(TopicPattern, MatchesWholeNames) {
  EXPECT_THAT(matched("orders"), ElementsAre("orders"));
  EXPECT_THAT(matched("order"), IsEmpty());
  EXPECT_THAT(matched("^orders$"), ElementsAre("orders"));
  EXPECT_THAT(matched("orders.*"), ElementsAre("orders", "orders.eu", "orders.us"));
  EXPECT_THAT(matched("orders\\..+"), ElementsAre("orders.eu", "orders.us"));
}

TEST(TopicPattern, AlternativesRepetitionsAndSets) {
  EXPECT_THAT(matched("orders|payments"), ElementsAre("orders", "payments"));
  EXPECT_THAT(matched("(orders|pay)(\\.eu|ments)?"),
              ElementsAre("orders", "orders.eu", "payments"));
  EXPECT_THAT(matched("t[0-9]+"), ElementsAre("t1", "t12"));
  EXPECT_THAT(matched("[tT]1"), ElementsAre("t1", "T1"));
  EXPECT_THAT(matched("t[^0-9].*"), ElementsAre("t-x"));
  EXPECT_THAT(matched("t[-x]*"), ElementsAre("t-x"));
  EXPECT_THAT(matched("a?"), ElementsAre("a"));
  EXPECT_THAT(matched("(a|b*)*"), ElementsAre("a"));
  EXPECT_THAT(matched(".*"), testing::SizeIs(kNames.size()));
  EXPECT_THAT(matched("|a"), ElementsAre("a")) << "a name is never empty";
}

TEST(TopicPattern, WhatIsWrongIsToldWithItsPlace) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"", "empty"},          {"(a", "lacks a ')'"},
      {"a)", "too many"},     {"[a", "lacks a ']'"},
      {"[z-a]", "backwards"}, {"*a", "repeats nothing"},
      {"a\\", "ends with"},   {"\\d+", "write [0-9]"},
      {"a{3}", "count"},      {"a|*", "repeats nothing"}};
  for (const auto& [text, why] : wrong) {
    const auto pattern = TopicPattern::parse(text);
    ASSERT_FALSE(pattern) << text;
    EXPECT_EQ(pattern.error().code(), Errc::kInvalidArgument);
    EXPECT_THAT(pattern.error().message(), HasSubstr(why)) << text;
  }
  EXPECT_FALSE(TopicPattern::parse(std::string(kMaxPatternBytes + 1, 'a')));
}

// Where others try every way one after the other, and never end.
TEST(TopicPattern, ABadPatternCostsNoMoreThanAGoodOne) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "(a*)*";
  text.resize(std::min<std::size_t>(text.size(), 250));
  while (!TopicPattern::parse(text + "b")) text.pop_back();
  const auto pattern = TopicPattern::parse(text + "b");
  ASSERT_TRUE(pattern);
  EXPECT_FALSE(pattern->matches(std::string(249, 'a')));
  EXPECT_TRUE(pattern->matches(std::string(248, 'a') + "b"));
}

TEST(TopicPattern, AnyBytesAreAPatternOrAnError) {
  Rng rng(7);
  const std::string letters = "ab.*+?|()[]^$\\{}-1";
  std::size_t good = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (std::uint64_t n = rng.below(12); n > 0; --n) text += letters[rng.below(letters.size())];
    const auto pattern = TopicPattern::parse(text);
    if (!pattern) continue;
    ++good;
    static_cast<void>(pattern->matches("ab-a1"));
  }
  EXPECT_GT(good, 1'000U);
}

}  // namespace
}  // namespace penstock::group
