// Members of groups: they live, and go.
#include <algorithm>
#include <limits>

#include "broker/group/limits.h"
#include "broker/server/handlers/group_call.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::broker {
namespace {

using wire::v1::GroupHeartbeatRequest;
using wire::v1::GroupHeartbeatResponse;

// What is too large for the field is out of its range all the more.
std::int32_t limited(std::uint32_t value) {
  constexpr auto kMost = static_cast<std::uint32_t>(std::numeric_limits<std::int32_t>::max());
  return static_cast<std::int32_t>(std::min(value, kMost));
}

// "127.0.0.1:40312" and "[::1]:40312" without the port.
std::string host_of(const std::string& peer) {
  std::string host = peer.substr(0, peer.rfind(':'));
  if (host.size() > 1 && host.front() == '[') host = host.substr(1, host.size() - 2);
  return host;
}

Result<std::optional<group::Assignor>> assignor_of(wire::v1::GroupAssignor wanted) {
  switch (wanted) {
    case wire::v1::GROUP_ASSIGNOR_UNCHANGED:
      return std::nullopt;
    case wire::v1::GROUP_ASSIGNOR_BALANCED_STICKY:
      return group::Assignor::kBalancedSticky;
    case wire::v1::GROUP_ASSIGNOR_RANGE:
      return group::Assignor::kRange;
    case wire::v1::GROUP_ASSIGNOR_RACK_AWARE:
      return group::Assignor::kRackAware;
    default:
      return fail(Errc::kInvalidArgument, "assignor " + std::to_string(wanted) + " is unknown");
  }
}

Result<group::JoinOrHeartbeat> command_of(const Call& call, const GroupHeartbeatRequest& request) {
  group::JoinOrHeartbeat command;
  command.group = request.group();
  PENSTOCK_TRY_ASSIGN(command.member, wire::uuid_from_wire(request.member_id(), "member_id"));
  command.member_epoch = group::Epoch(request.member_epoch());
  PENSTOCK_TRY_ASSIGN(command.owned, partitions_from_wire(request.owned()));
  command.profile.instance = request.instance();
  command.profile.client = request.client();
  command.profile.host = host_of(call.request.connection->peer);
  command.profile.rack = request.rack();
  command.profile.subscription.pattern = request.pattern();
  command.profile.subscription.topics = {request.topics().begin(), request.topics().end()};
  if (!request.pattern().empty() && !request.topics().empty()) {
    return fail(Errc::kInvalidArgument, "a member subscribes to topics or to a pattern, not both");
  }
  command.profile.session_timeout_ms = limited(request.session_timeout_ms());
  command.profile.poll_interval_ms = limited(request.poll_interval_ms());
  PENSTOCK_TRY_ASSIGN(command.assignor, assignor_of(request.assignor()));
  return command;
}

// A decision is made with the topics that the coordinator's shard knows; this one may hear of them
// a moment later.
Task<ImagePtr> image_that_knows(const Call& call, const std::string& group,
                                const group::PartitionSet& partitions) {
  const ImagePtr image = call.home.image();
  const bool knows_all = std::ranges::all_of(
      partitions, [&](const TopicPartition& one) { return image->find(one.topic) != nullptr; });
  const auto home = home_of(call, group);
  if (knows_all || !home) co_return image;
  Shard& shard = call.broker.shard_of(*home);
  co_return co_await run_on(shard.executor(), [&] { return shard.image(); });
}

}  // namespace

Task<Result<GroupHeartbeatResponse>> group_heartbeat(Call call, GroupHeartbeatRequest request) {
  PENSTOCK_CO_TRY_ASSIGN(group::JoinOrHeartbeat command, command_of(call, request));
  PENSTOCK_CO_TRY_ASSIGN(
      const group::Assignment assignment,
      (co_await at_coordinator<&GroupCoordinator::heartbeat>(
          call, request.group(), std::move(command), std::int64_t{request.since_poll_ms()})));
  const ImagePtr image = co_await image_that_knows(call, request.group(), assignment.owned);
  GroupHeartbeatResponse response;
  response.set_member_epoch(assignment.member_epoch.value());
  response.set_group_epoch(assignment.group_epoch.value());
  to_wire(assignment.owned, *image, *response.mutable_owned());
  to_wire(assignment.revoking, *image, *response.mutable_revoking());
  response.set_awaited(static_cast<std::uint32_t>(assignment.awaited));
  co_return response;
}

Task<Result<wire::v1::LeaveGroupResponse>> leave_group(Call call,
                                                       wire::v1::LeaveGroupRequest request) {
  PENSTOCK_CO_TRY_ASSIGN(const auto member,
                         credential(request.member_id(), request.member_epoch()));
  if (!member) co_return fail(Errc::kInvalidArgument, "who leaves names itself");
  group::Leave command{
      .group = request.group(),
      .member = *member,
      .departure = request.for_good() ? group::Departure::kForGood : group::Departure::kMayReturn,
      .topics = {},
      .now = {}};
  PENSTOCK_CO_TRY_ASSIGN(const group::Epoch epoch,
                         (co_await at_coordinator<&GroupCoordinator::leave>(call, request.group(),
                                                                            std::move(command))));
  wire::v1::LeaveGroupResponse response;
  response.set_group_epoch(epoch.value());
  co_return response;
}

}  // namespace penstock::broker
