// Random worlds: what Raft promises holds whatever the network and the disks do, and progress
// returns when they behave. A seed that fails replays alone: --gtest_filter and PENSTOCK_RAFT_SEED.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "random_world.h"

namespace penstock::raft::random_world {
namespace {

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

void add(RandomWorld::Seen& sum, const RandomWorld::Seen& one) {
  sum.commits += one.commits;
  sum.elections += one.elections;
  sum.installs += one.installs;
  sum.truncations += one.truncations;
  sum.changes += one.changes;
  sum.reads += one.reads;
  sum.transfers += one.transfers;
  sum.crashes += one.crashes;
}

TEST(RaftProperty, PromisesHoldInEveryRandomWorld) {
  const std::uint64_t first = number_from_environment("PENSTOCK_RAFT_SEED", 1);
  const std::uint64_t seeds = number_from_environment(
      "PENSTOCK_RAFT_SEEDS", std::getenv("PENSTOCK_RAFT_SEED") == nullptr ? 20'000 : 1);
  const int events = static_cast<int>(number_from_environment("PENSTOCK_RAFT_EVENTS", 1'000));
  std::uint64_t violations = 0;
  RandomWorld::Seen seen;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    RandomWorld world(seed);
    if (!world.run(events)) {
      ++violations;
      ADD_FAILURE() << world.violation();
      if (violations >= 5) break;
    }
    add(seen, world.seen());
  }
  std::printf(
      "RAFTPROP seeds=%llu violations=%llu commits=%llu elections=%llu installs=%llu "
      "truncations=%llu changes=%llu reads=%llu transfers=%llu crashes=%llu\n",
      static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(violations),
      static_cast<unsigned long long>(seen.commits),
      static_cast<unsigned long long>(seen.elections),
      static_cast<unsigned long long>(seen.installs),
      static_cast<unsigned long long>(seen.truncations),
      static_cast<unsigned long long>(seen.changes), static_cast<unsigned long long>(seen.reads),
      static_cast<unsigned long long>(seen.transfers),
      static_cast<unsigned long long>(seen.crashes));
  if (seeds < 1'000) return;
  // A world in which nothing happens proves nothing.
  EXPECT_GT(seen.commits, seeds);
  EXPECT_GT(seen.elections, seeds);
  EXPECT_GT(seen.installs, seeds / 100);
  EXPECT_GT(seen.truncations, seeds / 100);
  EXPECT_GT(seen.changes, seeds / 10);
  EXPECT_GT(seen.reads, seeds / 10);
  EXPECT_GT(seen.transfers, seeds / 100);
}

}  // namespace
}  // namespace penstock::raft::random_world
