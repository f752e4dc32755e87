// PendingCalls: a channel's calls that have no answer yet: who waits to be sent, who waits for an
// answer, until when.
//
// Pure: no socket, no clock. A call is *waiting* until the limits leave room (in the order of the
// calls), then *in flight*, then finished exactly once: by its answer, its deadline, its caller or
// the end of the channel.
// Invariants: bytes_in_flight() exceeds the limit only by a single call that is larger than the
// limit by itself. Threads: one.
// Failure: a call that is dropped while waiting has certainly not been carried out.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "protocol/rpc/channel.h"
#include "protocol/wire/frame.h"

namespace penstock::rpc {

struct CallLimits {
  std::uint64_t max_bytes = 0;     // in flight, or sent to the socket and not yet taken by it
  std::uint32_t max_requests = 1;  // in flight
};

using Finish = std::move_only_function<void(Result<Reply>)>;

// A request on its way to the socket.
struct OutgoingCall {
  wire::FrameHeader header;  // its correlation names the call
  Bytes message;
  std::vector<SharedBytes> attachment;
  std::uint64_t bytes = 0;
};

class PendingCalls {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit PendingCalls(CallLimits limits) : limits_(limits) {}
  void set_limits(CallLimits limits) { limits_ = limits; }

  // A new call, waiting. Returns its correlation.
  std::uint64_t add(wire::FrameHeader header, Bytes message, std::vector<SharedBytes> attachment,
                    Time deadline, Finish finish);

  // The first waiting call, now in flight, if the limits have room beside `unsent_bytes` that the
  // socket has not taken yet.
  std::optional<OutgoingCall> next_to_send(std::uint64_t unsent_bytes);

  // What becomes of an answer with that correlation.
  struct Match {
    bool known;     // false: no such call was ever made; the peer breaks the protocol
    Finish finish;  // empty: the call is over already (timed out, given up); drop the answer
  };
  Match answered(std::uint64_t correlation);

  // The caller gave up; empty when the call is over already.
  Finish abandon(std::uint64_t correlation);

  struct Expired {
    Finish finish;
    Errc code;  // kTimeout, or kOverloaded for a call that was still waiting
  };
  std::vector<Expired> take_expired(Time now);
  std::vector<Finish> take_all();

  // The earliest deadline; Time::max() when there is none.
  Time next_deadline() const;
  bool empty() const { return calls_.empty(); }
  // Something that was sent has no answer, whether anybody still waits for it or not.
  bool awaits_answers() const { return answered_ < sent_; }
  std::size_t size() const { return calls_.size(); }
  std::size_t waiting() const { return waiting_.size(); }
  std::uint64_t bytes_in_flight() const { return bytes_in_flight_; }

 private:
  struct Call {
    Finish finish;
    Time deadline;
    std::uint64_t bytes;
    bool in_flight;
  };
  using Calls = std::unordered_map<std::uint64_t, Call>;

  Finish take(Calls::iterator it);
  void drop_finished_waiters();

  CallLimits limits_;
  Calls calls_;
  std::deque<OutgoingCall> waiting_;
  std::uint64_t next_correlation_ = 1;
  std::uint64_t bytes_in_flight_ = 0;
  std::uint32_t requests_in_flight_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t answered_ = 0;
};

}  // namespace penstock::rpc
