// Cluster: the brokers that a client talks to and what it knows of their topics; the base of the
// coroutine API.
//
// Two connections a broker: answers to bulk fetches and long polls must never hold up an
// acknowledgement. Threads: one executor, that of the constructor; everything built on the cluster
// (AsyncProducer, AsyncConsumer, AsyncAdmin) lives there too. Lifetime: await close() before
// destruction and after closing what is built on it. Failure: calls reconnect by themselves within
// their deadline; documented error by error in docs/client.md.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "client/config.h"
#include "client/connection.h"
#include "client/metadata.h"
#include "protocol/rpc/channel.h"

namespace penstock::client {

enum class Lane : std::uint8_t { kRequests, kFetches };

class Cluster {
 public:
  Cluster(asio::any_io_executor executor, ClientConfig config);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // Connects to the first bootstrap address that answers, each tried once. kConnectFailed names
  // each and why; kInvalidArgument for a config out of range.
  Task<Status> open();
  Task<void> close();

  const asio::any_io_executor& executor() const { return executor_; }
  const ClientConfig& config() const { return config_; }
  const MetadataCache& metadata() const { return metadata_; }
  Rng& rng() { return rng_; }

  // The open channel to a broker, or null: connect() then.
  std::shared_ptr<rpc::Channel> channel(BrokerId broker, Lane lane);
  Task<Result<std::shared_ptr<rpc::Channel>>> connect(BrokerId broker, Lane lane,
                                                      rpc::Deadline deadline);
  // A channel to whichever broker can be reached.
  Task<Result<std::shared_ptr<rpc::Channel>>> connect_any(rpc::Deadline deadline);
  // Stops using a channel whose peer did not answer in time.
  void give_up(BrokerId broker, Lane lane, const std::shared_ptr<rpc::Channel>& channel);

  // Asks a broker for these topics now. kUnknownTopic names the first that does not exist (and
  // forgets it); the others are taken in all the same. One request, no retries.
  Task<Status> refresh(std::vector<std::string> topics, rpc::Deadline deadline);
  // As known, or asked for, with retries until the deadline. A topic that does not exist fails at
  // once.
  Task<Result<TopicMetadata>> topic(std::string name, rpc::Deadline deadline);

  // The pause before attempt `failures` + 1.
  std::chrono::milliseconds pause(std::uint32_t failures) { return backoff_.pause(failures, rng_); }

 private:
  Connection& connection_to(BrokerId broker, Lane lane, const rpc::Endpoint& peer);
  std::shared_ptr<rpc::Channel> any_open_channel() const;

  asio::any_io_executor executor_;
  ClientConfig config_;
  Rng rng_;
  Backoff backoff_;
  MetadataCache metadata_;
  std::map<std::pair<BrokerId, Lane>, std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Connection>> bootstrap_;  // by config_.bootstrap
};

}  // namespace penstock::client
