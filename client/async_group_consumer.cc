// Heartbeats, and the way to what the member owns. Positions: group_positions.cc.
#include "client/async_group_consumer.h"

#include <algorithm>
#include <utility>

#include "client/limits.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::client {
namespace {

using std::chrono::steady_clock;

Status check(const GroupConfig& config) {
  if (config.group.empty()) return fail(Errc::kInvalidArgument, "a group consumer names its group");
  if (config.topics.empty() == config.pattern.empty()) {
    return fail(Errc::kInvalidArgument,
                "a group consumer subscribes to topics or to a pattern, one of the two");
  }
  if (config.session_timeout < kMinSessionTimeout || config.session_timeout > kMaxSessionTimeout) {
    return fail(Errc::kInvalidArgument, "session_timeout is not between 1 s and 30 min");
  }
  if (config.max_poll_interval.count() < 0 || config.max_poll_interval > kMaxPollInterval) {
    return fail(Errc::kInvalidArgument, "max_poll_interval is not between 0 and a week");
  }
  if (config.start.kind == StartAt::Kind::kOffset) {
    return fail(Errc::kInvalidArgument,
                "a group begins at the beginning, the end or a time, not at one offset of all");
  }
  return {};
}

MemberTiming timing_of(const GroupConfig& config) {
  const auto interval = config.session_timeout / kHeartbeatsPerSession;
  return {.heartbeat_interval = interval,
          .moving_interval = std::min(interval, kMovingHeartbeatInterval)};
}

}  // namespace

Result<std::unique_ptr<AsyncGroupConsumer>> AsyncGroupConsumer::open(Cluster& cluster,
                                                                     GroupConfig config) {
  PENSTOCK_TRY(check(config));
  std::unique_ptr<AsyncGroupConsumer> made(new AsyncGroupConsumer(cluster, std::move(config)));
  PENSTOCK_TRY_ASSIGN(made->fetcher_, AsyncConsumer::open(cluster, made->config_.consumer));
  made->tasks_.spawn("group member", made->run());
  return made;
}

AsyncGroupConsumer::AsyncGroupConsumer(Cluster& cluster, GroupConfig config)
    : cluster_(cluster),
      config_(std::move(config)),
      core_(cluster.rng().uuid(), timing_of(config_),
            Backoff(cluster.config().retry_backoff, kMaxHeartbeatPause), Rng(cluster.rng().next())),
      coordinator_(cluster, config_.group, NewGroup::kMayBegin),
      wakeup_(cluster.executor()),
      answered_(cluster.executor()),
      tasks_(cluster.executor()) {}

AsyncGroupConsumer::~AsyncGroupConsumer() = default;

// --- heartbeats

Task<void> AsyncGroupConsumer::run() {
  while (!closing_) {
    const std::uint64_t seen = wakeup_.version();
    if (auto heartbeat = core_.next_heartbeat(steady_clock::now())) {
      tasks_.spawn("heartbeat", beat(*std::move(heartbeat)));
    }
    look_around();
    const Status woken = co_await wakeup_.wait(seen, core_.next_deadline());
    if (!woken && woken.error().code() == Errc::kCancelled) co_return;
  }
}

Task<void> AsyncGroupConsumer::beat(MemberCore::Heartbeat heartbeat) {
  wire::v1::GroupHeartbeatRequest request = to_wire(heartbeat, config_);
  request.set_client(cluster_.config().client_name);
  const auto now = steady_clock::now();
  request.set_since_poll_ms(static_cast<std::uint32_t>(
      std::min<std::int64_t>(clock_.since(now).count(), kMaxPollInterval.count())));
  // One that takes longer than the interval is asked again; the session goes on.
  const auto patience = std::max(config_.session_timeout / 2, milliseconds(1'000));
  auto reply = co_await coordinator_.ask<wire::v1::GroupHeartbeatResponse>(
      wire::Api::kGroupHeartbeat, std::move(request), now + patience);
  auto answer = reply ? answer_from_wire(*reply, names_)
                      : Result<MemberCore::Answer>(std::unexpected(std::move(reply).error()));
  ++stats_.heartbeats;
  if (answer) {
    core_.take_answer(*answer, steady_clock::now());
  } else {
    if (answer.error().code() == Errc::kUnknownMember && core_.epoch() != 0) ++stats_.times_lost;
    core_.take_failure(answer.error(), steady_clock::now());
  }
  answered_.notify_all();
  wakeup_.notify_all();
}

// What follows from what is known now.
void AsyncGroupConsumer::look_around() {
  GroupPartitions wanted = core_.take_unprepared();
  if (!wanted.empty()) tasks_.spawn("prepare", prepare(std::move(wanted)));
  const bool changes = core_.has_change() || core_.fatal();
  if (changes && !has_change_.exchange(true)) shelf().interrupt();
}

// --- the way to a partition

Task<void> AsyncGroupConsumer::prepare(GroupPartitions partitions) {
  auto starts = co_await look_up(partitions);
  if (starts) {
    failed_lookups_ = 0;
    for (SeatStart& start : *starts) {
      const TopicPartition id = start.id;
      starts_.insert_or_assign(id, std::move(start));
      core_.prepared(id);
      partitions.erase(id);
    }
  } else {
    stats_.last_error = starts.error();
    if (!co_await sleep_for(cluster_.pause(++failed_lookups_))) co_return;
  }
  // What was not found: its topic was deleted, or comes in a moment.
  if (starts && !partitions.empty() && !co_await sleep_for(kPreparePause)) co_return;
  for (const TopicPartition& one : partitions) core_.not_prepared(one);
  wakeup_.notify_all();
}

Task<Result<std::vector<SeatStart>>> AsyncGroupConsumer::look_up(
    const GroupPartitions& partitions) {
  PENSTOCK_CO_TRY_ASSIGN(const auto positions, co_await fetch_positions(partitions));
  std::vector<Assignment> wanted;
  for (const wire::v1::GroupPosition& position : positions) {
    const auto topic = wire::uuid_from_wire(position.topic_id(), "topic_id");
    if (!topic) co_return fail(Errc::kBadFrame, "a position of a topic without an id");
    const auto partition = named({*topic, PartitionId(position.partition())});
    if (!partition) continue;
    const bool is_known = position.offset() >= 0;
    wanted.push_back({partition->topic, partition->partition,
                      is_known ? StartAt::offset(Offset(position.offset())) : config_.start});
  }
  if (wanted.empty()) co_return std::vector<SeatStart>();
  auto seats = co_await fetcher_->resolve(std::move(wanted));
  // A topic that was deleted and made anew is not what the group was given.
  if (seats) std::erase_if(*seats, [&](const SeatStart& s) { return !partitions.contains(s.id); });
  co_return seats;
}

// --- what the application does

AsyncGroupConsumer::Turn AsyncGroupConsumer::next_turn() {
  has_change_ = false;
  const MemberCore::Change change = core_.change();
  return {named(change.lost), named(change.revoked), named(change.assigned)};
}

void AsyncGroupConsumer::let_go(const std::vector<GroupPartition>& partitions) {
  for (const GroupPartition& one : partitions) fetcher_->drop(one.topic, one.partition);
  const GroupPartitions ids = ids_of(partitions);
  for (const TopicPartition& id : ids) last_committed_.erase(id);
  core_.let_go(ids);
  wakeup_.notify_all();
}

std::vector<GroupPartition> AsyncGroupConsumer::begin(
    const std::vector<GroupPartition>& partitions) {
  std::vector<SeatStart> seats;
  const GroupPartitions begun = core_.begin(ids_of(partitions));
  for (const TopicPartition& id : begun) {
    auto start = starts_.extract(id);
    if (!start) continue;
    last_committed_[id] = start.mapped().position;
    seats.push_back(std::move(start.mapped()));
  }
  fetcher_->add(std::move(seats));
  wakeup_.notify_all();
  return named(begun);
}

std::optional<GroupPartition> AsyncGroupConsumer::named(const TopicPartition& id) const {
  const auto name = names_.find(id.topic);
  if (name == names_.end()) return std::nullopt;
  return GroupPartition{name->second, id.partition};
}

std::vector<GroupPartition> AsyncGroupConsumer::named(const GroupPartitions& ids) const {
  std::vector<GroupPartition> partitions;
  for (const TopicPartition& id : ids) {
    if (auto one = named(id)) partitions.push_back(*std::move(one));
  }
  return partitions;
}

GroupPartitions AsyncGroupConsumer::ids_of(const std::vector<GroupPartition>& partitions) const {
  GroupPartitions ids;
  const std::set<GroupPartition> wanted(partitions.begin(), partitions.end());
  for (const GroupPartitions* set : {&core_.owned(), &core_.in_use()}) {
    for (const TopicPartition& id : *set) {
      const auto one = named(id);
      if (one && wanted.contains(*one)) ids.insert(id);
    }
  }
  return ids;
}

std::vector<GroupPartition> AsyncGroupConsumer::assignment() const { return named(core_.in_use()); }

GroupStats AsyncGroupConsumer::stats() const {
  GroupStats stats = stats_;
  stats.is_member = core_.epoch() != 0;
  stats.is_settled = core_.is_settled();
  if (core_.last_error()) stats.last_error = core_.last_error();
  stats.consumer = fetcher_->shelf().stats();
  return stats;
}

// --- the end

Task<Status> AsyncGroupConsumer::leave() {
  if (core_.epoch() == 0) co_return Status{};
  wire::v1::LeaveGroupRequest request;
  request.set_group(config_.group);
  request.set_member_id(wire::to_wire(core_.member()));
  request.set_member_epoch(core_.epoch());
  const auto left = co_await coordinator_.ask_until<wire::v1::LeaveGroupResponse>(
      wire::Api::kLeaveGroup, std::move(request), steady_clock::now() + kLeaveTime);
  // An attempt before was heard.
  if (!left && left.error().code() != Errc::kUnknownMember) co_return fail(left.error());
  co_return Status{};
}

Task<Status> AsyncGroupConsumer::close() {
  closing_ = true;
  tasks_.cancel();
  wakeup_.notify_all();
  co_await tasks_.wait();
  // Nothing is read any more when others are told that they may.
  co_await fetcher_->close();
  co_return co_await leave();
}

}  // namespace penstock::client
