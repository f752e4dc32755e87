#include "broker/server/controller_gate.h"

#include "broker/server/limits.h"
#include "protocol/rpc/typed_call.h"
#include "protocol/wire/cluster.pb.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::broker {
namespace {

using std::chrono::steady_clock;

// The request did not reach anybody who would have carried it out.
bool was_not_taken(Errc code) {
  return code == Errc::kConnectFailed || code == Errc::kNotLeader || code == Errc::kNotReady ||
         code == Errc::kForeignData || code == Errc::kShuttingDown;
}

// What became of it is not known.
Error unanswered(const Error& error) {
  return Error(
      Errc::kTimeout,
      "the controller did not answer, so whether it was done is unknown: " + error.to_string());
}

}  // namespace

Task<Result<Bytes>> ControllerGate::hand_to(raft::NodeId broker, wire::Api api, ByteView message) {
  wire::v1::ForwardRequest request;
  request.set_from(self_.node_id);
  request.set_cluster_id(wire::to_wire(self_.cluster_id));
  request.set_api(static_cast<std::uint32_t>(api));
  request.set_message(message.data(), message.size());
  PENSTOCK_CO_TRY_ASSIGN(const Bytes answer,
                         co_await calls_.call(broker, wire::Api::kForward, rpc::serialize(request),
                                              steady_clock::now() + kForwardTime));
  wire::v1::ForwardResponse response;
  if (!rpc::deserialize(answer, response)) {
    co_return fail(Errc::kBadFrame, "the answer is no ForwardResponse");
  }
  if (response.error().code() != 0) {
    co_return fail(errc_from_wire(response.error().code()), response.error().message());
  }
  const ByteView inner = as_bytes(response.message());
  co_return Bytes(inner.begin(), inner.end());
}

Task<Result<std::optional<Bytes>>> ControllerGate::hand_on(wire::Api api, ByteView message) {
  const auto deadline = steady_clock::now() + kControllerTime;
  Error last(Errc::kNotReady,
             "the cluster has no controller at the moment: a majority of its "
             "voters cannot be reached; see penstock cluster status");
  while (true) {
    if (metadata_.is_controller()) co_return std::nullopt;
    const raft::NodeId controller = metadata_.controller();
    if (controller != raft::kNobody && controller.value() != self_.node_id) {
      auto answer = co_await hand_to(controller, api, message);
      if (answer) co_return *std::move(answer);
      // Of an older release: it did nothing.
      if (answer.error().code() == Errc::kUnsupported) co_return fail(answer.error());
      if (!was_not_taken(answer.error().code())) co_return fail(unanswered(answer.error()));
      last = Error(Errc::kNotReady, answer.error().to_string());
    }
    if (steady_clock::now() >= deadline) co_return fail(std::move(last));
    PENSTOCK_CO_TRY(co_await sleep_for(kControllerPause));
  }
}

Task<Status> ControllerGate::forget_topic(Uuid topic, raft::NodeId broker) {
  wire::v1::AlterClusterRequest request;
  auto& forget = *request.mutable_forget_topic();
  forget.set_topic_id(wire::to_wire(topic));
  forget.set_broker_id(broker.value());
  const Bytes message = rpc::serialize(request);
  PENSTOCK_CO_TRY_ASSIGN(const auto answer, co_await hand_on(wire::Api::kAlterCluster, message));
  if (!answer) {
    PENSTOCK_CO_TRY(co_await metadata_.carry_out(ForgetTopic{topic, broker}));
    co_return Status{};
  }
  wire::v1::AlterClusterResponse response;
  if (!rpc::deserialize(*answer, response)) {
    co_return fail(Errc::kBadFrame, "the answer is no AlterClusterResponse");
  }
  if (response.error().code() != 0) {
    co_return fail(errc_from_wire(response.error().code()), response.error().message());
  }
  co_return Status{};
}

}  // namespace penstock::broker
