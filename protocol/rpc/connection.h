// Connection: one client of a server: reads frames as far as the rules allow, runs a coroutine for
// each request, sends the answers.
//
// A shell: what may happen next is decided by ConnectionRules.
// Lifetime: held by its ConnectionHost until on_gone(), by its outstanding operations and by its
// requests; the host outlives all of them.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/rpc/connection_rules.h"
#include "protocol/rpc/frame_stream.h"
#include "protocol/rpc/request_memory.h"
#include "protocol/rpc/server.h"

namespace penstock::rpc {

class Connection;

// What the connections of one server share.
struct ConnectionHost {
  virtual ~ConnectionHost() = default;
  // The connection has no operation and no request left; forget it.
  virtual void on_gone(Connection& connection) = 0;
  // Whether one more line about a peer's misbehaviour may be logged.
  bool may_log_violation(std::int64_t now_ns);

  ServerOptions options;
  Handler handler;
  ServerStats stats;
  std::uint64_t outbound_bytes = 0;  // answers of all connections that have not left
  RequestMemory memory;

 protected:
  ConnectionHost(ServerOptions server_options, Handler request_handler)
      : options(std::move(server_options)),
        handler(std::move(request_handler)),
        memory(options.max_request_memory_bytes) {}

 private:
  std::int64_t log_second_ = -1;
  std::uint32_t log_lines_ = 0;  // in that second
};

class Connection final : public FrameStream {
 public:
  Connection(std::shared_ptr<ConnectionHost> host, Socket socket, ConnectionInfo info,
             asio::ip::address address);

  void start();
  // Reads no more requests; ends once the answers to those under way have left.
  void drain();
  // Ends it when a limit of time is used up.
  void check_time(std::int64_t now_ns);
  // Cancels its requests and ends it.
  void abort(Error reason);

  std::uint64_t id() const { return info_->id; }
  const asio::ip::address& address() const { return address_; }
  bool has_requests() const { return !running_.empty(); }

 private:
  enum class Phase : std::uint8_t {
    kServing,
    kDraining,   // no new requests; answers leave
    kLingering,  // all has left; waits for the peer to close its side
  };
  struct Running {
    wire::FrameHeader header;
    std::uint64_t memory_bytes;
    bool changes_state;
    asio::cancellation_signal cancel;
  };
  enum class Step : std::uint8_t { kAgain, kNeedBytes, kPaused };

  void on_received(std::size_t bytes) override;
  void on_sent(std::size_t bytes) override;
  void on_ended(const Error& reason) override;
  void on_quiet() override;

  std::shared_ptr<Connection> self() {
    return std::static_pointer_cast<Connection>(shared_from_this());
  }
  // Takes frames as long as rules, memory and received bytes allow; then reads, or waits.
  void serve();
  Step serve_one();
  bool take_memory(std::uint64_t body_bytes);
  void give_memory_back();
  void drop_received();

  void dispatch(wire::Frame frame);
  void answer_handshake(const wire::Frame& frame);
  void answer_error(const wire::FrameHeader& request, const Error& error);
  void begin_request(wire::Frame frame);
  static Task<void> run_request(std::shared_ptr<Connection> self, Request request,
                                std::list<Running>::iterator place);
  void request_ended(std::list<Running>::iterator place);
  void answer(const wire::FrameHeader& request, Bytes message, std::vector<SharedBytes> attachment);

  void finish_if_drained();
  void violated(const Error& reason);
  // Takes nothing more from a peer that does not keep to the protocol; lets the answers leave.
  void refuse();
  void report_if_gone();

  std::shared_ptr<ConnectionHost> host_;
  std::shared_ptr<ConnectionInfo> info_;
  asio::ip::address address_;
  ConnectionRules rules_;
  Phase phase_ = Phase::kServing;
  std::int64_t lingering_since_ns_ = 0;
  std::int64_t received_ns_ = 0;          // of the newest bytes
  std::uint64_t frame_memory_bytes_ = 0;  // taken for the frame that is being read
  bool serving_ = false;                  // serve() is on the stack
  bool gone_ = false;
  std::list<Running> running_;
};

}  // namespace penstock::rpc
