#include "broker/server/handlers/handlers.h"
#include "broker/server/hop.h"
#include "broker/server/limits.h"
#include "broker/server/topic_admin.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::broker {

Task<Result<wire::v1::CreateTopicResponse>> create_topic(Call call,
                                                         wire::v1::CreateTopicRequest request) {
  PENSTOCK_CO_TRY(check_not_internal(request.name()));
  PENSTOCK_CO_TRY(check_count(request.settings_size(), kMaxSettingsPerRequest, "settings"));
  CreateTopic command{.name = request.name(),
                      .partitions = request.partitions(),
                      .replication_factor = request.replication_factor(),
                      .settings = {},
                      .id = {},
                      .now = {}};
  for (const auto& setting : request.settings()) {
    command.settings[setting.name()] = setting.value();
  }
  const auto mode =
      request.validate_only() ? TopicAdmin::Mode::kValidateOnly : TopicAdmin::Mode::kCarryOut;
  PENSTOCK_CO_TRY_ASSIGN(const TopicAdmin::Done done,
                         co_await call_on(call.broker.admin_shard().executor(),
                                          call.broker.admin->create(std::move(command), mode)));
  wire::v1::CreateTopicResponse response;
  response.set_topic_id(wire::to_wire(done.topic));
  response.set_metadata_offset(done.known_at.value());
  co_return response;
}

}  // namespace penstock::broker
