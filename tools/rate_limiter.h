// RateLimiter: open-loop pacing: record n is due at start + n / rate, however late earlier ones
// were.
//
// Pure: the time comes in. A pause of the caller is caught up afterwards, so that the average over
// the whole run is the rate that was asked for.
#pragma once

#include <cstdint>

namespace penstock::tools {

class RateLimiter {
 public:
  // `per_second` <= 0: no limit.
  RateLimiter(double per_second, std::int64_t start_ns)
      : per_second_(per_second), start_ns_(start_ns) {}

  // When the next record is due, on the caller's clock; call once a record.
  std::int64_t take() {
    if (per_second_ <= 0) return start_ns_;
    return start_ns_ + static_cast<std::int64_t>(static_cast<double>(taken_++) / per_second_ * 1e9);
  }

 private:
  double per_second_;
  std::int64_t start_ns_;
  std::uint64_t taken_ = 0;
};

}  // namespace penstock::tools
