// Bounds of what brokers send each other, each with its reason.
#pragma once

#include <chrono>
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

// News of leaders that wait for one peer; the periodic announcement fills the gaps.
inline constexpr std::size_t kMaxWaitingNews = 10'000;
// Exchanges of one lane that wait for their answer. More would only let a slow peer hold more
// memory: what comes meanwhile leaves together in the next one.
inline constexpr std::size_t kMaxExchangesUnderWay = 8;

// Longer than any election timeout: what is not answered by then is of no use any more.
inline constexpr std::chrono::milliseconds kExchangeTime{5'000};
// A host that is there answers in far less; one that is gone must not hold up a new address.
inline constexpr std::chrono::milliseconds kPeerConnectTime{2'000};
// Pause after the first failure, doubled up to the longest: a peer that restarts is found within
// an election timeout, a dead one costs two attempts a second.
inline constexpr std::chrono::milliseconds kFirstPeerPause{20};
inline constexpr std::chrono::milliseconds kLongestPeerPause{500};

}  // namespace penstock::broker
