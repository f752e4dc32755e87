#include "broker/server/controller_upkeep.h"

#include <algorithm>
#include <vector>

#include "base/log.h"
#include "broker/controller/rebalance.h"
#include "broker/server/producer_ids.h"
#include "broker/server/upkeep_limits.h"

namespace penstock::broker {
namespace {

spdlog::logger& log() {
  static spdlog::logger& instance = logger("controller");
  return instance;
}

bool holds_replicas(const ClusterImage& image, raft::NodeId broker) {
  return std::ranges::any_of(image.topics(), [&](const auto& topic) {
    return std::ranges::any_of(topic.second->placement,
                               [&](const PartitionPtr& placed) { return placed->has(broker); });
  });
}

}  // namespace

ControllerUpkeep::ControllerUpkeep(const BrokerContext& broker)
    : broker_(broker), metadata_(*broker.metadata) {}

std::int64_t ControllerUpkeep::now_ms() const { return broker_.clock->steady_ns() / 1'000'000; }

Task<void> ControllerUpkeep::run() {
  auto period = kUpkeepPeriod;
  while (co_await sleep_for(period)) {
    period = kUpkeepPeriod;
    if (!metadata_.is_controller()) {
      memory_ = {};
      complaints_.clear();
      continue;
    }
    if (tend_group()) period = kBusyUpkeepPeriod;
    co_await empty_brokers();
    co_await broker_.producer_ids->prepare();
  }
}

// --- the controller's own group

bool ControllerUpkeep::tend_group() {
  const ImagePtr image = metadata_.image();
  Partition& partition = metadata_.partition();
  const raft::Group& group = partition.replica().group();
  if (image->find(broker_.self()) == nullptr) return false;  // has not said who it is yet
  const ControllerMembers members = metadata_members(
      *image, group.membership().voters, live_brokers(broker_.self(), group.peers(), now_ms()));
  LedGroup led = led_group(group, members.voters, brokers_that_must_not_lead(*image), now_ms());
  led.wanted_learners = members.learners;
  // Nobody is preferred: who leads and may, stays.
  if (const auto self = std::ranges::find(led.wanted, led.self); self != led.wanted.end()) {
    std::rotate(led.wanted.begin(), self, std::next(self));
  }
  PassBudget budget{.copies = 1, .handovers = 1};
  const Step step = paced_step(std::move(led), memory_, budget);
  Status status;
  if (const auto* change = std::get_if<ChangeMembership>(&step.action)) {
    status = partition.change_membership(change->voters, change->learners);
  } else if (const auto* transfer = std::get_if<TransferLeadership>(&step.action)) {
    status = partition.transfer_leadership(transfer->to);
  } else {
    return group.membership().is_joint() || !group.membership_is_committed();
  }
  if (status) log().info("step taken: {}", step.why);
  return status.has_value();
}

// --- brokers that drain

Task<void> ControllerUpkeep::empty_brokers() {
  const ImagePtr image = metadata_.image();
  ReplicaList leaving;
  for (const auto& [id, broker] : image->brokers()) {
    if (broker.is_leaving()) leaving.push_back(id);
  }
  std::erase_if(complaints_, [&](const auto& one) { return !contains(leaving, one.first); });
  if (leaving.empty()) co_return;
  const MoveProgress progress = co_await ask_shards(image, leaving);
  const std::size_t room =
      kMaxDrainMovesUnderWay - std::min(progress.under_way, kMaxDrainMovesUnderWay);
  for (const raft::NodeId broker : leaving) {
    if (holds_replicas(*image, broker)) {
      // One at least: a move that is stuck stops nobody.
      co_await empty(broker, std::min(room / leaving.size() + 1, kMaxDrainMovesPerPass));
    } else if (!contains(progress.counted_on, broker)) {
      co_await finish(broker);
    }
    if (!metadata_.is_controller()) co_return;
  }
}

// Each shard hears of the partitions that would live on it.
Task<MoveProgress> ControllerUpkeep::ask_shards(ImagePtr image, ReplicaList leaving) {
  const ReplicaList live =
      live_brokers(broker_.self(), metadata_.partition().replica().group().peers(), now_ms());
  MoveProgress all;
  for (const auto& shard : broker_.shards) {
    all.add(co_await run_on(shard->executor(), [&, this] {
      const auto is_told = [&](const TopicPartition& id) {
        return broker_.shard_index(id) == shard->index();
      };
      return progress_of_moves(*image, shard->leaders(), is_told, leaving, live);
    }));
  }
  co_return all;
}

Task<void> ControllerUpkeep::empty(raft::NodeId broker, std::size_t limit) {
  const ImagePtr image = metadata_.image();
  const auto seed = static_cast<std::uint64_t>(image->applied().value());
  auto moves = plan_drain(*image, broker, limit, seed);
  if (!moves) {
    complain(broker, moves.error());
    co_return;
  }
  for (ReplicaMove& move : *moves) {
    log().info("moves replicas partition={}/{} to={} away_from={}", move.topic,
               move.partition.value(), to_string(move.to), broker.value());
    const auto moved = co_await metadata_.carry_out(MoveReplicas{.topic = std::move(move.topic),
                                                                 .partition = move.partition,
                                                                 .replicas = std::move(move.to),
                                                                 .planned_at = move.placed_at});
    if (moved || moved.error().code() == Errc::kChangeInProgress) continue;
    complain(broker, moved.error());
    co_return;
  }
}

Task<void> ControllerUpkeep::finish(raft::NodeId broker) {
  const auto mode =
      co_await metadata_.carry_out(FinishDrain{.broker = broker, .now = broker_.clock->wall()});
  if (mode) {
    log().info("broker is empty broker={} mode={}", broker.value(), to_string(*mode));
  } else {
    complain(broker, mode.error());
  }
}

void ControllerUpkeep::complain(raft::NodeId broker, const Error& error) {
  // Another controller goes on, or this one in a moment.
  if (error.code() == Errc::kNotLeader || error.code() == Errc::kNotReady) return;
  std::string text = error.to_string();
  std::string& said = complaints_[broker];
  if (said == text) return;
  log().warn("broker cannot be emptied broker={} error={}", broker.value(), text);
  said = std::move(text);
}

}  // namespace penstock::broker
