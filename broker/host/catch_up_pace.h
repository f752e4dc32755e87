// CatchUpPace: how fast members that are far behind are sent what they lack, so that the disk and
// the network stay the producers'. Pure: a token bucket for all replicas of a shard.
//
// The rate is the one that was asked for, or twice what producers append when that is more: who
// catches up gains on them in any case. While nobody produces there is no limit. Units: bytes,
// milliseconds of a monotonic clock. Threads: one.
#pragma once

#include <cstdint>

namespace penstock::broker {

class CatchUpPace {
 public:
  // 0: no limit.
  explicit CatchUpPace(std::uint64_t bytes_per_second) : bytes_per_second_(bytes_per_second) {}

  void produced(std::uint64_t bytes, std::int64_t now_ms);
  // Something may be sent now; sent() says how much it was.
  bool admits(std::int64_t now_ms);
  void sent(std::uint64_t bytes, std::int64_t now_ms);
  // Most that should be sent at once, so that a flush of it is short.
  std::uint64_t piece_bytes(std::int64_t now_ms) const;
  // When admits() is true if nothing is sent until then.
  std::int64_t next_ms(std::int64_t now_ms) const;

 private:
  std::uint64_t rate(std::int64_t now_ms) const;  // 0: no limit
  void refill(std::int64_t now_ms);

  const std::uint64_t bytes_per_second_;
  std::int64_t tokens_ = 0;  // below 0: a debt
  std::int64_t refilled_ms_ = 0;
  std::int64_t second_began_ms_ = 0;
  std::uint64_t this_second_ = 0;  // produced
  std::uint64_t last_second_ = 0;
};

}  // namespace penstock::broker
