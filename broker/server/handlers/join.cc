#include "broker/server/handlers/handlers.h"
#include "broker/server/hop.h"
#include "broker/server/registration.h"

namespace penstock::broker {

Task<Result<wire::v1::JoinResponse>> join(Call call, wire::v1::JoinRequest request) {
  const rpc::Endpoint reached_at = call.request.connection->local;
  co_return co_await call_on(call.broker.admin_shard().executor(),
                             register_broker(call.broker, std::move(request), reached_at));
}

}  // namespace penstock::broker
