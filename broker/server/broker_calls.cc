#include "broker/server/broker_calls.h"

#include "protocol/rpc/typed_call.h"

namespace penstock::broker {
namespace {

Task<Result<Bytes>> call_on(rpc::Channel& channel, wire::Api api, Bytes message,
                            rpc::Deadline deadline) {
  PENSTOCK_CO_TRY_ASSIGN(const rpc::Reply reply,
                         co_await channel.call(api, std::move(message), {}, deadline));
  const ByteView answer = reply.message.view();
  co_return Bytes(answer.begin(), answer.end());
}

}  // namespace

Task<Result<BrokerCalls::ChannelPtr>> BrokerCalls::channel(raft::NodeId broker,
                                                           rpc::Deadline deadline) {
  const auto address = addresses_.find(broker);
  if (address == addresses_.end()) {
    co_return fail(Errc::kConnectFailed,
                   "the address of broker " + std::to_string(broker.value()) + " is not known");
  }
  const rpc::Endpoint endpoint = address->second;
  if (ChannelPtr open = open_channel(broker, endpoint)) co_return open;
  PENSTOCK_CO_TRY_ASSIGN(
      auto opened, co_await rpc::Channel::open(endpoint, {.client_name = client_name_}, deadline));
  ChannelPtr channel = std::move(opened);
  Error refused(Errc::kOk);
  if (channel->peer().broker_id != broker.value()) {
    refused = Error(Errc::kForeignData, endpoint.to_string() + " is broker " +
                                            std::to_string(channel->peer().broker_id) + ", not " +
                                            std::to_string(broker.value()));
  } else if (closed_) {
    refused = Error(Errc::kShuttingDown, "the broker is stopping");
  }
  // Somebody else may have made one meanwhile.
  ChannelPtr other = open_channel(broker, endpoint);
  if (refused.code() != Errc::kOk || other) {
    co_await channel->close();
    if (other) co_return other;
    co_return fail(std::move(refused));
  }
  const ChannelPtr old = std::exchange(connections_[broker], {endpoint, channel}).channel;
  if (old) co_await old->close();
  co_return channel;
}

BrokerCalls::ChannelPtr BrokerCalls::open_channel(raft::NodeId broker,
                                                  const rpc::Endpoint& endpoint) const {
  const auto found = connections_.find(broker);
  if (found == connections_.end()) return nullptr;
  const auto& [at, channel] = found->second;
  return at == endpoint && channel->is_open() ? channel : nullptr;
}

Task<Result<Bytes>> BrokerCalls::call(raft::NodeId broker, wire::Api api, Bytes message,
                                      rpc::Deadline deadline) {
  PENSTOCK_CO_TRY_ASSIGN(const ChannelPtr channel, co_await this->channel(broker, deadline));
  co_return co_await call_on(*channel, api, std::move(message), deadline);
}

Task<Result<Bytes>> BrokerCalls::call(rpc::Endpoint endpoint, wire::Api api, Bytes message,
                                      rpc::Deadline deadline) const {
  PENSTOCK_CO_TRY_ASSIGN(
      const auto channel,
      co_await rpc::Channel::open(std::move(endpoint), {.client_name = client_name_}, deadline));
  auto answer = co_await call_on(*channel, api, std::move(message), deadline);
  co_await channel->close();
  co_return answer;
}

Task<Result<bool>> BrokerCalls::offers(raft::NodeId broker, wire::Api api, rpc::Deadline deadline) {
  PENSTOCK_CO_TRY_ASSIGN(const ChannelPtr channel, co_await this->channel(broker, deadline));
  co_return channel->offers(api);
}

Task<void> BrokerCalls::close() {
  closed_ = true;
  for (auto& [broker, connection] : std::exchange(connections_, {})) {
    co_await connection.channel->close();
  }
}

}  // namespace penstock::broker
