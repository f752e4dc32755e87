// Bounds of what brokers send each other, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace penstock::broker {

// A broker holds at most that many partitions (controller/limits.h), and each has at most one
// message of a kind for a peer that matters.
inline constexpr std::size_t kMaxMessagesPerExchange = 10'000;
// Attachment of one exchange. Above the largest append of a group, below the frame limit of the
// receiver with room for the message itself.
inline constexpr std::uint64_t kMaxExchangeBytes = 8U << 20;
// An append of max_request_bytes with a new term in each batch of 61 bytes would have 17,000; real
// ones have a few.
inline constexpr std::size_t kMaxTermRuns = 20'000;

// What waits for one peer. Beyond it messages are dropped, which consensus repairs by itself; a
// group keeps at most raft::Options::max_inflight_bytes on the way, so this is reached only when
// many groups catch up at once or the peer is gone.
inline constexpr std::size_t kMaxWaitingMessages = 50'000;
inline constexpr std::uint64_t kMaxWaitingBytes = 64U << 20;

}  // namespace penstock::broker
