// Timing and bounds of one group.
//
// Units: milliseconds of a monotonic clock; bytes.
#pragma once

#include <cstdint>

namespace penstock::raft {

struct Options {
  // A follower that hears no leader for that long (plus a random part of as much again) asks for
  // votes; a leader that hears no majority for that long steps down; a leader whose own flush takes
  // longer steps down.
  std::int64_t election_timeout_ms = 750;
  std::int64_t heartbeat_ms = 100;

  // Flow control for one follower: what is on the way to it and not yet on its disk.
  std::uint32_t max_inflight_requests = 32;
  std::uint64_t max_inflight_bytes = 16U << 20;
  std::uint64_t max_request_bytes = 1U << 20;  // one append; a larger single batch goes alone
  // A leader refuses proposals beyond that many bytes that no majority has yet.
  std::uint64_t max_uncommitted_bytes = 64U << 20;

  // A learner may become a voter when it is at most that many records behind.
  std::int64_t max_promotion_lag = 1'000;
};

}  // namespace penstock::raft
