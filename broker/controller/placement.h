// Placer: which brokers hold the replicas of a partition.
//
// Rules, in this order: no broker twice; replicas of a partition as evenly over racks as the
// brokers allow; then where the fewest replicas are; the list is headed by the one that heads the
// fewest. A broker without a rack is a rack of its own. What is planned counts at once, so that one
// Placer plans many partitions evenly. Invariants: the same input and seed give the same plan.
// Threads: a value.
// Failure: kNotEnoughBrokers when fewer brokers are open than replicas are asked for, kOverloaded
// when they are full.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "broker/controller/cluster_image.h"
#include "broker/raft/types.h"

namespace penstock::broker {

struct PlacementBroker {
  raft::NodeId id;
  std::string rack = "";       // empty: a rack of its own
  bool open = true;            // may be given replicas
  std::uint64_t replicas = 0;  // that are placed on it
  std::uint64_t leaders = 0;   // lists that it heads
};

// All brokers with what is placed on them; open are those in active mode.
std::vector<PlacementBroker> placement_brokers(const ClusterImage::Brokers& brokers,
                                               const ClusterImage::Topics& topics);

class Placer {
 public:
  Placer(std::vector<PlacementBroker> brokers, std::uint64_t seed);

  // Lists for new partitions.
  Result<std::vector<ReplicaList>> place(std::uint32_t partitions,
                                         std::uint32_t replication_factor);
  // The list with as many replicas as asked for. Members stay while there is room for them; those
  // on brokers that are not open go first. The head stays the head.
  Result<ReplicaList> resize(const ReplicaList& now, std::uint32_t replication_factor);
  // The list with another broker in the place of `leaving`.
  Result<ReplicaList> replace(const ReplicaList& now, raft::NodeId leaving);

  const std::map<raft::NodeId, PlacementBroker>& brokers() const { return brokers_; }

 private:
  Status check_room(std::uint32_t replication_factor) const;
  Result<raft::NodeId> pick(const ReplicaList& chosen);
  raft::NodeId pick_surplus(const ReplicaList& chosen) const;
  void put_head_first(ReplicaList& list);
  using Rack = std::int64_t;  // the same number: the same rack
  Rack rack_of(raft::NodeId broker) const;
  std::size_t in_rack(const ReplicaList& list, Rack rack) const;
  bool is_open(raft::NodeId broker) const;
  void count_replica(raft::NodeId broker, std::int64_t change);
  void count_head(raft::NodeId broker, std::int64_t change);

  std::map<raft::NodeId, PlacementBroker> brokers_;
  std::map<raft::NodeId, Rack> racks_;  // of brokers that have one
  Rng rng_;
};

}  // namespace penstock::broker
