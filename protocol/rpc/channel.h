// Channel: the client's side of one connection: many requests under way at once, each with a
// deadline.
//
// Invariants: responses are matched by correlation id and may come in any order; at most one socket
// write is outstanding; buffers of a request live until its write has completed, whatever became of
// its caller. Threads: one executor, that of open(). Lifetime: await close() before destruction.
// Failure: kConnectFailed from open(); kTimeout when the deadline passes (the request may have been
// carried out); kConnectionLost for every request under way when the connection ends; kBadFrame
// when the peer breaks the protocol; kOverloaded when the limits below are reached and the deadline
// passes meanwhile.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/task.h"
#include "base/types.h"
#include "protocol/rpc/endpoint.h"
#include "protocol/wire/api.h"

namespace penstock::rpc {

using Deadline = std::chrono::steady_clock::time_point;

struct ChannelOptions {
  std::string client_name = "penstock";
  std::uint64_t max_response_bytes = 64U << 20;
  std::uint64_t max_in_flight_bytes = 64U
                                      << 20;  // of requests that are written or wait for an answer
};

// An answer: the protobuf message and the attachment, both slices of one receive buffer.
struct Reply {
  SharedBytes message;
  SharedBytes attachment;
};

// What the broker said of itself in the handshake.
struct PeerInfo {
  Uuid cluster_id;
  std::int32_t broker_id = -1;
  std::string software;
  std::uint64_t max_frame_bytes = 0;
  std::uint32_t max_in_flight_requests = 0;
};

class Channel {
 public:
  // Connects, exchanges the handshake and negotiates versions.
  static Task<Result<std::unique_ptr<Channel>>> open(Endpoint peer, ChannelOptions options,
                                                     Deadline deadline);
  ~Channel();

  // Sends one request and waits for its answer. `attachment` parts are written behind the message
  // without copying; they are kept alive by the channel until written. The error inside the
  // answer's message is not looked at here.
  Task<Result<Reply>> call(wire::Api api, Bytes message, std::vector<SharedBytes> attachment,
                           Deadline deadline);

  const PeerInfo& peer() const;
  // In a version that both sides speak.
  bool offers(wire::Api api) const;
  bool is_open() const;
  // Fails what is under way with kConnectionLost and ends the channel's coroutines.
  Task<void> close();

  class Core;

 private:
  explicit Channel(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;
};

}  // namespace penstock::rpc
