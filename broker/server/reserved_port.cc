#include "broker/server/reserved_port.h"

#include <sys/socket.h>

#include <boost/asio/ip/address.hpp>

namespace penstock::broker {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

// Listeners that share a port by SO_REUSEPORT would also share it with another broker of the same
// user: whoever was there first is noticed here.
Status check_is_free(const Tcp::endpoint& endpoint, const rpc::Endpoint& listen) {
  asio::io_context io;
  boost::system::error_code error;
  Tcp::acceptor probe(io);
  probe.open(endpoint.protocol(), error);
  if (!error) probe.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) probe.bind(endpoint, error);
  if (!error) probe.listen(1, error);
  if (error != asio::error::address_in_use) return {};
  return fail(Errc::kAlreadyExists,
              "--listen=" + listen.to_string() + ": port " + std::to_string(listen.port) +
                  " is in use by another process; choose another port (0: any free one) or stop "
                  "that process");
}

}  // namespace

Result<ReservedPort> ReservedPort::reserve(const rpc::Endpoint& listen) {
  ReservedPort reserved;
  reserved.port_ = listen.port;
  boost::system::error_code error;
  auto address = asio::ip::make_address(listen.host, error);
  if (error && listen.host == "localhost") address = asio::ip::make_address("127.0.0.1", error);
  if (error) return reserved;
  const Tcp::endpoint endpoint(address, listen.port);
  if (listen.port != 0) PENSTOCK_TRY(check_is_free(endpoint, listen));
  auto socket = std::make_unique<Tcp::acceptor>(*reserved.io_);
  socket->open(endpoint.protocol(), error);
  if (!error) socket->set_option(asio::socket_base::reuse_address(true), error);
  if (!error) socket->set_option(ReusePort(true), error);
  if (!error) socket->bind(endpoint, error);
  if (error) return reserved;
  reserved.port_ = socket->local_endpoint(error).port();
  reserved.socket_ = std::move(socket);
  return reserved;
}

}  // namespace penstock::broker
