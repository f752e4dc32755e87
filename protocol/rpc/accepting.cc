#include "protocol/rpc/accepting.h"

#include <sys/socket.h>

#include <utility>

namespace penstock::rpc {
namespace {

Error listen_error(const boost::system::error_code& error, const Endpoint& address) {
  const std::string where = "listen on " + address.to_string() + ": ";
  namespace errc = boost::system::errc;
  if (error == errc::address_in_use) {
    return {Errc::kAlreadyExists, where + "port " + std::to_string(address.port) +
                                      " is in use by another process; choose another port or stop "
                                      "that process"};
  }
  if (error == errc::permission_denied) {
    return {Errc::kPermissionDenied, where + "ports below 1024 need privileges"};
  }
  if (error == errc::address_not_available) {
    return {Errc::kInvalidArgument, where + "this machine has no such address"};
  }
  return {Errc::kIoError, where + error.message()};
}

Result<Tcp::endpoint> resolve_local(const asio::any_io_executor& executor,
                                    const Endpoint& address) {
  boost::system::error_code error;
  if (const auto literal = asio::ip::make_address(address.host, error); !error) {
    return Tcp::endpoint(literal, address.port);
  }
  asio::ip::basic_resolver<Tcp, asio::any_io_executor> resolver(executor);
  const auto found =
      resolver.resolve(address.host, std::to_string(address.port),
                       Tcp::resolver::passive | Tcp::resolver::numeric_service, error);
  if (error || found.empty()) {
    return fail(Errc::kInvalidArgument, "listen on " + address.to_string() + ": " +
                                            (error ? error.message() : "no such host"));
  }
  return found.begin()->endpoint();
}

bool is_out_of_resources(const boost::system::error_code& error) {
  namespace errc = boost::system::errc;
  return error == errc::too_many_files_open || error == errc::too_many_files_open_in_system ||
         error == errc::no_buffer_space || error == errc::not_enough_memory;
}

}  // namespace

Result<Acceptor> listen_on(const asio::any_io_executor& executor, const ServerOptions& options) {
  PENSTOCK_TRY_ASSIGN(const Tcp::endpoint endpoint, resolve_local(executor, options.listen));
  Acceptor acceptor(executor);
  boost::system::error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (error) return fail(listen_error(error, options.listen));
  // A restart must not wait for old connections to leave TIME_WAIT.
  acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error && options.reuse_port) {
    const int on = 1;
    if (::setsockopt(acceptor.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
      error.assign(errno, boost::system::system_category());
    }
  }
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail(listen_error(error, options.listen));
  return acceptor;
}

asio::ip::address unmapped(const asio::ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
}

Endpoint to_endpoint(const Tcp::endpoint& endpoint) {
  return {.host = unmapped(endpoint.address()).to_string(), .port = endpoint.port()};
}

AcceptLoop::AcceptLoop(Acceptor acceptor, std::chrono::milliseconds pause, Accepted accepted,
                       Failed failed)
    : acceptor_(std::move(acceptor)),
      timer_(acceptor_.get_executor()),
      pause_(pause),
      accepted_(std::move(accepted)),
      failed_(std::move(failed)) {
  boost::system::error_code error;
  port_ = acceptor_.local_endpoint(error).port();
}

void AcceptLoop::start() { accept_next(); }

void AcceptLoop::accept_next() {
  acceptor_.async_accept(
      [self = shared_from_this()](const boost::system::error_code& error, Socket socket) {
        if (self->stopped_) return;
        if (is_out_of_resources(error)) return self->pause();
        // Any other error concerns the one connection (it was reset while it waited).
        if (!error) self->accepted_(std::move(socket));
        if (!self->stopped_) self->accept_next();
      });
}

void AcceptLoop::pause() {
  failed_();
  timer_.expires_after(pause_);
  timer_.async_wait([self = shared_from_this()](const boost::system::error_code&) {
    if (!self->stopped_) self->accept_next();
  });
}

void AcceptLoop::stop() {
  stopped_ = true;
  accepted_ = nullptr;
  failed_ = nullptr;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  timer_.cancel();
}

}  // namespace penstock::rpc
