#include "client/coordinator.h"

#include "client/limits.h"
#include "protocol/wire/error_message.h"
#include "protocol/wire/groups.pb.h"

namespace penstock::client {
namespace {

using wire::v1::FindCoordinatorResponse;

Status judge(const SharedBytes& bytes) {
  FindCoordinatorResponse response;
  if (!rpc::deserialize(bytes.view(), response)) {
    return fail(Errc::kBadFrame, "the answer to FindCoordinator is no such message");
  }
  return wire::status_of(response);
}

}  // namespace

Task<Status> Coordinator::find(rpc::Deadline deadline) {
  wire::v1::FindCoordinatorRequest request;
  request.set_group(group_);
  request.set_create(new_group_ == NewGroup::kMayBegin);
  PENSTOCK_CO_TRY_ASSIGN(
      const SharedBytes answer,
      co_await cluster_.ask_any(wire::Api::kFindCoordinator, rpc::serialize(request), judge,
                                cluster_.config().request_timeout / kAttemptsPerCall, deadline));
  FindCoordinatorResponse response;
  if (!rpc::deserialize(answer.view(), response)) {
    co_return fail(Errc::kBadFrame, "the answer to FindCoordinator is no such message");
  }
  PENSTOCK_CO_TRY(wire::status_of(response));
  cluster_.note_brokers(response);
  broker_ = response.coordinator();
  co_return Status{};
}

Task<Result<std::shared_ptr<rpc::Channel>>> Coordinator::open_channel(rpc::Deadline deadline) {
  if (broker_ == kNoBroker) PENSTOCK_CO_TRY(co_await find(deadline));
  const BrokerId broker = broker_;
  auto channel = co_await cluster_.connect(broker, Lane::kRequests, deadline);
  if (!channel && broker_ == broker) broker_ = kNoBroker;
  co_return channel;
}

void Coordinator::note_failure(const Error& error, const std::shared_ptr<rpc::Channel>& channel) {
  const Errc code = error.code();
  if (code == Errc::kTimeout) cluster_.give_up(broker_, Lane::kRequests, channel);
  const bool is_elsewhere = code == Errc::kNotLeader || code == Errc::kTimeout ||
                            code == Errc::kConnectionLost || code == Errc::kShuttingDown ||
                            code == Errc::kUnsupported;
  if (is_elsewhere) broker_ = kNoBroker;
}

}  // namespace penstock::client
