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
                       const ClientConfig& config, Rng& rng, Log log)
    : peer_(std::move(peer)),
      config_(config),
      backoff_(config.retry_backoff, config.retry_backoff_max),
      rng_(rng),
      log_(log),
      changed_(executor),
      tasks_(executor) {}

void Connection::move_to(const rpc::Endpoint& peer) {
  if (peer == peer_) return;
  peer_ = peer;
  retry_at_ = Instant::min();
  changed_.notify_all();
}

void Connection::expect(const Uuid& cluster_id, std::int32_t broker_id) {
  cluster_id_ = cluster_id;
  broker_id_ = broker_id;
}

// An address may have passed to another broker, or to another cluster: ports are used again.
Status Connection::check(const rpc::PeerInfo& found) const {
  const bool both_known = !cluster_id_.is_nil() && !found.cluster_id.is_nil();
  if (both_known && found.cluster_id != cluster_id_) {
    return fail(Errc::kConnectFailed, peer_.to_string() + " belongs to another cluster, " +
                                          found.cluster_id.to_string() + " instead of " +
                                          cluster_id_.to_string());
  }
  // Brokers count from 1; one that has no number yet says something else.
  if (broker_id_ > 0 && found.broker_id > 0 && found.broker_id != broker_id_) {
    return fail(Errc::kConnectFailed, peer_.to_string() + " is broker " +
                                          std::to_string(found.broker_id) + " now, not " +
                                          std::to_string(broker_id_));
  }
  return {};
}

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
  bool cancelled = false;
  while (!cancelled && steady_clock::now() < retry_at_) {
    const Status waited = co_await changed_.wait(changed_.version(), retry_at_);
    cancelled = !waited && waited.error().code() == Errc::kCancelled;
  }
  if (!cancelled) {
    auto opened = co_await rpc::Channel::open(peer_, {.client_name = config_.client_name},
                                              steady_clock::now() + config_.connect_timeout);
    Status accepted;
    if (opened) accepted = check((*opened)->peer());
    if (opened && accepted) {
      succeeded(std::move(*opened));
    } else {
      failed(opened ? std::move(accepted).error() : std::move(opened).error());
      if (opened) co_await (*opened)->close();
    }
  }
  connecting_ = false;
  changed_.notify_all();
}

void Connection::succeeded(std::unique_ptr<rpc::Channel> channel) {
  if (failures_ > 0) note_change("connected", "");
  channel_ = std::move(channel);
  was_connected_ = true;
  failures_ = 0;
  silent_ = false;
  last_error_.reset();
}

void Connection::failed(Error error) {
  if (failures_ == 0) note_change("cannot connect", error.to_string());
  ++failures_;
  retry_at_ = steady_clock::now() + backoff_.pause(failures_, rng_);
  last_error_ = std::move(error);
}

// The first attempt of all is its caller's to tell; a broker that went away or came back is news.
void Connection::note_change(std::string_view what, const std::string& error) const {
  if (log_ == Log::kNothing || !was_connected_ || closed_) return;
  if (error.empty()) {
    logger("client").info("{} broker={}", what, peer_.to_string());
  } else {
    logger("client").warn("{} broker={} error={}", what, peer_.to_string(), error);
  }
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
