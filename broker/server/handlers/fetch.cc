#include "broker/server/dispatch.h"
#include "broker/server/handlers/fetch_call.h"
#include "protocol/rpc/typed_call.h"

namespace penstock::broker {

Task<rpc::Response> fetch(Call call) {
  wire::v1::FetchRequest request;
  if (!rpc::deserialize(call.request.message.view(), request)) {
    co_return error_response(Error(Errc::kInvalidArgument, "the message is no FetchRequest"));
  }
  const auto carried_out = std::make_shared<FetchCall>(call.broker, call.home);
  if (const Status prepared = carried_out->prepare(request); !prepared) {
    co_return error_response(prepared.error());
  }
  co_await carried_out->run();
  co_return rpc::Response{.message = rpc::serialize(carried_out->response()),
                          .attachment = carried_out->attachment()};
}

}  // namespace penstock::broker
