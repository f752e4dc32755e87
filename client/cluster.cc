#include "client/cluster.h"

#include <algorithm>

#include "base/assert.h"
#include "client/limits.h"
#include "client/metadata_codec.h"
#include "protocol/rpc/typed_call.h"
#include "protocol/wire/error_message.h"

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
  std::string failures;
  for (const auto& connection : bootstrap_) {
    auto channel = co_await connection->connect(steady_clock::now() + config_.connect_timeout);
    if (channel) co_return Status{};
    if (channel.error().code() == Errc::kCancelled) co_return std::unexpected(channel.error());
    failures += (failures.empty() ? "" : "; ") + connection->peer().to_string() + ": " +
                channel.error().message();
  }
  co_return fail(Errc::kConnectFailed, "no bootstrap address answers: " + failures);
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

std::shared_ptr<rpc::Channel> Cluster::any_open_channel() const {
  for (const auto& [key, connection] : connections_) {
    if (key.second != Lane::kRequests) continue;
    if (auto channel = connection->channel()) return channel;
  }
  for (const auto& connection : bootstrap_) {
    if (auto channel = connection->channel()) return channel;
  }
  return nullptr;
}

Task<Result<std::shared_ptr<rpc::Channel>>> Cluster::connect_any(rpc::Deadline deadline) {
  if (auto open = any_open_channel()) co_return open;
  // Known brokers first, then the bootstrap addresses: one of them may still be there when every
  // address that was learned from it has become stale.
  std::vector<Connection*> candidates;
  for (const auto& [id, peer] : metadata_.brokers()) {
    candidates.push_back(&connection_to(id, Lane::kRequests, peer));
  }
  for (const auto& connection : bootstrap_) candidates.push_back(connection.get());
  std::optional<Error> first_error;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    // Each gets its share of the time that is left, so that one that hangs does not take it all.
    const auto now = steady_clock::now();
    const auto share = (deadline - now) / static_cast<std::int64_t>(candidates.size() - i);
    auto channel = co_await candidates[i]->connect(std::min(deadline, now + share));
    if (channel) co_return channel;
    if (channel.error().code() == Errc::kCancelled) co_return std::unexpected(channel.error());
    if (!first_error) first_error = std::move(channel).error();
  }
  co_return fail(first_error.value_or(Error(Errc::kConnectFailed, "no broker is known")));
}

void Cluster::give_up(BrokerId broker, Lane lane, const std::shared_ptr<rpc::Channel>& channel) {
  if (const auto it = connections_.find({broker, lane}); it != connections_.end()) {
    it->second->give_up(channel);
  }
}

Task<Status> Cluster::refresh(std::vector<std::string> topics, rpc::Deadline deadline) {
  PENSTOCK_ASSERT(topics.size() <= kMaxTopicsPerRequest, "callers ask for topics in portions");
  PENSTOCK_CO_TRY_ASSIGN(auto channel, co_await connect_any(deadline));
  wire::v1::DescribeTopicsRequest request;
  for (const std::string& name : topics) request.add_names(name);
  PENSTOCK_CO_TRY_ASSIGN(auto reply,
                         (co_await rpc::call<wire::v1::DescribeTopicsResponse>(
                             *channel, wire::Api::kDescribeTopics, request, {}, deadline)));
  for (const wire::v1::Broker& broker : reply.message.brokers()) {
    metadata_.update_broker(broker.id(),
                            {broker.host(), static_cast<std::uint16_t>(broker.port())});
  }
  Status outcome;
  for (const wire::v1::Topic& topic : reply.message.topics()) {
    Status status = wire::status_of(topic);
    if (status) {
      auto known = topic_from_wire(topic, steady_clock::now());
      if (known) {
        metadata_.update_topic(std::move(*known));
      } else {
        status = std::unexpected(std::move(known).error());
      }
    } else if (status.error().code() == Errc::kUnknownTopic) {
      metadata_.forget_topic(topic.name());
    }
    if (!status && outcome) outcome = std::move(status);
  }
  co_return outcome;
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
