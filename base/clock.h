// Time as a value that comes in through a constructor: nothing below a shell asks the system for
// it.
//
// Units: wall() stamps records (milliseconds since 1970, may jump); steady_ns() measures and
// decides (monotonic nanoseconds since an arbitrary start). Threads: both implementations may be
// read from any thread; FakeClock is advanced by one.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/types.h"

namespace penstock {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp wall() const = 0;
  virtual std::int64_t steady_ns() const = 0;
};

// The machine's clocks; one instance serves the process.
const Clock& system_clock();

class FakeClock final : public Clock {
 public:
  explicit FakeClock(Timestamp start = Timestamp(1'700'000'000'000)) : wall_ms_(start.ms()) {}
  Timestamp wall() const override { return Timestamp(wall_ms_.load()); }
  std::int64_t steady_ns() const override { return steady_ns_.load(); }

  void advance_ms(std::int64_t ms) {
    wall_ms_ += ms;
    steady_ns_ += ms * 1'000'000;
  }
  // The wall clock alone: what an NTP step or an operator does.
  void jump_wall_ms(std::int64_t ms) { wall_ms_ += ms; }

 private:
  std::atomic<std::int64_t> wall_ms_;
  std::atomic<std::int64_t> steady_ns_{0};
};

}  // namespace penstock
