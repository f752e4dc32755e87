// Random numbers that replay: every Rng is seeded by its owner; only shells seed from the system.
#pragma once

#include <cstdint>

#include "base/types.h"

namespace penstock {

// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): small
// state, good enough for jitter, sampling and fault schedules; never for secrets.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  // Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
  }
  // True once in `n` draws on average.
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  Uuid uuid();

 private:
  std::uint64_t state_;
};

// A seed from the operating system.
std::uint64_t random_seed();

}  // namespace penstock
