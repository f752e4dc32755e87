#include "broker/controller/rebalance.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "broker/controller/placement.h"

namespace penstock::broker {
namespace {

bool may_lead(const ClusterImage& image, raft::NodeId broker) {
  const BrokerImage* found = image.find(broker);
  return found != nullptr && found->is_active();
}

// Null: metadata knows no such partition (any more).
const PartitionImage* find_partition(const ClusterImage& image, const TopicPartition& id) {
  const TopicPtr topic = image.find(id.topic);
  const auto index = static_cast<std::uint32_t>(id.partition.value());
  return topic == nullptr || index >= topic->partitions ? nullptr : topic->placement[index].get();
}

std::optional<raft::NodeId> better_leader(const ClusterImage& image, const LedPartition& led) {
  const PartitionImage* placed = find_partition(image, led.id);
  if (placed == nullptr) return std::nullopt;
  const bool must_go = !may_lead(image, led.leader);
  for (const ReplicaImage& replica : placed->replicas) {
    if (!may_lead(image, replica.broker)) continue;  // the next one is the head then
    if (replica.broker == led.leader) return std::nullopt;
    if (contains(led.ready, replica.broker)) return replica.broker;
    if (!must_go) return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<ReplicaMove>> plan_drain(const ClusterImage& image, raft::NodeId broker,
                                            std::size_t limit, std::uint64_t seed) {
  if (image.find(broker) == nullptr) {
    return fail(Errc::kUnknownBroker, "no broker " + std::to_string(broker.value()));
  }
  std::vector<PlacementBroker> brokers = placement_brokers(image.brokers(), image.topics());
  std::ranges::find(brokers, broker, &PlacementBroker::id)->open = false;
  Placer placer(std::move(brokers), seed);
  std::vector<ReplicaMove> moves;
  for (const auto& [name, topic] : image.topics()) {
    for (std::uint32_t p = 0; p < topic->partitions && moves.size() < limit; ++p) {
      const PartitionImage& placed = *topic->placement[p];
      if (!placed.has(broker)) continue;
      PENSTOCK_TRY_ASSIGN(ReplicaList to, placer.replace(placed.brokers(), broker));
      moves.push_back({.topic = name,
                       .partition = PartitionId(static_cast<std::int32_t>(p)),
                       .to = std::move(to),
                       .placed_at = placed.placed_at});
    }
  }
  return moves;
}

std::vector<LeaderMove> plan_leader_moves(const ClusterImage& image,
                                          const std::vector<LedPartition>& partitions,
                                          std::size_t limit) {
  std::map<raft::NodeId, std::int64_t> led;
  for (const LedPartition& one : partitions) ++led[one.leader];
  std::vector<LeaderMove> moves;
  for (const LedPartition& one : partitions) {
    if (const auto to = better_leader(image, one)) moves.push_back({one.id, one.leader, *to});
  }
  const auto order = [&](const LeaderMove& move) {
    return std::tuple(may_lead(image, move.from), led[move.to] - led[move.from], move.id);
  };
  std::ranges::sort(moves, {}, order);
  if (moves.size() > limit) moves.resize(limit);
  return moves;
}

}  // namespace penstock::broker
