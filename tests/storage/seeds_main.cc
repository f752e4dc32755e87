#include <gtest/gtest.h>

#include "tests/storage/seeds.h"

DEFINE_uint64(seeds, 0, "Random lives per test; 0: what fits a quick run");
DEFINE_uint64(first_seed, 1, "Seed of the first one");

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return RUN_ALL_TESTS();
}
