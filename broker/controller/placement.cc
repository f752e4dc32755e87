#include "broker/controller/placement.h"

#include <algorithm>
#include <tuple>

#include "broker/controller/limits.h"

namespace penstock::broker {

std::vector<PlacementBroker> placement_brokers(const ClusterImage::Brokers& brokers,
                                               const ClusterImage::Topics& topics) {
  std::map<raft::NodeId, PlacementBroker> counted;
  for (const auto& [id, broker] : brokers) {
    counted[id] = {.id = id, .rack = broker.rack, .open = broker.is_active()};
  }
  for (const auto& [name, topic] : topics) {
    for (const PartitionPtr& partition : topic->placement) {
      for (const ReplicaImage& replica : partition->replicas) ++counted[replica.broker].replicas;
      if (!partition->replicas.empty()) ++counted[partition->replicas.front().broker].leaders;
    }
  }
  std::vector<PlacementBroker> list;
  for (auto& [id, broker] : counted) {
    if (brokers.contains(id)) list.push_back(std::move(broker));
  }
  return list;
}

Placer::Placer(std::vector<PlacementBroker> brokers, std::uint64_t seed) : rng_(seed) {
  std::map<std::string, Rack> numbers;
  for (PlacementBroker& broker : brokers) {
    if (!broker.rack.empty()) {
      racks_[broker.id] = numbers.emplace(broker.rack, std::ssize(numbers)).first->second;
    }
    brokers_[broker.id] = std::move(broker);
  }
}

// --- what is known of a broker

bool Placer::is_open(raft::NodeId broker) const {
  const auto found = brokers_.find(broker);
  return found != brokers_.end() && found->second.open;
}

// Racks have numbers from 0 on; a broker without one gets a number below.
Placer::Rack Placer::rack_of(raft::NodeId broker) const {
  const auto found = racks_.find(broker);
  return found == racks_.end() ? -1 - Rack{broker.value()} : found->second;
}

std::size_t Placer::in_rack(const ReplicaList& list, Rack rack) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(list, [&](raft::NodeId one) { return rack_of(one) == rack; }));
}

void Placer::count_replica(raft::NodeId broker, std::int64_t change) {
  if (const auto found = brokers_.find(broker); found != brokers_.end()) {
    found->second.replicas += static_cast<std::uint64_t>(change);
  }
}

void Placer::count_head(raft::NodeId broker, std::int64_t change) {
  if (const auto found = brokers_.find(broker); found != brokers_.end()) {
    found->second.leaders += static_cast<std::uint64_t>(change);
  }
}

// --- choosing

Status Placer::check_room(std::uint32_t replication_factor) const {
  const auto open = std::ranges::count_if(brokers_, [](const auto& b) { return b.second.open; });
  if (replication_factor <= static_cast<std::uint64_t>(open)) return {};
  return fail(Errc::kNotEnoughBrokers, "replication factor " + std::to_string(replication_factor) +
                                           " needs as many brokers in service; there " +
                                           (open == 1 ? "is " : "are ") + std::to_string(open));
}

// The best broker to add to `chosen`.
Result<raft::NodeId> Placer::pick(const ReplicaList& chosen) {
  using Cost = std::pair<std::size_t, std::uint64_t>;
  Cost least;
  std::vector<raft::NodeId> best;
  bool all_full = false;
  for (const auto& [id, broker] : brokers_) {
    if (!broker.open || contains(chosen, id)) continue;
    if (broker.replicas >= kMaxPartitionsPerBroker) {
      all_full = true;
      continue;
    }
    const Cost cost{in_rack(chosen, rack_of(id)), broker.replicas};
    if (best.empty() || cost < least) {
      least = cost;
      best.clear();
    }
    if (cost == least) best.push_back(id);
  }
  if (!best.empty()) return best[rng_.below(best.size())];
  if (!all_full) {
    return fail(Errc::kNotEnoughBrokers,
                "no broker in service is free to take another replica of the partition");
  }
  return fail(Errc::kOverloaded, "a broker would have more than " +
                                     std::to_string(kMaxPartitionsPerBroker) +
                                     " partitions; add brokers, or delete topics");
}

// The member that is missed least, never the head: on a broker that is not open, else in the most
// crowded rack, else on the most loaded broker.
raft::NodeId Placer::pick_surplus(const ReplicaList& chosen) const {
  const auto cost = [&](raft::NodeId id) {
    const auto found = brokers_.find(id);
    const std::uint64_t replicas = found == brokers_.end() ? 0 : found->second.replicas;
    return std::tuple(!is_open(id), in_rack(chosen, rack_of(id)), replicas);
  };
  return *std::ranges::max_element(chosen.begin() + 1, chosen.end(), {}, cost);
}

// Of those that may lead, the one that heads the fewest lists becomes the head.
void Placer::put_head_first(ReplicaList& list) {
  const auto cost = [&](raft::NodeId id) {
    const auto found = brokers_.find(id);
    return found == brokers_.end() ? std::pair(true, std::uint64_t{0})
                                   : std::pair(!found->second.open, found->second.leaders);
  };
  const auto head = std::ranges::min_element(list, {}, cost);
  std::rotate(list.begin(), head, head + 1);
}

// --- plans

Result<std::vector<ReplicaList>> Placer::place(std::uint32_t partitions,
                                               std::uint32_t replication_factor) {
  PENSTOCK_TRY(check_room(replication_factor));
  std::vector<ReplicaList> lists(partitions);
  for (ReplicaList& list : lists) {
    while (list.size() < replication_factor) {
      PENSTOCK_TRY_ASSIGN(const raft::NodeId broker, pick(list));
      list.push_back(broker);
      count_replica(broker, +1);
    }
    put_head_first(list);
    count_head(list.front(), +1);
  }
  return lists;
}

Result<ReplicaList> Placer::resize(const ReplicaList& now, std::uint32_t replication_factor) {
  if (replication_factor > now.size()) PENSTOCK_TRY(check_room(replication_factor));
  ReplicaList list = now;
  while (list.size() > replication_factor) {
    const raft::NodeId surplus = pick_surplus(list);
    std::erase(list, surplus);
    count_replica(surplus, -1);
  }
  while (list.size() < replication_factor) {
    PENSTOCK_TRY_ASSIGN(const raft::NodeId broker, pick(list));
    list.push_back(broker);
    count_replica(broker, +1);
  }
  return list;
}

Result<ReplicaList> Placer::replace(const ReplicaList& now, raft::NodeId leaving) {
  ReplicaList list = now;
  std::erase(list, leaving);
  if (list.size() == now.size()) return list;
  PENSTOCK_TRY(check_room(static_cast<std::uint32_t>(now.size())));
  PENSTOCK_TRY_ASSIGN(const raft::NodeId broker, pick(list));
  list.push_back(broker);
  count_replica(leaving, -1);
  count_replica(broker, +1);
  if (now.front() == leaving) {
    put_head_first(list);
    count_head(leaving, -1);
    count_head(list.front(), +1);
  }
  return list;
}

}  // namespace penstock::broker
