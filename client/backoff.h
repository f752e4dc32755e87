// Backoff: pauses between attempts that double up to a limit, each shortened by up to half at
// random, so that clients that failed together do not come back together.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/random.h"

namespace penstock::client {

class Backoff {
 public:
  using Pause = std::chrono::milliseconds;

  Backoff(Pause first, Pause largest) : first_(first), largest_(std::max(first, largest)) {}

  // The pause after `failures` failures in a row, at least one: in [d / 2, d] where d is first *
  // 2^(failures - 1), at most the largest.
  Pause pause(std::uint32_t failures, Rng& rng) const {
    Pause::rep full = std::max<Pause::rep>(first_.count(), 1);
    for (std::uint32_t i = 1; i < failures && full < largest_.count(); ++i) full *= 2;
    full = std::max<Pause::rep>(std::min(full, largest_.count()), 1);
    const auto shortened = rng.below(static_cast<std::uint64_t>(full) / 2 + 1);
    return Pause(full - static_cast<Pause::rep>(shortened));
  }

 private:
  Pause first_;
  Pause largest_;
};

}  // namespace penstock::client
