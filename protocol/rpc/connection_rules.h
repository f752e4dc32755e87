// ConnectionRules: what one connection of a server may do next, and when it has used up its time.
//
// Pure: takes events with their time and returns decisions; protocol/rpc/connection.cc carries them
// out.
// Invariants: only a Handshake passes before the handshake, and none after it; at most
// limits.requests_in_flight requests run at once; the clock of a frame runs only while the peer,
// not this side, is what is waited for.
// Units: all times are nanoseconds of a steady clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/errc.h"
#include "protocol/rpc/limits.h"
#include "protocol/wire/frame.h"

namespace penstock::rpc {

// What to do with a complete frame.
enum class Verdict : std::uint8_t {
  kHandshake,       // answer it here
  kRequest,         // hand it to the handler
  kAnswerError,     // answer with ErrorResponse and go on
  kAnswerAndClose,  // answer with ErrorResponse; the peer does not keep to the protocol
  kClose,           // no answer makes sense
};

struct Judgement {
  Verdict verdict;
  Errc code = Errc::kOk;  // of the error, unless the verdict is kHandshake or kRequest
  std::string reason{};
};

// Bytes that wait to be read by peers.
struct Backlog {
  std::uint64_t own_bytes = 0;    // of this connection
  std::uint64_t total_bytes = 0;  // of all of the server
};

class ConnectionRules {
 public:
  ConnectionRules(const ServerLimits& limits, std::uint64_t max_frame_bytes, std::int64_t now_ns);

  // The limit for the next frame: small until the handshake.
  std::uint64_t max_frame_bytes() const;
  // What a request of that size takes from the server's request memory.
  std::uint64_t memory_cost(std::uint64_t body_bytes) const;
  // Whether the next frame may be begun; asked again when a request ends or answers leave.
  bool may_begin_frame(const Backlog& backlog) const;
  // Whether one more answer may be queued behind `own_bytes`; if not, the connection is given up.
  bool may_queue_answer(std::uint64_t own_bytes) const;

  Judgement judge(const wire::FrameHeader& header) const;
  void handshake_done() { handshake_done_ = true; }
  bool is_handshake_done() const { return handshake_done_; }

  void request_began(std::int64_t now_ns);
  void request_ended(std::int64_t now_ns);
  std::uint32_t in_flight() const { return in_flight_; }

  // The next move is the peer's: `mid_frame` when it has begun a frame that is not complete.
  void wait_for_peer(bool mid_frame, std::int64_t now_ns);
  // This side makes the peer wait: the frame's clock stops.
  void make_peer_wait() { frame_began_ns_.reset(); }
  void bytes_received(std::uint64_t bytes, std::int64_t now_ns);
  // A whole frame was taken; the bytes that follow belong to the next.
  void frame_ended() { frame_began_ns_.reset(); }

  void answer_queued(std::int64_t now_ns);  // starts the stall clock unless it runs
  void bytes_sent(bool all_sent, std::int64_t now_ns);

  struct Overdue {
    bool violation;  // else the connection was merely idle
    std::string_view reason;
  };
  // The first limit of time that is used up at `now_ns`.
  std::optional<Overdue> overdue(std::int64_t now_ns) const;

  // How often overdue() is worth asking.
  static std::chrono::milliseconds check_period(const ServerLimits& limits);

 private:
  bool frame_overdue(std::int64_t now_ns) const;

  const ServerLimits& limits_;
  std::uint64_t max_frame_bytes_;
  std::int64_t opened_ns_;
  std::int64_t last_activity_ns_;
  std::optional<std::int64_t> frame_began_ns_;   // while the peer owes the rest of a frame
  std::uint64_t frame_received_bytes_ = 0;       // since then
  std::optional<std::int64_t> unsent_since_ns_;  // last progress while answers wait to leave
  std::uint32_t in_flight_ = 0;
  bool handshake_done_ = false;
};

}  // namespace penstock::rpc
