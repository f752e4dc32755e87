// Positions of groups: committed, read, reset, and deleted with their group.
#include "broker/group/limits.h"
#include "broker/server/handlers/group_call.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::broker {
namespace {

constexpr int kMaxPerCommit = static_cast<int>(group::kMaxPartitionsPerCommit);

}  // namespace

Task<Result<wire::v1::CommitOffsetsResponse>> commit_offsets(
    Call call, wire::v1::CommitOffsetsRequest request) {
  PENSTOCK_CO_TRY(check_count(request.positions_size(), kMaxPerCommit, "positions"));
  group::CommitOffsets command;
  command.group = request.group();
  PENSTOCK_CO_TRY_ASSIGN(command.member, credential(request.member_id(), request.member_epoch()));
  for (const auto& position : request.positions()) {
    PENSTOCK_CO_TRY_ASSIGN(const TopicPartition id,
                           partition_id(position.topic_id(), position.partition()));
    command.positions.push_back({.partition = id,
                                 .offset = Offset(position.offset()),
                                 .leader_epoch = Term(position.leader_epoch()),
                                 .text = position.text()});
  }
  PENSTOCK_CO_TRY_ASSIGN(const group::Committed committed,
                         (co_await at_coordinator<&GroupCoordinator::commit>(call, request.group(),
                                                                             std::move(command))));
  wire::v1::CommitOffsetsResponse response;
  response.set_changed(static_cast<std::uint32_t>(committed.changed));
  co_return response;
}

Task<Result<wire::v1::FetchOffsetsResponse>> fetch_offsets(Call call,
                                                           wire::v1::FetchOffsetsRequest request) {
  group::FetchOffsets command;
  command.group = request.group();
  PENSTOCK_CO_TRY_ASSIGN(command.member, credential(request.member_id(), request.member_epoch()));
  if (!request.all()) {
    PENSTOCK_CO_TRY_ASSIGN(command.partitions, partitions_from_wire(request.partitions()));
  }
  PENSTOCK_CO_TRY_ASSIGN(const auto found, (co_await at_coordinator<&GroupCoordinator::fetch>(
                                               call, request.group(), std::move(command))));
  const ImagePtr image = call.home.image();
  wire::v1::FetchOffsetsResponse response;
  for (const group::FetchedPosition& one : found) {
    to_wire(one.partition, one.position, *image, *response.add_positions());
  }
  co_return response;
}

Task<Result<wire::v1::ResetOffsetsResponse>> reset_offsets(Call call,
                                                           wire::v1::ResetOffsetsRequest request) {
  PENSTOCK_CO_TRY(check_count(request.changes_size(), kMaxPerCommit, "positions"));
  group::ResetOffsets command;
  command.group = request.group();
  command.rehearsal = request.dry_run() ? group::Rehearsal::kDryRun : group::Rehearsal::kCarryOut;
  for (const auto& change : request.changes()) {
    PENSTOCK_CO_TRY_ASSIGN(const TopicPartition id,
                           partition_id(change.topic_id(), change.partition()));
    std::optional<Offset> to;
    if (change.offset() != -1) to = Offset(change.offset());
    command.changes.push_back(
        {.partition = id, .offset = to, .leader_epoch = Term(change.leader_epoch())});
  }
  PENSTOCK_CO_TRY_ASSIGN(const auto changed, (co_await at_coordinator<&GroupCoordinator::reset>(
                                                 call, request.group(), std::move(command))));
  wire::v1::ResetOffsetsResponse response;
  for (const group::ResetPosition& one : changed) {
    auto& out = *response.add_positions();
    out.set_topic_id(wire::to_wire(one.partition.topic));
    out.set_partition(one.partition.partition.value());
    out.set_before(one.before.value_or(Offset(-1)).value());
    out.set_after(one.after.value_or(Offset(-1)).value());
  }
  co_return response;
}

Task<Result<wire::v1::DeleteGroupResponse>> delete_group(Call call,
                                                         wire::v1::DeleteGroupRequest request) {
  PENSTOCK_CO_TRY((co_await at_coordinator<&GroupCoordinator::remove>(
      call, request.group(), group::DeleteGroup{request.group()})));
  co_return wire::v1::DeleteGroupResponse();
}

}  // namespace penstock::broker
