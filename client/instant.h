// Instant: the monotonic time that the client's cores decide by; always handed in.
#pragma once

#include <chrono>

#include "base/clock.h"

namespace penstock::client {

using Instant = std::chrono::steady_clock::time_point;

// What `clock` says now.
inline Instant now_of(const Clock& clock) {
  return Instant(
      std::chrono::duration_cast<Instant::duration>(std::chrono::nanoseconds(clock.steady_ns())));
}

// `now` + `wait`, however long.
inline Instant deadline_after(Instant now, std::chrono::milliseconds wait) {
  const auto left = std::chrono::floor<std::chrono::milliseconds>(Instant::max() - now);
  return wait >= left ? Instant::max() : now + wait;
}

}  // namespace penstock::client
