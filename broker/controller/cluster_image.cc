#include "broker/controller/cluster_image.h"

#include <algorithm>
#include <iterator>

#include "base/assert.h"

namespace penstock::broker {

bool PartitionImage::has(raft::NodeId broker) const {
  return std::ranges::find(replicas, broker, &ReplicaImage::broker) != replicas.end();
}

ReplicaList PartitionImage::brokers() const {
  ReplicaList list;
  list.reserve(replicas.size());
  for (const ReplicaImage& replica : replicas) list.push_back(replica.broker);
  return list;
}

Offset TopicImage::created_offset(PartitionId partition) const {
  const auto next_step = placed_from.upper_bound(static_cast<std::uint32_t>(partition.value()));
  PENSTOCK_ASSERT(next_step != placed_from.begin(), "every partition was created by some record");
  return std::prev(next_step)->second;
}

const PartitionImage& TopicImage::partition(PartitionId partition) const {
  const auto index = static_cast<std::size_t>(partition.value());
  PENSTOCK_ASSERT(index < placement.size(), "the topic has that partition");
  return *placement[index];
}

ReplicaList TopicImage::first_voters(PartitionId partition, raft::NodeId broker) const {
  const PartitionImage& placed = this->partition(partition);
  const auto replica = std::ranges::find(placed.replicas, broker, &ReplicaImage::broker);
  const bool from_the_beginning =
      replica != placed.replicas.end() && replica->since == created_offset(partition);
  return from_the_beginning ? placed.founders : ReplicaList{};
}

const BrokerImage* ClusterImage::find(raft::NodeId broker) const {
  const auto found = brokers().find(broker);
  return found == brokers().end() ? nullptr : &found->second;
}

TopicPtr ClusterImage::find(std::string_view name) const {
  const auto found = topics().find(name);
  return found == topics().end() ? nullptr : found->second;
}

TopicPtr ClusterImage::find(const Uuid& id) const {
  const auto found = parts_.topics_by_id->find(id);
  return found == parts_.topics_by_id->end() ? nullptr : found->second;
}

}  // namespace penstock::broker
