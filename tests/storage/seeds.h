// Flags of the tests that live many random lives: a failure names its seed, `--first_seed=N
// --seeds=1` lives it again.
#pragma once

#include <gflags/gflags.h>

DECLARE_uint64(seeds);
DECLARE_uint64(first_seed);

namespace penstock::storage {

// Calls `live(seed)` for every seed that the flags ask for, `usual` of them by default.
template <typename Live>
void for_each_seed(std::uint64_t usual, Live live) {
  const std::uint64_t count = FLAGS_seeds == 0 ? usual : FLAGS_seeds;
  for (std::uint64_t i = 0; i < count; ++i) live(FLAGS_first_seed + i);
}

}  // namespace penstock::storage
