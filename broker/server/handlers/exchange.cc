#include "broker/peer/exchange.h"

#include <google/protobuf/arena.h>

#include "broker/server/dispatch.h"
#include "broker/server/handlers/handlers.h"
#include "protocol/rpc/typed_call.h"
#include "protocol/wire/error_message.h"

namespace penstock::broker {
namespace {

Result<Exchanged> decode(const rpc::Request& call) {
  // Some hundred small messages, made and thrown away together.
  google::protobuf::Arena arena;
  auto& request = *google::protobuf::Arena::CreateMessage<wire::v1::ExchangeRequest>(&arena);
  if (!rpc::deserialize(call.message.view(), request)) {
    return fail(Errc::kInvalidArgument, "the message is no ExchangeRequest");
  }
  return decode_exchange(request, call.attachment);
}

// From whom it says it is, and to whom it was meant for.
Status check_parties(const Call& call, const Exchanged& exchanged) {
  const NodeIdentity& self = call.broker.identity;
  if (exchanged.cluster_id != self.cluster_id) {
    return fail(Errc::kForeignData, "this broker is of cluster " + self.cluster_id.to_string());
  }
  if (exchanged.to.value() != self.node_id) {
    return fail(Errc::kForeignData, "this is broker " + std::to_string(self.node_id) + ", not " +
                                        std::to_string(exchanged.to.value()));
  }
  const BrokerImage* sender = call.home.image()->find(exchanged.from);
  if (sender != nullptr && sender->directory != exchanged.from_directory) {
    return fail(Errc::kForeignData, "the directory of broker " +
                                        std::to_string(exchanged.from.value()) + " is another one");
  }
  return {};
}

// The parts of an exchange that one shard takes.
struct Share {
  std::vector<const GroupMessage*> messages;
  std::vector<const LeaderNews*> news;
  bool empty() const { return messages.empty() && news.empty(); }
};

Status hand_over(Shard& shard, const Share& share) {
  for (const LeaderNews* news : share.news) shard.hear(*news);
  for (const GroupMessage* message : share.messages) shard.receive(*message);
  return {};
}

Task<Status> take(const Call& call, const Exchanged& exchanged) {
  std::vector<Share> shares(call.broker.shards.size());
  for (const GroupMessage& message : exchanged.messages) {
    shares[call.broker.shard_index(message.group)].messages.push_back(&message);
  }
  for (const LeaderNews& news : exchanged.news) {
    shares[call.broker.shard_index(news.partition)].news.push_back(&news);
  }
  for (const auto& shard : call.broker.shards) {
    const Share& share = shares[shard->index()];
    if (share.empty()) continue;
    if (shard.get() == &call.home) {
      hand_over(*shard, share);
    } else {
      co_await run_on(shard->executor(),
                      [&shard = *shard, &share] { return hand_over(shard, share); });
    }
  }
  co_return Status{};
}

}  // namespace

// The answer is given when all shards have taken their parts: that is what slows a sender down.
Task<rpc::Response> exchange(Call call) {
  const auto refuse = [&](const Error& error) {
    call.broker.metrics.request_failed(wire::Api::kExchange, error.code());
    return error_response(error);
  };
  const auto exchanged = decode(call.request);
  if (!exchanged) co_return refuse(exchanged.error());
  if (const Status parties = check_parties(call, *exchanged); !parties) {
    co_return refuse(parties.error());
  }
  co_await take(call, *exchanged);
  co_return rpc::Response{.message = rpc::serialize(wire::v1::ExchangeResponse()),
                          .attachment = {}};
}

}  // namespace penstock::broker
