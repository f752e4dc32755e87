// ReservedPort: a port that is this process's before anybody listens on it, so that a broker can
// tell the others where it will be.
//
// Threads: any, one at a time. Lifetime: until the listeners have bound, which share it
// (SO_REUSEPORT). Failure: kAlreadyExists when another process listens there.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "base/result.h"
#include "protocol/rpc/endpoint.h"

namespace penstock::broker {

class ReservedPort {
 public:
  // Port 0: any free one. A host that cannot be bound is left to the listener to complain about.
  static Result<ReservedPort> reserve(const rpc::Endpoint& listen);

  std::uint16_t port() const { return port_; }
  void release() { socket_.reset(); }

 private:
  std::unique_ptr<boost::asio::io_context> io_ = std::make_unique<boost::asio::io_context>();
  std::unique_ptr<boost::asio::ip::tcp::acceptor> socket_;
  std::uint16_t port_ = 0;
};

}  // namespace penstock::broker
