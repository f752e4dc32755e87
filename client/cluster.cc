#include "client/cluster.h"

#include <algorithm>
#include <set>

#include "base/assert.h"
#include "client/broker_round.h"
#include "client/limits.h"
#include "client/metadata_codec.h"
#include "protocol/rpc/typed_call.h"
#include "protocol/wire/error_message.h"
#include "protocol/wire/groups.pb.h"

namespace penstock::client {
namespace {

using std::chrono::steady_clock;

Status check(const ClientConfig& config) {
  if (config.bootstrap.empty()) return fail(Errc::kInvalidArgument, "no bootstrap address given");
  for (const milliseconds value : {config.connect_timeout, config.request_timeout,
                                   config.retry_backoff, config.metadata_max_age}) {
    if (value.count() <= 0) {
      return fail(Errc::kInvalidArgument, "a timeout, pause or age of the client is not positive");
    }
    if (value > kMaxSettingTime) {
      return fail(Errc::kInvalidArgument, "a timeout, pause or age of the client is over a year");
    }
  }
  if (config.retry_backoff_max > kMaxSettingTime) {
    return fail(Errc::kInvalidArgument, "retry_backoff_max of the client is over a year");
  }
  return {};
}

Result<wire::v1::DescribeTopicsResponse> parse_topics(const SharedBytes& bytes) {
  wire::v1::DescribeTopicsResponse response;
  if (!rpc::deserialize(bytes.view(), response)) {
    return fail(Errc::kBadFrame, "the answer to DescribeTopics is no such message");
  }
  PENSTOCK_TRY(wire::status_of(response));
  return response;
}

// The first thing that is wrong with the answer as a whole, or with a topic of it.
Status judge_topics(const SharedBytes& bytes) {
  PENSTOCK_TRY_ASSIGN(const auto response, parse_topics(bytes));
  for (const wire::v1::Topic& topic : response.topics()) PENSTOCK_TRY(wire::status_of(topic));
  return {};
}

}  // namespace

Cluster::Cluster(asio::any_io_executor executor, ClientConfig config)
    : executor_(std::move(executor)),
      config_(std::move(config)),
      rng_(random_seed()),
      backoff_(config_.retry_backoff, config_.retry_backoff_max) {}

Cluster::~Cluster() = default;

Task<Status> Cluster::open() {
  PENSTOCK_CO_TRY(check(config_));
  for (const rpc::Endpoint& address : config_.bootstrap) {
    bootstrap_.push_back(
        std::make_unique<Connection>(executor_, address, config_, rng_, Connection::Log::kNothing));
  }
  // The first time around nobody waits long for one that hangs; the second time, for those only.
  const auto deadline = steady_clock::now() + config_.connect_timeout;
  for (const bool first_time : {true, false}) {
    for (const auto& connection : bootstrap_) {
      if (!first_time && !connection->is_connecting() && !connection->channel()) continue;
      const bool is_last = connection == bootstrap_.back();
      const auto until =
          first_time && !is_last ? steady_clock::now() + kBootstrapHeadStart : deadline;
      auto channel = co_await connection->connect(std::min(until, deadline));
      if (channel) {
        note_cluster(**channel);
        co_return Status{};
      }
      if (channel.error().code() == Errc::kCancelled) co_return std::unexpected(channel.error());
    }
  }
  std::string failures;
  for (const auto& connection : bootstrap_) {
    failures += (failures.empty() ? "" : "; ") + connection->peer().to_string() + ": " +
                connection->not_connected().message();
  }
  co_return fail(Errc::kConnectFailed, "no bootstrap address answers: " + failures);
}

void Cluster::note_cluster(const rpc::Channel& channel) {
  if (cluster_id_.is_nil()) cluster_id_ = channel.peer().cluster_id;
}

Task<void> Cluster::close() {
  for (const auto& [key, connection] : connections_) co_await connection->close();
  for (const auto& connection : bootstrap_) co_await connection->close();
}

Connection& Cluster::connection_to(BrokerId broker, Lane lane, const rpc::Endpoint& peer) {
  auto& connection = connections_[{broker, lane}];
  if (!connection) {
    const auto log =
        lane == Lane::kRequests ? Connection::Log::kChanges : Connection::Log::kNothing;
    connection = std::make_unique<Connection>(executor_, peer, config_, rng_, log);
  } else {
    connection->move_to(peer);
  }
  connection->expect(cluster_id_, broker);
  return *connection;
}

std::shared_ptr<rpc::Channel> Cluster::channel(BrokerId broker, Lane lane) {
  const auto it = connections_.find({broker, lane});
  return it == connections_.end() ? nullptr : it->second->channel();
}

Task<Result<std::shared_ptr<rpc::Channel>>> Cluster::connect(BrokerId broker, Lane lane,
                                                             rpc::Deadline deadline) {
  const rpc::Endpoint* peer = metadata_.broker(broker);
  if (peer == nullptr) {
    co_return fail(Errc::kConnectFailed,
                   "the address of broker " + std::to_string(broker) + " is not known");
  }
  co_return co_await connection_to(broker, lane, *peer).connect(deadline);
}

// Known brokers first, then the addresses that were given: one of them may still be there when
// every address that was learned from it has become stale.
std::vector<Cluster::Candidate> Cluster::round() {
  std::vector<Connection*> connections;
  std::set<rpc::Endpoint> addresses;
  for (const auto& [id, peer] : metadata_.brokers()) {
    Connection* connection = &connection_to(id, Lane::kRequests, peer);
    for (const auto& given : bootstrap_) {
      const bool same = given->peer() == peer && given->channel();
      if (same && !connection->channel()) connection = given.get();
    }
    connections.push_back(connection);
    addresses.insert(peer);
  }
  for (const auto& given : bootstrap_) {
    given->expect(cluster_id_, kNoBroker);
    if (!addresses.contains(given->peer())) connections.push_back(given.get());
  }
  const auto now = steady_clock::now();
  std::vector<BrokerWay> ways;
  for (const Connection* connection : connections) {
    ways.push_back({.silent = connection->is_silent(), .retry_at = connection->retry_at()});
  }
  std::vector<Candidate> round;
  for (const std::size_t i : asking_order(ways, turn_++, now)) {
    round.push_back(
        {.connection = connections[i], .promises = !ways[i].silent && ways[i].retry_at <= now});
  }
  return round;
}

Task<Result<SharedBytes>> Cluster::ask(Connection& connection, wire::Api api, Bytes message,
                                       rpc::Deadline deadline) {
  PENSTOCK_CO_TRY_ASSIGN(auto channel, co_await connection.connect(deadline));
  note_cluster(*channel);
  auto reply = co_await channel->call(api, std::move(message), {}, deadline);
  if (reply) {
    connection.note_answer();
    co_return std::move(reply->message);
  }
  if (reply.error().code() == Errc::kTimeout) connection.note_silence();
  co_return std::unexpected(
      std::move(reply).error().context("broker " + connection.peer().to_string()));
}

Task<Result<SharedBytes>> Cluster::ask_any(wire::Api api, Bytes message, Judge judge,
                                           Patience patience, rpc::Deadline deadline) {
  const bool changes =
      wire::find_api(static_cast<std::uint16_t>(api))->effect == wire::Effect::kChanges;
  std::optional<SharedBytes> answer;
  std::optional<Error> first_error;
  const std::vector<Candidate> candidates = round();
  for (const Candidate& candidate : candidates) {
    if (answer && !candidate.promises) break;
    const bool is_last = &candidate == &candidates.back() && !answer;
    const auto now = steady_clock::now();
    const auto until =
        is_last ? deadline : std::min(deadline, now + (answer ? kConfirmPatience : patience));
    auto reply = co_await ask(*candidate.connection, api, message, until);
    if (!reply) {
      const Errc code = reply.error().code();
      const bool in_doubt =
          changes && code != Errc::kConnectFailed && reply.error().outcome() == Outcome::kMaybeDone;
      if (code == Errc::kCancelled || in_doubt) co_return reply;
      if (!first_error) first_error = std::move(reply).error();
      if (steady_clock::now() >= deadline) break;
      continue;
    }
    const Status judged = judge(*reply);
    const bool elsewhere =
        !judged && judged.error().outcome() == Outcome::kNotDone &&
        (judged.error().retriable() || (!changes && judged.error().code() == Errc::kUnknownTopic));
    if (!elsewhere) co_return reply;
    if (!answer) answer = std::move(*reply);
  }
  if (answer) co_return *std::move(answer);
  co_return fail(first_error.value_or(Error(Errc::kConnectFailed, "no broker is known")));
}

void Cluster::give_up(BrokerId broker, Lane lane, const std::shared_ptr<rpc::Channel>& channel) {
  if (const auto it = connections_.find({broker, lane}); it != connections_.end()) {
    it->second->give_up(channel);
  }
}

std::chrono::milliseconds Cluster::search_pause(std::uint32_t fruitless) {
  return std::min(pause(1 + fruitless), kMaxLeaderSearchPause);
}

rpc::Deadline Cluster::attempt_deadline(rpc::Deadline deadline) const {
  return std::min(deadline, steady_clock::now() + config_.request_timeout / kAttemptsPerCall);
}

namespace {

template <typename Response>
std::map<BrokerId, rpc::Endpoint> brokers_in(const Response& response) {
  std::map<BrokerId, rpc::Endpoint> brokers;
  for (const wire::v1::Broker& broker : response.brokers()) {
    brokers[broker.id()] = {broker.host(), static_cast<std::uint16_t>(broker.port())};
  }
  return brokers;
}

}  // namespace

void Cluster::note_brokers(const wire::v1::DescribeTopicsResponse& response) {
  metadata_.update_brokers(brokers_in(response), response.metadata_offset());
}

void Cluster::note_brokers(const wire::v1::FindCoordinatorResponse& response) {
  metadata_.update_brokers(brokers_in(response), response.metadata_offset());
}

Status Cluster::take_in(const wire::v1::DescribeTopicsResponse& response) {
  const MetadataOffset as_of = response.metadata_offset();
  note_brokers(response);
  Status outcome;
  for (const wire::v1::Topic& topic : response.topics()) {
    Status status = wire::status_of(topic);
    if (status) {
      auto known = topic_from_wire(topic, steady_clock::now(), as_of);
      if (known) {
        metadata_.update_topic(std::move(*known));
      } else {
        status = std::unexpected(std::move(known).error());
      }
    } else if (status.error().code() == Errc::kUnknownTopic &&
               !metadata_.forget_topic(topic.name(), as_of)) {
      status = fail(Errc::kNotReady, topic.name() + ": the broker has not heard of it yet");
    }
    if (!status && outcome) outcome = std::move(status);
  }
  return outcome;
}

Task<Status> Cluster::refresh(std::vector<std::string> topics, rpc::Deadline deadline) {
  PENSTOCK_ASSERT(topics.size() <= kMaxTopicsPerRequest, "callers ask for topics in portions");
  wire::v1::DescribeTopicsRequest request;
  for (const std::string& name : topics) request.add_names(name);
  PENSTOCK_CO_TRY_ASSIGN(const SharedBytes answer,
                         co_await ask_any(wire::Api::kDescribeTopics, rpc::serialize(request),
                                          judge_topics, kAskPatience, deadline));
  PENSTOCK_CO_TRY_ASSIGN(const auto response, parse_topics(answer));
  co_return take_in(response);
}

Task<Result<TopicMetadata>> Cluster::topic(std::string name, rpc::Deadline deadline) {
  if (!is_valid_topic_name(name)) {
    co_return fail(Errc::kInvalidTopicName,
                   "'" + name + "': " + std::string(info(Errc::kInvalidTopicName).meaning));
  }
  for (std::uint32_t failures = 0;;) {
    if (const TopicMetadata* known = metadata_.topic(name)) co_return *known;
    Status refreshed = co_await refresh({name}, deadline);
    if (refreshed) {
      if (const TopicMetadata* known = metadata_.topic(name)) co_return *known;
      co_return fail(Errc::kUnknownTopic, name);
    }
    Error error = std::move(refreshed).error();
    const auto retry_at = steady_clock::now() + pause(++failures);
    if (!error.retriable() || retry_at >= deadline) {
      co_return fail(std::move(error).context("metadata of topic " + name));
    }
    PENSTOCK_CO_TRY(co_await sleep_for(retry_at - steady_clock::now()));
  }
}

}  // namespace penstock::client
