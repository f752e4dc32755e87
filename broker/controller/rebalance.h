// Plans for many partitions: emptying a broker, and leading where placement wants it.
//
// The controller asks for a few steps at a time, carries them out, and asks again with what then
// is: that is the throttle, and why a plan needs no memory of its own. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "broker/controller/cluster_image.h"

namespace penstock::broker {

struct ReplicaMove {
  std::string topic;
  PartitionId partition;
  ReplicaList to;
  Offset placed_at;  // placement epoch for which it was planned
  friend bool operator==(const ReplicaMove&, const ReplicaMove&) = default;
};

// At most `limit` moves that take replicas from the broker, in the order of topics and partitions;
// none: it holds nothing. kUnknownBroker, kNotEnoughBrokers, kOverloaded.
Result<std::vector<ReplicaMove>> plan_drain(const ClusterImage& image, raft::NodeId broker,
                                            std::size_t limit, std::uint64_t seed);

// A partition as its leader reports it.
struct LedPartition {
  TopicPartition id;
  raft::NodeId leader;
  ReplicaList ready;  // voters that are live and caught up: they may be handed the leadership
};

struct LeaderMove {
  TopicPartition id;
  raft::NodeId from;
  raft::NodeId to;
  friend bool operator==(const LeaderMove&, const LeaderMove&) = default;
};

// At most `limit` transfers of leadership: away from brokers that are not active first, then to the
// head of the list, those from the brokers that lead most before others. A partition whose head
// cannot lead now stays where it is, unless its leader must go.
std::vector<LeaderMove> plan_leader_moves(const ClusterImage& image,
                                          const std::vector<LedPartition>& partitions,
                                          std::size_t limit);

}  // namespace penstock::broker
