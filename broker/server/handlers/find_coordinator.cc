// Who coordinates a group; the topic that holds groups is made when it is first needed.
#include <algorithm>

#include "broker/group/group_record.h"
#include "broker/group/home.h"
#include "broker/server/handlers/group_call.h"
#include "broker/server/limits.h"
#include "broker/server/topic_admin.h"

namespace penstock::broker {
namespace {

using wire::v1::FindCoordinatorRequest;
using wire::v1::FindCoordinatorResponse;

CreateTopic offsets_topic(const ClusterImage& image) {
  const auto active = static_cast<std::uint32_t>(std::ranges::count_if(
      image.brokers(), [](const auto& entry) { return entry.second.is_active(); }));
  CreateTopic command;
  command.name = group::kOffsetsTopic;
  command.partitions = kOffsetsPartitions;
  command.replication_factor = std::clamp(active, 1U, kOffsetsReplicas);
  // Tombstones stay: a coordinator whose log had to begin anew would still have the state of
  // before, without what was deleted meanwhile.
  command.settings = {{"cleanup", "compact"},
                      {"delete_retention_ms", "unlimited"},
                      {"segment_bytes", std::to_string(kOffsetsSegmentBytes)}};
  return command;
}

// At the controller.
Task<Status> make_topic(const Call& call) {
  const auto made = co_await call_on(
      call.broker.admin_shard().executor(),
      call.broker.admin->create(offsets_topic(*call.home.image()), TopicAdmin::Mode::kCarryOut));
  if (!made && made.error().code() != Errc::kTopicExists) co_return fail(made.error());
  co_return Status{};
}

}  // namespace

Task<Result<FindCoordinatorResponse>> find_coordinator(Call call, FindCoordinatorRequest request) {
  if (!group::is_valid_group_name(request.group())) {
    co_return fail(Errc::kInvalidArgument,
                   "that is no name of a group: 1 to 249 of letters, digits, '.', '_' and '-'");
  }
  if (!call.home.image()->find(group::kOffsetsTopic)) {
    if (!request.create()) {
      co_return fail(Errc::kUnknownGroup,
                     "there is no group '" + request.group() + "', and there has never been any");
    }
    PENSTOCK_CO_TRY(co_await make_topic(call));
  }
  PENSTOCK_CO_TRY_ASSIGN(const TopicPartition home, home_of(call, request.group()));
  Shard& shard = call.broker.shard_of(home);
  const KnownLeader known =
      co_await run_on(shard.executor(), [&] { return shard.leader_of(home); });
  if (known.leader == raft::kNobody) {
    co_return fail(Errc::kNotReady, std::string(group::kOffsetsTopic) + "/" +
                                        std::to_string(home.partition.value()) +
                                        ", which holds the group, has no leader at the moment");
  }
  FindCoordinatorResponse response;
  response.set_coordinator(known.leader.value());
  response.set_partition(home.partition.value());
  response.set_metadata_offset(call.home.image()->applied().value());
  add_brokers(call, response.mutable_brokers());
  co_return response;
}

}  // namespace penstock::broker
