// Connection: the way to one broker: connects when asked to, once for all who ask, and pauses after
// failures.
//
// Invariants: at most one attempt to connect is under way; after a failure nobody tries again
// before the pause is over, however many ask (no busy loop against a dead broker). A connection
// that the peer closed while idle is replaced at the next use, without an error. Threads: one
// executor. Lifetime: await close() before destruction; channels handed out stay valid while they
// are held.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/random.h"
#include "base/task.h"
#include "client/backoff.h"
#include "client/config.h"
#include "client/instant.h"
#include "protocol/rpc/channel.h"

namespace penstock::client {

class Connection {
 public:
  // Of several connections to one broker, one tells the operator when it is lost and found.
  enum class Log : std::uint8_t { kChanges, kNothing };

  Connection(asio::any_io_executor executor, rpc::Endpoint peer, const ClientConfig& config,
             Rng& rng, Log log);

  const rpc::Endpoint& peer() const { return peer_; }
  // Where to connect the next time: at once, whatever pause the old address had earned. An open
  // channel stays.
  void move_to(const rpc::Endpoint& peer);
  // Who is expected to answer there; anybody else is refused. Nil and -1: not known.
  void expect(const Uuid& cluster_id, std::int32_t broker_id);

  // The open channel, or null.
  std::shared_ptr<rpc::Channel> channel() const;
  // The open channel, after waiting for a pause and connecting if need be. kConnectFailed says why
  // the last attempt failed; kTimeout never: the deadline passing is a failure to connect.
  Task<Result<std::shared_ptr<rpc::Channel>>> connect(rpc::Deadline deadline);
  bool is_connecting() const { return connecting_; }
  // Why there is no channel.
  Error not_connected() const;
  // When the next attempt may begin; Instant::min() while there is no reason to pause.
  Instant retry_at() const { return channel() ? Instant::min() : retry_at_; }

  // Whether the last question was answered in time; a new channel begins with the benefit of doubt.
  void note_silence() { silent_ = true; }
  void note_answer() { silent_ = false; }
  bool is_silent() const { return silent_; }

  // Does not trust `channel` any more: what is under way on it fails with kConnectionLost.
  void give_up(const std::shared_ptr<rpc::Channel>& channel);

  Task<void> close();

 private:
  Task<void> attempt();
  void succeeded(std::unique_ptr<rpc::Channel> channel);
  void failed(Error error);
  Status check(const rpc::PeerInfo& found) const;
  void note_change(std::string_view what, const std::string& error) const;

  rpc::Endpoint peer_;
  const ClientConfig& config_;
  Backoff backoff_;
  Rng& rng_;
  const Log log_;
  Uuid cluster_id_;  // nil: not known
  std::int32_t broker_id_ = -1;
  std::shared_ptr<rpc::Channel> channel_;
  std::optional<Error> last_error_;
  std::uint32_t failures_ = 0;
  Instant retry_at_ = Instant::min();
  bool connecting_ = false;
  bool was_connected_ = false;
  bool silent_ = false;
  bool closed_ = false;
  Wakeup changed_;
  TaskGroup tasks_;
};

}  // namespace penstock::client
