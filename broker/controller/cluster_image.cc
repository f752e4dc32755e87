#include "broker/controller/cluster_image.h"

#include <algorithm>
#include <iterator>

#include "base/assert.h"
#include "base/mutant.h"

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

ReplicaList TopicImage::first_voters(PartitionId partition, raft::NodeId broker,
                                     std::optional<Offset> placed_before) const {
  const PartitionImage& placed = this->partition(partition);
  const bool is_founder = contains(placed.founders, broker);
  const auto replica = std::ranges::find(placed.replicas, broker, &ReplicaImage::broker);
  const Offset created = created_offset(partition);
  const bool has_stayed = replica != placed.replicas.end() && replica->since == created;
  bool from_the_beginning = placed_before ? is_founder && created >= *placed_before : has_stayed;
  if (mutant(Mutant::kReturnsAsFounder) && placed.has(broker)) from_the_beginning = is_founder;
  return from_the_beginning ? placed.founders : ReplicaList{};
}

bool TopicImage::is_wanted_at(PartitionId partition, raft::NodeId broker,
                              Offset placed_before) const {
  return this->partition(partition).has(broker) ||
         !first_voters(partition, broker, placed_before).empty();
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
