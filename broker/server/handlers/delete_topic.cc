#include "broker/server/handlers/handlers.h"
#include "broker/server/hop.h"
#include "broker/server/topic_admin.h"

namespace penstock::broker {

Task<Result<wire::v1::DeleteTopicResponse>> delete_topic(Call call,
                                                         wire::v1::DeleteTopicRequest request) {
  PENSTOCK_CO_TRY(check_not_internal(request.name()));
  DeleteTopic command{.name = request.name(), .now = {}};
  PENSTOCK_CO_TRY_ASSIGN(const TopicAdmin::Done done,
                         co_await call_on(call.broker.admin_shard().executor(),
                                          call.broker.admin->remove(std::move(command))));
  wire::v1::DeleteTopicResponse response;
  response.set_metadata_offset(done.known_at.value());
  co_return response;
}

}  // namespace penstock::broker
