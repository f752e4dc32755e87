// OpenLoop: when each record of a rate-limited load is due, whatever happened to those before.
//
// A load generator that waits for the system under test measures only the moments in which that
// system was well ("coordinated omission"). Here a record's latency begins when it was due, even if
// it could only be sent later.
// Units: nanoseconds of the steady clock; records a second.
#pragma once

#include <cstdint>

#include "base/assert.h"

namespace penstock::bench {

class OpenLoop {
 public:
  OpenLoop(std::int64_t start_ns, double rate) : start_ns_(start_ns), rate_(rate) {
    PENSTOCK_ASSERT(rate > 0, "an open loop has a rate");
  }

  // Computed from the start, not from the previous record: rounding never adds up.
  // Worked example: start 0, rate 10,000: record 3 is due at 300,000 ns.
  std::int64_t due_ns(std::uint64_t index) const {
    return start_ns_ + static_cast<std::int64_t>(static_cast<double>(index) * (1e9 / rate_));
  }

 private:
  std::int64_t start_ns_;
  double rate_;
};

}  // namespace penstock::bench
