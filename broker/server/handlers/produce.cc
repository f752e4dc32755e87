#include "broker/server/dispatch.h"
#include "broker/server/handlers/produce_call.h"
#include "protocol/rpc/typed_call.h"

namespace penstock::broker {

Task<rpc::Response> produce(Call call) {
  wire::v1::ProduceRequest request;
  if (!rpc::deserialize(call.request.message.view(), request)) {
    co_return error_response(Error(Errc::kInvalidArgument, "the message is no ProduceRequest"));
  }
  const auto carried_out = std::make_shared<ProduceCall>(std::move(call));
  if (const Status prepared = carried_out->prepare(request); !prepared) {
    co_return error_response(prepared.error());
  }
  carried_out->start();
  co_await carried_out->wait();
  co_return rpc::Response{.message = rpc::serialize(carried_out->response()), .attachment = {}};
}

}  // namespace penstock::broker
