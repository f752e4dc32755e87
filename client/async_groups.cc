#include "client/async_groups.h"

#include <algorithm>
#include <set>
#include <utility>

#include "client/coordinator.h"
#include "client/limits.h"
#include "protocol/wire/groups.pb.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::client {
namespace {

using std::chrono::steady_clock;

constexpr const char* kOffsetsTopic = "__consumer_offsets";

using GroupTopics = google::protobuf::RepeatedPtrField<wire::v1::GroupTopic>;

// An id that is none is nil: what is told is for people.
Uuid id_from(const std::string& bytes) {
  return wire::uuid_from_wire(bytes, "id").value_or(Uuid());
}

std::optional<Uuid> optional_id(const std::string& bytes) {
  if (bytes.empty()) return std::nullopt;
  return id_from(bytes);
}

std::vector<NamedPartition> named(const GroupTopics& topics) {
  std::vector<NamedPartition> all;
  for (const wire::v1::GroupTopic& topic : topics) {
    for (const std::int32_t number : topic.partitions()) {
      all.push_back({{id_from(topic.topic_id()), PartitionId(number)}, topic.name()});
    }
  }
  return all;
}

std::string assignor_name(wire::v1::GroupAssignor assignor) {
  switch (assignor) {
    case wire::v1::GROUP_ASSIGNOR_BALANCED_STICKY:
      return "balanced-sticky";
    case wire::v1::GROUP_ASSIGNOR_RANGE:
      return "range";
    case wire::v1::GROUP_ASSIGNOR_RACK_AWARE:
      return "rack-aware";
    default:
      return "unknown";
  }
}

GroupMemberDescription from_wire(const wire::v1::DescribeGroupResponse::Member& member) {
  return {.id = id_from(member.member_id()),
          .instance = member.instance(),
          .client = member.client(),
          .host = member.host(),
          .rack = member.rack(),
          .away = member.away(),
          .pattern = member.pattern(),
          .topics = {member.topics().begin(), member.topics().end()},
          .session_timeout_ms = member.session_timeout_ms(),
          .poll_interval_ms = member.poll_interval_ms(),
          .epoch = member.member_epoch(),
          .owned = named(member.owned()),
          .revoking = named(member.revoking()),
          .share = named(member.share()),
          .silent_ms = static_cast<std::int64_t>(member.silent_ms()),
          .since_poll_ms = static_cast<std::int64_t>(member.since_poll_ms())};
}

GroupReason from_wire(const wire::v1::DescribeGroupResponse::Reason& reason) {
  GroupReason out{.cause = reason.cause(),
                  .member = optional_id(reason.member_id()),
                  .other = optional_id(reason.other_id()),
                  .partition = std::nullopt,
                  .topic = reason.topic(),
                  .amount = reason.amount()};
  if (!reason.topic_id().empty()) {
    out.partition = NamedPartition{{id_from(reason.topic_id()), PartitionId(reason.partition())},
                                   reason.topic()};
  }
  return out;
}

GroupDescription from_wire(std::string name, const wire::v1::DescribeGroupResponse& response) {
  GroupDescription out{.name = std::move(name),
                       .coordinator = response.coordinator(),
                       .partition = PartitionId(response.partition()),
                       .epoch = response.group_epoch(),
                       .assignor = assignor_name(response.assignor()),
                       .created_at = Timestamp(response.created_at_ms()),
                       .members = {},
                       .positions = {},
                       .reasons = {}};
  for (const auto& member : response.members()) out.members.push_back(from_wire(member));
  for (const auto& position : response.positions()) {
    out.positions.push_back(
        {.partition = {{id_from(position.topic_id()), PartitionId(position.partition())},
                       position.topic()},
         .offset = Offset(position.offset()),
         .text = position.text(),
         .committed_at = Timestamp(position.committed_at_ms())});
  }
  for (const auto& reason : response.reasons()) out.reasons.push_back(from_wire(reason));
  return out;
}

std::optional<Offset> optional_offset(std::int64_t value) {
  if (value < 0) return std::nullopt;
  return Offset(value);
}

}  // namespace

rpc::Deadline AsyncGroups::deadline() const {
  return steady_clock::now() + cluster_.config().request_timeout;
}

Task<Status> AsyncGroups::list_at(BrokerId broker, Partial& found, rpc::Deadline deadline) {
  PENSTOCK_CO_TRY_ASSIGN(const auto channel,
                         co_await cluster_.connect(broker, Lane::kRequests, deadline));
  PENSTOCK_CO_TRY_ASSIGN(const auto reply, (co_await rpc::call<wire::v1::ListGroupsResponse>(
                                               *channel, wire::Api::kListGroups,
                                               wire::v1::ListGroupsRequest(), {}, deadline)));
  const auto& response = reply.message;
  found.partitions_in_all = std::max(found.partitions_in_all, response.partitions_in_all());
  found.partitions.insert(response.partitions().begin(), response.partitions().end());
  for (const auto& group : response.groups()) {
    found.groups[group.name()] = {.name = group.name(),
                                  .members = group.members(),
                                  .away = group.away(),
                                  .positions = group.positions(),
                                  .moving = group.moving()};
  }
  co_return Status{};
}

Task<Result<std::vector<GroupListing>>> AsyncGroups::list() {
  const auto until = deadline();
  for (std::uint32_t failures = 0;;) {
    const auto attempt = cluster_.attempt_deadline(until);
    Status status = co_await cluster_.refresh({kOffsetsTopic}, attempt);
    if (!status && status.error().code() == Errc::kUnknownTopic) {
      co_return std::vector<GroupListing>();  // no group has ever been
    }
    Partial found;
    const auto brokers = cluster_.metadata().brokers();
    for (const auto& [broker, endpoint] : brokers) {
      Status listed = co_await list_at(broker, found, attempt);
      if (!listed && status) status = std::move(listed);
    }
    if (found.partitions_in_all > 0 && found.partitions.size() >= found.partitions_in_all) {
      std::vector<GroupListing> groups;
      for (auto& [name, group] : found.groups) groups.push_back(std::move(group));
      co_return groups;
    }
    const auto retry_at = steady_clock::now() + cluster_.pause(++failures);
    if (retry_at >= until) {
      const std::string why = std::to_string(found.partitions.size()) + " of " +
                              std::to_string(found.partitions_in_all) + " partitions of " +
                              kOffsetsTopic + " have a coordinator that answers" +
                              (status ? "" : ": " + status.error().to_string());
      co_return fail(Errc::kNotReady, why);
    }
    PENSTOCK_CO_TRY(co_await sleep_for(retry_at - steady_clock::now()));
  }
}

Task<Result<GroupDescription>> AsyncGroups::describe(std::string group,
                                                     std::optional<LogEnds> explain_with) {
  wire::v1::DescribeGroupRequest request;
  request.set_group(group);
  request.set_explain(explain_with.has_value());
  for (const auto& [partition, end] : explain_with.value_or(LogEnds())) {
    if (request.log_ends_size() == kMaxLogEndsPerRequest) break;  // what is not told is not judged
    auto& out = *request.add_log_ends();
    out.set_topic_id(wire::to_wire(partition.topic));
    out.set_partition(partition.partition.value());
    out.set_high_watermark(end.value());
  }
  Coordinator coordinator(cluster_, group, NewGroup::kIsUnknown);
  PENSTOCK_CO_TRY_ASSIGN(const auto response,
                         (co_await coordinator.ask_until<wire::v1::DescribeGroupResponse>(
                             wire::Api::kDescribeGroup, std::move(request), deadline())));
  co_return from_wire(std::move(group), response);
}

Task<Result<std::vector<GroupResetDone>>> AsyncGroups::reset(std::string group,
                                                             std::vector<GroupReset> changes,
                                                             Rehearsal rehearsal) {
  Coordinator coordinator(cluster_, group, NewGroup::kIsUnknown);
  std::vector<GroupResetDone> done;
  for (std::size_t at = 0; at < changes.size(); at += kMaxPartitionsPerRequest) {
    wire::v1::ResetOffsetsRequest request;
    request.set_group(group);
    request.set_dry_run(rehearsal == Rehearsal::kDryRun);
    const std::size_t end = std::min(changes.size(), at + kMaxPartitionsPerRequest);
    for (std::size_t i = at; i < end; ++i) {
      auto& out = *request.add_changes();
      out.set_topic_id(wire::to_wire(changes[i].partition.topic));
      out.set_partition(changes[i].partition.partition.value());
      out.set_offset(changes[i].to.value_or(Offset(-1)).value());
      out.set_leader_epoch(-1);
    }
    PENSTOCK_CO_TRY_ASSIGN(const auto response,
                           (co_await coordinator.ask_until<wire::v1::ResetOffsetsResponse>(
                               wire::Api::kResetOffsets, std::move(request), deadline())));
    for (const auto& one : response.positions()) {
      done.push_back({{id_from(one.topic_id()), PartitionId(one.partition())},
                      optional_offset(one.before()),
                      optional_offset(one.after())});
    }
  }
  co_return done;
}

Task<Status> AsyncGroups::remove(std::string group) {
  wire::v1::DeleteGroupRequest request;
  request.set_group(group);
  Coordinator coordinator(cluster_, group, NewGroup::kIsUnknown);
  bool may_be_done = false;
  const auto until = deadline();
  for (std::uint32_t failures = 0;;) {
    const auto answer = co_await coordinator.ask<wire::v1::DeleteGroupResponse>(
        wire::Api::kDeleteGroup, request, cluster_.attempt_deadline(until));
    if (answer) co_return Status{};
    // Gone, and by an attempt of this call as far as anyone can know.
    if (answer.error().code() == Errc::kUnknownGroup && may_be_done) co_return Status{};
    if (answer.error().outcome() == Outcome::kMaybeDone) may_be_done = true;
    const auto retry_at = steady_clock::now() + cluster_.pause(++failures);
    if (!answer.error().retriable() || retry_at >= until) co_return fail(answer.error());
    PENSTOCK_CO_TRY(co_await sleep_for(retry_at - steady_clock::now()));
  }
}

}  // namespace penstock::client
