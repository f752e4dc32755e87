#include "client/connection.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace penstock::client {
namespace {

using std::chrono::steady_clock;

Task<void> close_channel(std::shared_ptr<rpc::Channel> channel) { co_await channel->close(); }

}  // namespace

Connection::Connection(asio::any_io_executor executor, rpc::Endpoint peer,
                       const ClientConfig& config, Rng& rng)
    : peer_(std::move(peer)),
      config_(config),
      backoff_(config.retry_backoff, config.retry_backoff_max),
      rng_(rng),
      changed_(executor),
      tasks_(executor) {}

std::shared_ptr<rpc::Channel> Connection::channel() const {
  return channel_ && channel_->is_open() ? channel_ : nullptr;
}

Error Connection::not_connected() const {
  if (closed_) return Error(Errc::kShuttingDown, "the client is closing");
  if (last_error_) return *last_error_;
  return {Errc::kConnectFailed, "no connection to " + peer_.to_string() + " in time"};
}

Task<Result<std::shared_ptr<rpc::Channel>>> Connection::connect(rpc::Deadline deadline) {
  while (true) {
    if (auto open = channel()) co_return open;
    if (closed_) co_return fail(not_connected());
    const std::uint64_t seen = changed_.version();
    if (!connecting_) {
      if (steady_clock::now() >= deadline) co_return fail(not_connected());
      connecting_ = true;
      if (channel_) give_up(channel_);
      tasks_.spawn("connect " + peer_.to_string(), attempt());
    }
    const std::uint32_t failures = failures_;
    if (auto woken = co_await changed_.wait(seen, deadline); !woken) {
      if (woken.error().code() == Errc::kCancelled) co_return std::unexpected(woken.error());
      co_return fail(not_connected());
    }
    // One attempt failed: the caller decides whether to ask again, which waits out the pause.
    if (failures_ > failures && !channel()) co_return fail(not_connected());
  }
}

Task<void> Connection::attempt() {
  const auto now = steady_clock::now();
  if (now < retry_at_) {
    if (!co_await sleep_for(retry_at_ - now)) {
      connecting_ = false;
      co_return;
    }
  }
  const rpc::Endpoint peer = peer_;
  auto opened = co_await rpc::Channel::open(peer, {.client_name = config_.client_name},
                                            steady_clock::now() + config_.connect_timeout);
  connecting_ = false;
  if (opened) {
    channel_ = std::move(*opened);
    if (failures_ > 0 && was_connected_)
      logger("client").info("connected broker={}", peer.to_string());
    was_connected_ = true;
    failures_ = 0;
    last_error_.reset();
  } else {
    ++failures_;
    retry_at_ = steady_clock::now() + backoff_.pause(failures_, rng_);
    // The first connection's failure is its caller's to tell; a broker that went away is a change.
    if (failures_ == 1 && was_connected_ && !closed_) {
      logger("client").warn("cannot connect broker={} error={}", peer.to_string(),
                            opened.error().to_string());
    }
    last_error_ = std::move(opened).error();
  }
  changed_.notify_all();
}

void Connection::give_up(const std::shared_ptr<rpc::Channel>& channel) {
  if (!channel || channel != channel_) return;
  tasks_.spawn("close " + peer_.to_string(), close_channel(std::exchange(channel_, nullptr)));
}

Task<void> Connection::close() {
  closed_ = true;
  if (channel_) give_up(channel_);
  changed_.notify_all();
  // Channels are closed, not abandoned: a connect under way is cancelled, a close runs to its end.
  if (connecting_) tasks_.cancel();
  co_await tasks_.wait();
  if (channel_) co_await channel_->close();
}

}  // namespace penstock::client
