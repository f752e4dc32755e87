#include "broker/server/handlers/handlers.h"
#include "broker/server/hop.h"
#include "broker/server/limits.h"
#include "broker/server/topic_admin.h"

namespace penstock::broker {

Task<Result<wire::v1::AlterTopicResponse>> alter_topic(Call call,
                                                       wire::v1::AlterTopicRequest request) {
  PENSTOCK_CO_TRY(check_not_internal(request.name()));
  PENSTOCK_CO_TRY(check_count(request.set_size(), kMaxSettingsPerRequest, "settings"));
  PENSTOCK_CO_TRY(check_count(request.reset_size(), kMaxSettingsPerRequest, "settings"));
  AlterTopic command{.name = request.name(),
                     .set = {},
                     .reset = {request.reset().begin(), request.reset().end()},
                     .partitions = request.partitions()};
  for (const auto& setting : request.set()) command.set[setting.name()] = setting.value();
  PENSTOCK_CO_TRY_ASSIGN(const TopicAdmin::Done done,
                         co_await call_on(call.broker.admin_shard().executor(),
                                          call.broker.admin->alter(std::move(command))));
  wire::v1::AlterTopicResponse response;
  response.set_metadata_offset(done.known_at.value());
  co_return response;
}

}  // namespace penstock::broker
