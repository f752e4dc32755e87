// Random lives of a partition and its producers, against a judge who reads the whole log.
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/broker/producers/model_world.h"
#include "tests/storage/seeds.h"

namespace penstock::broker::model {
namespace {

constexpr std::uint64_t kUsualLives = 300;

TEST(ProducerTableModel, NoRecordIsThereTwiceLostOvertakenOrRefusedForTheWrongReason) {
  Tally tally;
  std::uint64_t seeds = 0;
  std::uint64_t violations = 0;
  storage::for_each_seed(kUsualLives, [&](std::uint64_t seed) {
    ++seeds;
    const std::string wrong = World(seed, tally).live();
    if (wrong.empty()) return;
    ++violations;
    ADD_FAILURE() << "seed " << seed << ": " << wrong;
  });
  std::printf(
      "PRODUCERTABLE seeds=%lu violations=%lu delivered=%lu repeated=%lu forgotten=%lu fenced=%lu "
      "unknown_producers=%lu out_of_order=%lu overloaded=%lu unknown=%lu cuts=%lu restarts=%lu "
      "installs=%lu "
      "expired=%lu evicted=%lu\n",
      seeds, violations, tally.delivered, tally.repeated, tally.forgotten, tally.fenced,
      tally.unknown_producers, tally.out_of_order, tally.overloaded, tally.unknown, tally.cuts,
      tally.restarts, tally.installs, tally.expired, tally.evicted);
  EXPECT_GT(tally.delivered, 0U);
}

}  // namespace
}  // namespace penstock::broker::model
