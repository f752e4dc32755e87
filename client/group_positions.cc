// A member's positions: read before it begins, committed while it goes on.
#include <algorithm>

#include "client/async_group_consumer.h"
#include "client/limits.h"
#include "client/outcome.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::client {
namespace {

using std::chrono::steady_clock;

}  // namespace

Task<Result<std::vector<wire::v1::GroupPosition>>> AsyncGroupConsumer::fetch_positions(
    GroupPartitions partitions) {
  wire::v1::FetchOffsetsRequest request;
  request.set_group(config_.group);
  add_partitions(partitions, *request.mutable_partitions());
  PENSTOCK_CO_TRY_ASSIGN(const auto response,
                         co_await coordinator_.ask_until<wire::v1::FetchOffsetsResponse>(
                             wire::Api::kFetchOffsets, std::move(request),
                             steady_clock::now() + cluster_.config().request_timeout));
  std::vector<wire::v1::GroupPosition> positions;
  for (const auto& one : response.positions()) positions.push_back(one);
  co_return positions;
}

Task<Result<std::vector<GroupCommit>>> AsyncGroupConsumer::committed() {
  PENSTOCK_CO_TRY_ASSIGN(const auto positions, co_await fetch_positions(core_.in_use()));
  std::vector<GroupCommit> found;
  for (const wire::v1::GroupPosition& position : positions) {
    const auto topic = wire::uuid_from_wire(position.topic_id(), "topic_id");
    if (!topic || position.offset() < 0) continue;
    auto partition = named({*topic, PartitionId(position.partition())});
    if (!partition) continue;
    found.push_back({.partition = *std::move(partition),
                     .offset = Offset(position.offset()),
                     .text = position.text()});
  }
  co_return found;
}

Task<Status> AsyncGroupConsumer::commit_taken() {
  std::vector<GroupCommit> positions;
  for (const auto& [id, committed] : last_committed_) {
    auto partition = named(id);
    if (!partition) continue;
    const auto position = fetcher_->shelf().position(partition->topic, partition->partition);
    if (!position || *position == committed) continue;
    positions.push_back({.partition = *std::move(partition), .offset = *position});
  }
  if (positions.empty()) co_return Status{};
  co_return co_await commit(std::move(positions));
}

// The epoch changes with every change of what the member owns: then the commit is asked again under
// the new one, which the next heartbeat brings. What is refused in the end may have been carried out
// when it was asked before.
Task<Status> AsyncGroupConsumer::commit(std::vector<GroupCommit> positions) {
  const auto deadline = steady_clock::now() + cluster_.config().request_timeout;
  std::optional<Error> doubt;  // the first attempt without a definite answer
  for (std::uint32_t failures = 0;;) {
    const std::uint64_t seen = answered_.version();
    const Status done = co_await commit_once(positions, cluster_.attempt_deadline(deadline));
    if (done) {
      ++stats_.commits;
      co_return done;
    }
    if (!doubt && done.error().outcome() == Outcome::kMaybeDone) doubt = done.error();
    const auto retry_at = steady_clock::now() + cluster_.pause(++failures);
    if (!done.error().retriable() || retry_at >= deadline) {
      co_return fail(final_error(done.error(), doubt));
    }
    if (done.error().code() == Errc::kStaleMemberEpoch) {
      core_.hurry();
      wakeup_.notify_all();
      PENSTOCK_CO_TRY(co_await wait_for_answer(seen, deadline));
    } else {
      PENSTOCK_CO_TRY(co_await sleep_for(retry_at - steady_clock::now()));
    }
  }
}

Task<Status> AsyncGroupConsumer::wait_for_answer(std::uint64_t seen, rpc::Deadline deadline) {
  const Status answered = co_await answered_.wait(seen, deadline);
  if (answered || answered.error().code() != Errc::kTimeout) co_return answered;
  co_return fail(Errc::kTimeout, "the coordinator does not answer heartbeats");
}

Task<Status> AsyncGroupConsumer::commit_once(const std::vector<GroupCommit>& positions,
                                             rpc::Deadline deadline) {
  const std::int64_t epoch = core_.epoch();
  if (epoch == 0) {
    co_return fail(Errc::kUnknownMember,
                   "this consumer is no member of the group at the moment; nothing was committed");
  }
  wire::v1::CommitOffsetsRequest request;
  request.set_group(config_.group);
  request.set_member_id(wire::to_wire(core_.member()));
  request.set_member_epoch(epoch);
  std::map<GroupPartition, TopicPartition> ids;
  for (const TopicPartition& id : core_.in_use()) {
    if (auto partition = named(id)) ids.emplace(*std::move(partition), id);
  }
  std::map<TopicPartition, Offset> taken;
  for (const GroupCommit& position : positions) {
    const auto found = ids.find(position.partition);
    if (found == ids.end()) {
      co_return fail(Errc::kNotOwner, position.partition.topic + "/" +
                                          std::to_string(position.partition.partition.value()) +
                                          " is not assigned to this member; nothing was committed");
    }
    const TopicPartition id = found->second;
    auto& out = *request.add_positions();
    out.set_topic_id(wire::to_wire(id.topic));
    out.set_partition(id.partition.value());
    out.set_offset(position.offset.value());
    out.set_leader_epoch(-1);
    out.set_text(position.text);
    taken[id] = position.offset;
  }
  const auto answer = co_await coordinator_.ask<wire::v1::CommitOffsetsResponse>(
      wire::Api::kCommitOffsets, std::move(request), deadline);
  if (!answer) {
    if (answer.error().code() == Errc::kUnknownMember) {
      if (core_.epoch() == epoch) ++stats_.times_lost;
      core_.declared_dead(epoch, steady_clock::now());
      wakeup_.notify_all();
    }
    co_return fail(answer.error());
  }
  for (const auto& [id, offset] : taken) {
    if (const auto found = last_committed_.find(id); found != last_committed_.end()) {
      found->second = offset;
    }
  }
  co_return Status{};
}

}  // namespace penstock::client
