// Accepting: the listening socket of a server: binding, and an accept loop that backs off when the
// machine is out of descriptors.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>

#include "base/result.h"
#include "base/task.h"
#include "protocol/rpc/frame_stream.h"
#include "protocol/rpc/server.h"

namespace penstock::rpc {

using Acceptor = asio::basic_socket_acceptor<Tcp, asio::any_io_executor>;

// Bound and listening. Failures as Server::start().
Result<Acceptor> listen_on(const asio::any_io_executor& executor, const ServerOptions& options);

// "127.0.0.1" for an IPv4 address also where the system shows it as an IPv6 one.
asio::ip::address unmapped(const asio::ip::address& address);
Endpoint to_endpoint(const Tcp::endpoint& endpoint);

// Lifetime: outstanding operations hold it.
class AcceptLoop : public std::enable_shared_from_this<AcceptLoop> {
 public:
  using Accepted = std::function<void(Socket)>;
  using Failed = std::function<void()>;

  // `accepted` gets each new connection, `failed` is told each time when accepting pauses.
  AcceptLoop(Acceptor acceptor, std::chrono::milliseconds pause, Accepted accepted, Failed failed);

  void start();
  void stop();  // neither callback is called afterwards
  std::uint16_t port() const { return port_; }

 private:
  void accept_next();
  void pause();

  Acceptor acceptor_;
  asio::steady_timer timer_;
  std::chrono::milliseconds pause_;
  Accepted accepted_;
  Failed failed_;
  std::uint16_t port_;
  bool stopped_ = false;
};

}  // namespace penstock::rpc
