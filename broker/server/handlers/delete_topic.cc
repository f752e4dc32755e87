#include "broker/server/handlers/handlers.h"
#include "broker/server/hop.h"
#include "broker/server/topic_admin.h"

namespace penstock::broker {

Task<Result<wire::v1::DeleteTopicResponse>> delete_topic(Call call,
                                                         wire::v1::DeleteTopicRequest request) {
  DeleteTopic command{.name = request.name(), .now = {}};
  PENSTOCK_CO_TRY(co_await call_on(call.broker.admin_shard().executor(),
                                   call.broker.admin->remove(std::move(command))));
  co_return wire::v1::DeleteTopicResponse();
}

}  // namespace penstock::broker
