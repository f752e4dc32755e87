#include "base/nearest.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(NearestTest, DistanceCountsEditsAndSwaps) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("abc", ""), 3U);
  EXPECT_EQ(edit_distance("topic", "topics"), 1U);
  EXPECT_EQ(edit_distance("tpoic", "topic"), 1U);
  EXPECT_EQ(edit_distance("produce", "reduce"), 2U);
}

const std::vector<std::string> kCommands = {"topic", "produce", "consume", "verify", "doctor"};

TEST(NearestTest, FindsWhatWasMeant) {
  EXPECT_EQ(nearest("tpoic", kCommands), "topic");
  EXPECT_EQ(nearest("prodcue", kCommands), "produce");
  EXPECT_EQ(nearest("verfiy", kCommands), "verify");
}

TEST(NearestTest, CompletesAnUnambiguousBeginning) {
  EXPECT_EQ(nearest("doc", kCommands), "doctor");
  EXPECT_EQ(nearest("ver", kCommands), "verify");
}

TEST(NearestTest, StaysSilentRatherThanGuessWildly) {
  EXPECT_EQ(nearest("xyz", kCommands), std::nullopt);
  EXPECT_EQ(nearest("", kCommands), std::nullopt);
  EXPECT_EQ(nearest("frobnicate", kCommands), std::nullopt);
  EXPECT_EQ(nearest("topic", {}), std::nullopt);
}

}  // namespace
}  // namespace penstock
