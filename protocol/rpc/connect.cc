#include "protocol/rpc/connect.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <memory>
#include <utility>

namespace penstock::rpc {
namespace {

using Resolver = asio::ip::basic_resolver<Tcp, asio::any_io_executor>;
constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

// One attempt to connect. Its timer ends whatever it waits for at the deadline.
struct Attempt {
  explicit Attempt(const asio::any_io_executor& executor)
      : socket(executor), resolver(executor), timer(executor) {}

  Socket socket;
  Resolver resolver;
  asio::steady_timer timer;
  bool timed_out = false;
};

void arm(const std::shared_ptr<Attempt>& attempt, Deadline deadline) {
  attempt->timer.expires_at(deadline);
  attempt->timer.async_wait(
      [weak = std::weak_ptr(attempt)](const boost::system::error_code& error) {
        const auto attempt = weak.lock();
        if (error || !attempt) return;
        attempt->timed_out = true;
        attempt->resolver.cancel();
        boost::system::error_code ignored;
        attempt->socket.close(ignored);
      });
}

Task<Result<std::vector<Tcp::endpoint>>> resolve(std::shared_ptr<Attempt> attempt, Endpoint peer) {
  std::vector<Tcp::endpoint> endpoints;
  boost::system::error_code error;
  const auto address = asio::ip::make_address(peer.host, error);
  if (!error) {
    endpoints.emplace_back(address, peer.port);
    co_return endpoints;
  }
  auto [failed, found] = co_await attempt->resolver.async_resolve(
      peer.host, std::to_string(peer.port), Resolver::numeric_service, kAsTuple);
  if (failed) co_return fail(Errc::kConnectFailed, "resolve: " + failed.message());
  for (const auto& entry : found) endpoints.push_back(entry.endpoint());
  co_return endpoints;
}

Task<Status> connect_one(std::shared_ptr<Attempt> attempt, Deadline deadline, Endpoint peer) {
  if (deadline <= std::chrono::steady_clock::now()) attempt->timed_out = true;
  arm(attempt, deadline);
  auto endpoints = co_await resolve(attempt, peer);
  if (!endpoints) co_return std::unexpected(std::move(endpoints).error());
  std::string reason = "the name has no address";
  for (const Tcp::endpoint& endpoint : *endpoints) {
    if (attempt->timed_out) break;
    boost::system::error_code error;
    attempt->socket.close(error);
    std::tie(error) = co_await attempt->socket.async_connect(endpoint, kAsTuple);
    if (!error && !attempt->timed_out) co_return Status{};
    reason = error.message();
  }
  co_return fail(Errc::kConnectFailed, reason);
}

}  // namespace

Task<Result<Socket>> connect(Endpoint peer, Deadline deadline) {
  const auto attempt = std::make_shared<Attempt>(co_await asio::this_coro::executor);
  Status connected = co_await connect_one(attempt, deadline, peer);
  attempt->timer.cancel();
  if (connected) co_return std::move(attempt->socket);
  const auto cancelled = (co_await asio::this_coro::cancellation_state).cancelled();
  if (cancelled != asio::cancellation_type::none) co_return fail(Errc::kCancelled);
  const std::string what = "connect to " + peer.to_string();
  if (attempt->timed_out) co_return fail(Errc::kConnectFailed, what + ": no answer in time");
  co_return fail(std::move(connected).error().context(what));
}

}  // namespace penstock::rpc
