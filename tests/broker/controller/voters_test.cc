#include "broker/controller/voters.h"

#include <gtest/gtest.h>

#include <map>

#include "base/random.h"

namespace penstock::broker {
namespace {

// "1a 2b 3c! 4 -5": broker 3 in rack c is not live; 4 has no rack; 5 is not active.
std::vector<VoterCandidate> candidates(const std::string& text) {
  std::vector<VoterCandidate> list;
  std::string word;
  for (const char c : text + " ") {
    if (c != ' ') {
      word += c;
      continue;
    }
    if (word.empty()) continue;
    VoterCandidate one{.id = raft::NodeId(std::abs(std::stoi(word))),
                       .rack = "",
                       .active = !word.starts_with('-'),
                       .live = !word.ends_with('!')};
    for (const char letter : word) {
      if (std::isalpha(static_cast<unsigned char>(letter))) one.rack += letter;
    }
    list.push_back(one);
    word.clear();
  }
  return list;
}

ReplicaList nodes(std::initializer_list<int> numbers) {
  ReplicaList list;
  for (const int number : numbers) list.emplace_back(number);
  return list;
}

std::string plan(const std::string& active, std::initializer_list<int> now) {
  const ControllerMembers members = plan_voters(candidates(active), nodes(now));
  return to_string(members.voters) + " | " + to_string(members.learners);
}

TEST(Voters, OneThreeOrFive) {
  EXPECT_EQ(plan("", {}), " | ");
  EXPECT_EQ(plan("1", {1}), "1 | ");
  EXPECT_EQ(plan("1 2", {1}), "1 | 2");
  EXPECT_EQ(plan("1 2 3", {1}), "1,2,3 | ");
  EXPECT_EQ(plan("1 2 3 4", {1, 2, 3}), "1,2,3 | 4");
  EXPECT_EQ(plan("1 2 3 4 5 6", {2, 4, 6}), "1,2,3,4,6 | 5");
}

TEST(Voters, WhoVotesStaysWhenNothingSpeaksAgainstIt) {
  EXPECT_EQ(plan("1 2 3 4", {2, 3, 4}), "2,3,4 | 1");
  EXPECT_EQ(plan("1 2", {2}), "2 | 1");
}

TEST(Voters, ADeadOneIsReplacedWhenSomebodyCan) {
  EXPECT_EQ(plan("1 2! 3 4", {1, 2, 3}), "1,3,4 | 2");
  EXPECT_EQ(plan("1 2! 3", {1, 2, 3}), "1,2,3 | ") << "deaths do not make the group smaller";
  EXPECT_EQ(plan("1 2! 3! 4! 5!", {1, 2, 3, 4, 5}), "1,2,3,4,5 | ");
}

TEST(Voters, TheyAreSpreadOverRacks) {
  EXPECT_EQ(plan("1a 2a 3a 4b 5c", {1, 2, 3, 4, 5}), "1,2,3,4,5 | ");
  EXPECT_EQ(plan("1a 2a 3b 4c", {1, 2, 3}), "1,3,4 | 2");
  EXPECT_EQ(plan("1a 2a 3b 4c!", {1, 2, 3}), "1,2,3 | 4") << "a dead one brings no safety";
}

TEST(Voters, WhoDrainsFollowsWithoutAVote) {
  EXPECT_EQ(plan("-1 2 3 4", {1, 2, 3}), "2,3,4 | 1");
  EXPECT_EQ(plan("-1 2 3", {1, 2, 3}), "2 | 1,3") << "two that are active: one vote";
  EXPECT_EQ(plan("-1", {1}), " | 1") << "nobody may vote: the caller changes nothing then";
}

TEST(VotersProperty, PlanningAgainChangesNothing) {
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    Rng rng(seed);
    std::vector<VoterCandidate> brokers;
    ReplicaList now;
    std::size_t active = 0;
    for (int id = 1; id <= 9; ++id) {
      if (rng.one_in(3)) continue;
      brokers.push_back(
          {.id = raft::NodeId(id),
           .rack = rng.one_in(4) ? "" : std::string(1, static_cast<char>('a' + rng.below(3))),
           .active = !rng.one_in(4),
           .live = !rng.one_in(4)});
      if (brokers.back().active) ++active;
      if (rng.one_in(2)) now.emplace_back(id);
    }
    const ControllerMembers once = plan_voters(brokers, now);
    EXPECT_EQ(plan_voters(brokers, once.voters), once) << "seed " << seed;
    EXPECT_EQ(once.voters.size() + once.learners.size(), brokers.size());
    EXPECT_EQ(once.voters.size() % 2, active == 0 ? 0U : 1U);
    for (const VoterCandidate& one : brokers) {
      if (!one.active) EXPECT_FALSE(contains(once.voters, one.id)) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace penstock::broker
