// What is told of groups.
#include "broker/group/home.h"
#include "broker/server/handlers/group_call.h"
#include "broker/server/limits.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::broker {
namespace {

using wire::v1::DescribeGroupRequest;
using wire::v1::DescribeGroupResponse;
using wire::v1::ListGroupsResponse;

// On the shard: what is coordinated there.
Task<Status> list_here(Shard& shard, ListGroupsResponse& response) {
  const auto all = shard.coordinators();  // it may change meanwhile
  for (const auto& [id, groups] : all) {
    if (!groups->coordinates()) continue;
    const auto found = co_await groups->list();
    if (!found) continue;  // somebody else does by now, and will tell
    response.add_partitions(id.partition.value());
    for (const GroupSummary& one : *found) {
      auto& out = *response.add_groups();
      out.set_name(one.name);
      out.set_members(static_cast<std::uint32_t>(one.members));
      out.set_away(static_cast<std::uint32_t>(one.away));
      out.set_positions(static_cast<std::uint32_t>(one.positions));
      out.set_moving(one.is_moving);
    }
  }
  co_return Status{};
}

wire::v1::GroupAssignor to_wire(group::Assignor assignor) {
  switch (assignor) {
    case group::Assignor::kBalancedSticky:
      return wire::v1::GROUP_ASSIGNOR_BALANCED_STICKY;
    case group::Assignor::kRange:
      return wire::v1::GROUP_ASSIGNOR_RANGE;
    case group::Assignor::kRackAware:
      return wire::v1::GROUP_ASSIGNOR_RACK_AWARE;
  }
  return wire::v1::GROUP_ASSIGNOR_UNCHANGED;
}

std::uint64_t since(std::int64_t then_ms, std::int64_t now_ms) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(now_ms - then_ms, 0));
}

void describe_member(const GroupView& view, const Uuid& id, const group::MemberFacts& facts,
                     const ClusterImage& image, DescribeGroupResponse::Member& out) {
  const group::MemberProfile& profile = facts.profile;
  out.set_member_id(wire::to_wire(id));
  out.set_instance(profile.instance);
  out.set_client(profile.client);
  out.set_host(profile.host);
  out.set_rack(profile.rack);
  out.set_away(facts.presence == group::Presence::kAway);
  out.set_pattern(profile.subscription.pattern);
  for (const std::string& topic : profile.subscription.topics) out.add_topics(topic);
  out.set_session_timeout_ms(static_cast<std::uint32_t>(profile.session_timeout_ms));
  out.set_poll_interval_ms(static_cast<std::uint32_t>(profile.poll_interval_ms));
  if (const auto holding = view.group.holdings.find(id); holding != view.group.holdings.end()) {
    out.set_member_epoch(holding->second.epoch.value());
    to_wire(holding->second.owned, image, *out.mutable_owned());
    to_wire(holding->second.revoking, image, *out.mutable_revoking());
  }
  to_wire(view.group.share_of(id), image, *out.mutable_share());
  if (const auto session = view.sessions.find(id); session != view.sessions.end()) {
    out.set_silent_ms(since(session->second.heard_ms, view.now_ms));
    out.set_since_poll_ms(since(session->second.polled_ms, view.now_ms));
  }
}

void describe_reason(const group::Reason& reason, const ClusterImage& image,
                     DescribeGroupResponse::Reason& out) {
  out.set_cause(std::string(to_string(reason.cause)));
  if (reason.member) out.set_member_id(wire::to_wire(*reason.member));
  if (reason.other) out.set_other_id(wire::to_wire(*reason.other));
  out.set_topic(reason.topic);
  out.set_amount(reason.amount);
  if (!reason.partition) return;
  out.set_topic_id(wire::to_wire(reason.partition->topic));
  out.set_partition(reason.partition->partition.value());
  out.set_topic(topic_name(image, reason.partition->topic));
}

Result<std::optional<GroupCoordinator::LogEnds>> log_ends(const DescribeGroupRequest& request) {
  if (!request.explain()) return std::nullopt;
  GroupCoordinator::LogEnds ends;
  for (const auto& one : request.log_ends()) {
    PENSTOCK_TRY_ASSIGN(const TopicPartition id, partition_id(one.topic_id(), one.partition()));
    ends[id] = Offset(one.high_watermark());
  }
  return ends;
}

}  // namespace

Task<Result<ListGroupsResponse>> list_groups(Call call, wire::v1::ListGroupsRequest) {
  ListGroupsResponse response;
  if (const TopicPtr topic = call.home.image()->find(group::kOffsetsTopic)) {
    response.set_partitions_in_all(topic->partitions);
  }
  for (const auto& shard : call.broker.shards) {
    co_await call_on(shard->executor(), list_here(*shard, response));
  }
  co_return response;
}

Task<Result<DescribeGroupResponse>> describe_group(Call call, DescribeGroupRequest request) {
  PENSTOCK_CO_TRY(check_count(request.log_ends_size(), kMaxLogEndsPerRequest, "log ends"));
  PENSTOCK_CO_TRY_ASSIGN(auto ends, log_ends(request));
  PENSTOCK_CO_TRY_ASSIGN(const GroupView view,
                         (co_await at_coordinator<&GroupCoordinator::describe>(
                             call, request.group(), request.group(), std::move(ends))));
  const ImagePtr image = call.home.image();
  DescribeGroupResponse response;
  response.set_group_epoch(view.group.facts->epoch.value());
  response.set_assignor(to_wire(view.group.facts->assignor));
  response.set_created_at_ms(view.group.facts->created_at.ms());
  response.set_coordinator(call.broker.self().value());
  if (const auto home = home_of(call, request.group())) {
    response.set_partition(home->partition.value());
  }
  for (const auto& [id, facts] : view.group.members) {
    describe_member(view, id, facts, *image, *response.add_members());
  }
  for (const auto& [partition, position] : view.group.positions) {
    to_wire(partition, position, *image, *response.add_positions());
  }
  for (const group::Reason& reason : view.reasons) {
    describe_reason(reason, *image, *response.add_reasons());
  }
  co_return response;
}

}  // namespace penstock::broker
