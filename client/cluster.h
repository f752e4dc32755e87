// Cluster: the brokers that a client talks to and what it knows of their topics; the base of the
// coroutine API.
//
// Two connections a broker: answers to bulk fetches and long polls must never hold up an
// acknowledgement. Threads: one executor, that of the constructor; everything built on the cluster
// (AsyncProducer, AsyncConsumer, AsyncAdmin) lives there too. What any broker can answer is asked
// of one after the other (client/broker_round.h): of those that were learned, then of the addresses
// that were given. Lifetime: await close() before
// destruction and after closing what is built on it. Failure: calls reconnect by themselves within
// their deadline; documented error by error in docs/client.md.
#pragma once

#include <functional>
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

namespace penstock::wire::v1 {
class DescribeTopicsResponse;
class FindCoordinatorResponse;
}  // namespace penstock::wire::v1

namespace penstock::client {

enum class Lane : std::uint8_t { kRequests, kFetches };

class Cluster {
 public:
  Cluster(asio::any_io_executor executor, ClientConfig config);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // Connects to the first bootstrap address that answers, each tried once, each next one a moment
  // later. kConnectFailed names each and why; kInvalidArgument for a config out of range.
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
  // Stops using a channel whose peer did not answer in time.
  void give_up(BrokerId broker, Lane lane, const std::shared_ptr<rpc::Channel>& channel);

  // Asks one broker after the other for what any of them can answer, `patience` each and the last
  // one until the deadline. `judge` says whether an answer will do; one that does not for now
  // (retriable) is asked of the next broker too, and so is, of a request that changes nothing,
  // kUnknownTopic (a broker may not have heard of it yet) and silence. When nobody does better, the
  // first answer is returned as it is. A lost answer to a request that changes something ends the
  // round: its outcome is unknown.
  using Judge = std::function<Status(const SharedBytes&)>;
  using Patience = std::chrono::milliseconds;
  Task<Result<SharedBytes>> ask_any(wire::Api api, Bytes message, Judge judge, Patience patience,
                                    rpc::Deadline deadline);

  // Asks for these topics now. kUnknownTopic names the first that no broker knows (and forgets
  // it); the others are taken in all the same. One round over the brokers.
  Task<Status> refresh(std::vector<std::string> topics, rpc::Deadline deadline);
  // Takes in where brokers are.
  void note_brokers(const wire::v1::DescribeTopicsResponse& response);
  void note_brokers(const wire::v1::FindCoordinatorResponse& response);
  // As known, or asked for, with retries until the deadline. A topic that does not exist fails at
  // once.
  Task<Result<TopicMetadata>> topic(std::string name, rpc::Deadline deadline);

  // The pause before attempt `failures` + 1.
  std::chrono::milliseconds pause(std::uint32_t failures) { return backoff_.pause(failures, rng_); }
  // The pause before a leader is looked for again, after `fruitless` answers with nothing new.
  std::chrono::milliseconds search_pause(std::uint32_t fruitless);
  // When one attempt of a call that ends at `deadline` is given up in favour of another.
  rpc::Deadline attempt_deadline(rpc::Deadline deadline) const;

 private:
  struct Candidate {
    Connection* connection = nullptr;
    bool promises = true;  // an answer: not silent, and not in a pause after a failure
  };

  Connection& connection_to(BrokerId broker, Lane lane, const rpc::Endpoint& peer);
  void note_cluster(const rpc::Channel& channel);
  std::vector<Candidate> round();
  Task<Result<SharedBytes>> ask(Connection& connection, wire::Api api, Bytes message,
                                rpc::Deadline deadline);
  Status take_in(const wire::v1::DescribeTopicsResponse& response);

  asio::any_io_executor executor_;
  ClientConfig config_;
  Rng rng_;
  Backoff backoff_;
  MetadataCache metadata_;
  std::map<std::pair<BrokerId, Lane>, std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Connection>> bootstrap_;  // by config_.bootstrap
  Uuid cluster_id_;                                     // nil until a broker has said it
  std::size_t turn_ = 0;                                // of the next round
};

}  // namespace penstock::client
