#include "protocol/rpc/server.h"

#include <map>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "protocol/rpc/accepting.h"
#include "protocol/rpc/connection.h"

namespace penstock::rpc {

// What lives as long as the server or any of its connections.
class Server::State final : public ConnectionHost, public std::enable_shared_from_this<State> {
 public:
  State(asio::any_io_executor executor, ServerOptions server_options, Handler request_handler)
      : ConnectionHost(std::move(server_options), std::move(request_handler)),
        timer_(executor),
        changed_(executor) {}

  void start(Acceptor acceptor);
  void stop_accepting();
  void abort_all();
  // Cuts all connections off and lets go of them: their own operations and requests hold them, so
  // that nothing holds them when those are destroyed with their context.
  void abandon_all();
  static Task<void> drain(std::shared_ptr<State> self, Deadline deadline);

  std::uint16_t port() const { return accepting_->port(); }
  ServerStats current_stats() const;

 private:
  void accepted(Socket socket);
  bool has_room_for(const asio::ip::address& address) const;
  void on_gone(Connection& connection) override;
  void check_times_later();
  Task<bool> wait_until_empty(Deadline deadline);

  std::shared_ptr<AcceptLoop> accepting_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Connection>> connections_;
  std::map<asio::ip::address, std::uint32_t> per_address_;
  std::uint64_t next_id_ = 1;
  asio::steady_timer timer_;  // runs while there are connections
  bool timer_runs_ = false;
  Wakeup changed_;
};

void Server::State::start(Acceptor acceptor) {
  // The callbacks end with stop_accepting(), which every way out of the server calls.
  accepting_ = std::make_shared<AcceptLoop>(
      std::move(acceptor), options.limits.accept_pause,
      [this](Socket socket) { accepted(std::move(socket)); },
      [this] {
        if (stats.accept_failures_total++ == 0) {
          logger("rpc").error(
              "accept failed: out of file descriptors or kernel memory; raise the "
              "limit on open files");
        }
      });
  accepting_->start();
}

void Server::State::accepted(Socket socket) {
  ++stats.connections_total;
  boost::system::error_code error;
  const Tcp::endpoint peer = socket.remote_endpoint(error);
  const Tcp::endpoint local = error ? Tcp::endpoint() : socket.local_endpoint(error);
  if (error) return;  // gone already
  const asio::ip::address address = unmapped(peer.address());
  if (!has_room_for(address)) {
    ++stats.connections_refused_total;
    return;  // the socket closes
  }
  const std::uint64_t id = next_id_++;
  const auto connection =
      std::make_shared<Connection>(shared_from_this(), std::move(socket),
                                   ConnectionInfo{.id = id,
                                                  .peer = to_endpoint(peer).to_string(),
                                                  .local = to_endpoint(local),
                                                  .client_name = {}},
                                   address);
  connections_.emplace(id, connection);
  ++per_address_[address];
  connection->start();
  check_times_later();
}

bool Server::State::has_room_for(const asio::ip::address& address) const {
  if (connections_.size() >= options.max_connections) return false;
  const auto known = per_address_.find(address);
  return known == per_address_.end() || known->second < options.max_connections_per_address;
}

void Server::State::on_gone(Connection& connection) {
  if (connections_.erase(connection.id()) == 0) return;  // abandoned
  const auto address = per_address_.find(connection.address());
  if (--address->second == 0) per_address_.erase(address);
  changed_.notify_all();
}

void Server::State::check_times_later() {
  if (timer_runs_ || connections_.empty()) return;
  timer_runs_ = true;
  timer_.expires_after(ConnectionRules::check_period(options.limits));
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    const auto self = weak.lock();
    if (!self || error) return;
    self->timer_runs_ = false;
    const std::int64_t now = system_clock().steady_ns();
    for (auto it = self->connections_.begin(); it != self->connections_.end();) {
      const auto connection = (it++)->second;
      connection->check_time(now);
    }
    self->check_times_later();
  });
}

void Server::State::stop_accepting() {
  if (accepting_) accepting_->stop();
}

void Server::State::abort_all() {
  for (auto it = connections_.begin(); it != connections_.end();) {
    const auto connection = (it++)->second;
    connection->abort(Error(Errc::kConnectionLost, "the server stops"));
  }
}

void Server::State::abandon_all() {
  abort_all();
  connections_.clear();
}

Task<bool> Server::State::wait_until_empty(Deadline deadline) {
  while (!connections_.empty()) {
    const std::uint64_t seen = changed_.version();
    if (!co_await changed_.wait(seen, deadline)) co_return false;
  }
  co_return true;
}

Task<void> Server::State::drain(std::shared_ptr<State> self, Deadline deadline) {
  self->stop_accepting();
  for (auto it = self->connections_.begin(); it != self->connections_.end();) {
    const auto connection = (it++)->second;
    connection->drain();
  }
  if (co_await self->wait_until_empty(deadline)) co_return;
  self->abort_all();
  co_await self->wait_until_empty(Deadline::max());
}

ServerStats Server::State::current_stats() const {
  ServerStats now = stats;
  now.connections_open = connections_.size();
  now.request_memory_bytes = memory.taken();
  return now;
}

Result<std::unique_ptr<Server>> Server::start(asio::any_io_executor executor, ServerOptions options,
                                              Handler handler) {
  if (options.max_frame_bytes + options.limits.request_overhead_bytes >
      options.max_request_memory_bytes) {
    return fail(Errc::kInvalidArgument,
                "max_request_memory_bytes does not suffice for one frame of max_frame_bytes");
  }
  if (options.limits.requests_in_flight == 0) {
    return fail(Errc::kInvalidArgument, "requests_in_flight is at least 1");
  }
  PENSTOCK_TRY_ASSIGN(Acceptor acceptor, listen_on(executor, options));
  auto state = std::make_shared<State>(executor, std::move(options), std::move(handler));
  state->start(std::move(acceptor));
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::shared_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() {
  state_->stop_accepting();
  state_->abandon_all();
}

std::uint16_t Server::port() const { return state_->port(); }
ServerStats Server::stats() const { return state_->current_stats(); }
Task<void> Server::drain(Deadline deadline) { return State::drain(state_, deadline); }

}  // namespace penstock::rpc
