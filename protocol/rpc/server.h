// Server: accepts connections and hands complete, checked frames to a handler, each in its own
// coroutine.
//
// Invariants: nothing is allocated from a declared length before it passed its limit; before the
// handshake a connection costs at most 16 KiB of frame; requests of one connection begin in the
// order they came (the handler runs up to its first suspension before the next frame is read) and
// may end in any order. A request's bytes are counted against the server's memory limit before they
// are read; reading waits when the limit is reached. Threads: one executor; one Server a shard
// (they may listen on one port with SO_REUSEPORT). Failure: a peer that sends garbage, stalls in
// the middle of a frame, does not read its answers, or stays silent before the handshake is closed;
// limits in protocol/rpc/limits.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/task.h"
#include "base/types.h"
#include "protocol/rpc/channel.h"
#include "protocol/rpc/limits.h"
#include "protocol/wire/api.h"

namespace penstock::rpc {

struct ConnectionInfo {
  std::uint64_t id = 0;
  std::string peer;         // "127.0.0.1:40312"
  Endpoint local;           // the address that the client used
  std::string client_name;  // from the handshake
};

struct Request {
  wire::Api api;
  std::uint16_t version = 0;
  SharedBytes message;
  SharedBytes attachment;  // from the network
  MutableByteView
      mutable_attachment;  // the same bytes; the handler is their only user and may change them
  std::shared_ptr<const ConnectionInfo> connection;
  std::int64_t received_steady_ns = 0;
};

struct Response {
  Bytes message;
  std::vector<SharedBytes> attachment;
  bool cut_off = false;  // no answer: the connection ends (for tests of those who ask)
};

// Never throws; answers every request (an error is a message of the API's response type). The waits
// inside it return kCancelled when the connection is lost and the API changes nothing (a long poll
// ends), or when drain() has reached its deadline.
using Handler = std::function<Task<Response>(Request)>;

struct ServerOptions {
  Endpoint listen{"127.0.0.1", kDefaultPort};  // port 0: any free one
  bool reuse_port = false;
  Uuid cluster_id;
  std::int32_t broker_id = 0;
  std::string software;
  std::uint64_t max_frame_bytes = 16U << 20;
  std::uint64_t max_request_memory_bytes = 256U << 20;  // of all connections of this server
  std::uint32_t max_connections = 10'000;
  std::uint32_t max_connections_per_address = 1'024;
  ServerLimits limits;
};

struct ServerStats {
  std::uint64_t connections_open = 0;
  std::uint64_t connections_total = 0;
  std::uint64_t connections_refused_total = 0;
  std::uint64_t connections_closed_for_violation_total = 0;
  std::uint64_t requests_total = 0;
  std::uint64_t received_bytes_total = 0;
  std::uint64_t sent_bytes_total = 0;
  std::uint64_t request_memory_bytes = 0;
  std::uint64_t accept_failures_total = 0;  // out of descriptors or kernel memory
};

class Server {
 public:
  // Binds and listens. An address in use is kAlreadyExists and its message names the port;
  // kInvalidArgument for an address that is not this machine's or for limits that contradict each
  // other.
  static Result<std::unique_ptr<Server>> start(asio::any_io_executor executor,
                                               ServerOptions options, Handler handler);
  // Without drain(): stops accepting and cuts all connections off.
  ~Server();

  std::uint16_t port() const;
  ServerStats stats() const;  // on the server's executor

  // Stops accepting and reading, lets requests that are under way finish and their answers leave
  // until `deadline`, then closes what is left. Requests that are received but not begun are
  // answered kShuttingDown. Returned means that no handler runs any more, which may be later than
  // the deadline: a handler that is cancelled ends in its own time. Await it before anything goes
  // away that handlers use.
  Task<void> drain(Deadline deadline);

 private:
  class State;
  explicit Server(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace penstock::rpc
