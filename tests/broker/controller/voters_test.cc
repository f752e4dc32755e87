#include "broker/controller/voters.h"

#include <gtest/gtest.h>

#include <map>

#include "base/random.h"

namespace penstock::broker {
namespace {

// "1a 2b 3c! 4": broker 3 in rack c is not live; 4 has no rack.
std::vector<VoterCandidate> candidates(const std::string& text) {
  std::vector<VoterCandidate> list;
  std::string word;
  for (const char c : text + " ") {
    if (c != ' ') {
      word += c;
      continue;
    }
    if (word.empty()) continue;
    VoterCandidate one{
        .id = raft::NodeId(std::stoi(word)), .rack = "", .live = !word.ends_with('!')};
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

TEST(Voters, WhoDrainsIsNoCandidateAndGoes) { EXPECT_EQ(plan("2 3 4", {1, 2, 3}), "2,3,4 | "); }

TEST(VotersProperty, PlanningAgainChangesNothing) {
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    Rng rng(seed);
    std::vector<VoterCandidate> active;
    ReplicaList now;
    for (int id = 1; id <= 9; ++id) {
      if (rng.one_in(3)) continue;
      active.push_back(
          {.id = raft::NodeId(id),
           .rack = rng.one_in(4) ? "" : std::string(1, static_cast<char>('a' + rng.below(3))),
           .live = !rng.one_in(4)});
      if (rng.one_in(2)) now.emplace_back(id);
    }
    const ControllerMembers once = plan_voters(active, now);
    EXPECT_EQ(plan_voters(active, once.voters), once) << "seed " << seed;
    EXPECT_EQ(once.voters.size() + once.learners.size(), active.size());
    if (!active.empty()) EXPECT_EQ(once.voters.size() % 2, 1U);
  }
}

}  // namespace
}  // namespace penstock::broker
