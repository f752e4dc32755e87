// Limits of the RPC layer: each with its reason. Values that a test must be able to shrink are
// members; what peers may rely on stands in docs/protocol.md, "Limits".
#pragma once

#include <chrono>
#include <cstdint>

namespace penstock::rpc {

struct ServerLimits {
  // A stranger makes us hold no more than this: the handshake carries two short strings.
  std::uint64_t handshake_frame_bytes = 16U << 10;
  // A connection that does not introduce itself holds a descriptor for no longer. A slow handshake
  // of an honest client takes one round trip.
  std::chrono::milliseconds handshake_time{10'000};

  // A frame that was begun must be complete after this time ...
  std::chrono::milliseconds frame_time{30'000};
  // ... or go on arriving at this average rate (a very slow line still sends a batch) ...
  std::uint64_t min_frame_bytes_per_second = 1U << 10;
  // ... but never for longer than this: its memory is taken from all other connections' allowance.
  std::chrono::milliseconds max_frame_time{300'000};

  // Answers that nobody reads: no byte left in this time, and the connection is closed.
  std::chrono::milliseconds write_stall_time{10'000};
  // With this much waiting to leave, a connection's next requests wait as well.
  std::uint64_t outbound_pause_bytes = 8U << 20;
  // An answer that finds this much waiting before it ends the connection: requests in flight with
  // large answers that the peer asked for and does not read.
  std::uint64_t outbound_max_bytes = 64U << 20;
  // Of all connections: above it, a connection with answers waiting gets no further request begun.
  std::uint64_t outbound_total_bytes = 512U << 20;

  // Both sides silent and nothing under way: as long as Kafka brokers wait, so that clients'
  // keep-alive habits fit.
  std::chrono::milliseconds idle_time{600'000};

  // Enough to keep a pipe full at 1 ms round trip and 64,000 requests a second; bounds the
  // coroutines that one connection may hold.
  std::uint32_t requests_in_flight = 64;
  // What a request costs beside its bytes (coroutine frames, bookkeeping): taken from the memory
  // allowance too, so that empty requests are bounded as well.
  std::uint64_t request_overhead_bytes = 4U << 10;

  // Once the last answer has left, how long the peer may take to close its side. Closing at once
  // with unread bytes would make the kernel reset the connection and drop the answer on its way.
  std::chrono::milliseconds linger_time{2'000};
  // Out of descriptors or kernel memory: pause before accepting again instead of spinning.
  std::chrono::milliseconds accept_pause{100};
};

// Both sides: text that a peer says of itself (names for logs and quotas).
inline constexpr std::size_t kMaxNameBytes = 255;

// Server: lines about closed connections in one second; a peer must not be able to fill the log's
// disk. All of them are counted in ServerStats.
inline constexpr std::uint32_t kMaxViolationLogLinesPerSecond = 10;

// Channel: a broker that takes nothing for that long is as good as gone.
inline constexpr std::chrono::seconds kChannelWriteStall{10};
// Channel: two expiries of deadlines are at least this far apart, so that a thousand calls with a
// thousand deadlines do not cost a thousand timers.
inline constexpr std::chrono::milliseconds kDeadlineResolution{1};
// Channel: the handshake's answer holds a version range for each API and two short strings.
inline constexpr std::uint64_t kMaxHandshakeResponseBytes = 64U << 10;

}  // namespace penstock::rpc
