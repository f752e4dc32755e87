#include "broker/server/cluster_join.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <csignal>

#include "base/log.h"
#include "broker/server/broker_calls.h"
#include "broker/server/limits.h"
#include "protocol/rpc/typed_call.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::broker {
namespace {

using std::chrono::steady_clock;

bool may_pass(Errc code) {
  switch (code) {
    case Errc::kConnectFailed:
    case Errc::kConnectionLost:
    case Errc::kNotLeader:
    case Errc::kNotReady:
      return true;
    default:
      return info(code).retry == Retry::kRetry;
  }
}

std::string to_string(const std::vector<rpc::Endpoint>& endpoints) {
  std::string text;
  for (const rpc::Endpoint& endpoint : endpoints) {
    text += (text.empty() ? "" : ", ") + endpoint.to_string();
  }
  return text;
}

void end_when_told() {
  sigset_t pending;
  sigemptyset(&pending);
  sigpending(&pending);
  for (const int signal : {SIGTERM, SIGINT}) {
    if (sigismember(&pending, signal) != 1) continue;
    sigset_t unblocked;
    sigemptyset(&unblocked);
    sigaddset(&unblocked, signal);
    pthread_sigmask(SIG_UNBLOCK, &unblocked, nullptr);  // its default action ends the process
  }
}

}  // namespace

Result<Joined> joined_from(ByteView answer) {
  wire::v1::JoinResponse response;
  if (!rpc::deserialize(answer, response)) {
    return fail(Errc::kInvalidArgument, "the answer is no JoinResponse");
  }
  if (response.error().code() != 0) {
    return fail(errc_from_wire(response.error().code()), response.error().message());
  }
  Joined joined;
  PENSTOCK_TRY_ASSIGN(joined.cluster_id, wire::uuid_from_wire(response.cluster_id(), "cluster_id"));
  joined.broker = raft::NodeId(response.broker_id());
  if (joined.cluster_id.is_nil() || response.broker_id() < 1) {
    return fail(Errc::kInvalidArgument, "the answer names no cluster or no broker");
  }
  for (const auto& broker : response.brokers()) {
    if (broker.port() == 0 || broker.port() > 65535) continue;
    joined.brokers[raft::NodeId(broker.broker_id())] = {broker.host(),
                                                        static_cast<std::uint16_t>(broker.port())};
  }
  return joined;
}

Task<Result<Joined>> ask_to_join(std::vector<rpc::Endpoint> seeds, wire::v1::JoinRequest request) {
  const BrokerCalls calls("joining-broker");
  Error last(Errc::kConnectFailed, "nobody to ask");
  for (const rpc::Endpoint& seed : seeds) {
    const auto answer = co_await calls.call(seed, wire::Api::kJoin, rpc::serialize(request),
                                            steady_clock::now() + kJoinTime);
    auto joined = answer ? joined_from(*answer) : fail(answer.error());
    if (joined || !may_pass(joined.error().code())) co_return joined;
    last = std::move(joined).error().context(seed.to_string());
  }
  co_return fail(std::move(last));
}

Result<Joined> join_cluster(const std::vector<rpc::Endpoint>& seeds,
                            const wire::v1::JoinRequest& request, Patience patience) {
  auto next_word = steady_clock::now();
  while (true) {
    asio::io_context io;
    std::optional<Result<Joined>> result;
    asio::co_spawn(
        io, [&]() -> Task<void> { result = co_await ask_to_join(seeds, request); }, asio::detached);
    io.run();
    if (*result || !may_pass(result->error().code()) || patience == Patience::kOneRound) {
      return *std::move(result);
    }
    if (steady_clock::now() >= next_word) {
      next_word = steady_clock::now() + kJoinWordPeriod;
      logger("broker").warn("waits for the cluster at {}: {}", to_string(seeds),
                            result->error().to_string());
    }
    end_when_told();
    asio::steady_timer pause(io, kJoinPause);
    pause.wait();
  }
}

}  // namespace penstock::broker
