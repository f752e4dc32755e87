// Images of a cluster with some topics, for tests of what looks at them.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/controller/cluster_image.h"

namespace penstock::broker {

inline Uuid id_of(int n) {
  Uuid id;
  id.bytes[15] = std::byte(n);
  return id;
}

// The first one has id 1, and so on. Every partition is on brokers 1 (in rack "east") and 2.
inline ImagePtr image_of(const std::vector<std::pair<std::string, std::uint32_t>>& names,
                         Offset applied = Offset(40)) {
  auto brokers = std::make_shared<ClusterImage::Brokers>();
  for (const int id : {1, 2}) {
    BrokerImage& broker = (*brokers)[raft::NodeId(id)];
    broker.id = raft::NodeId(id);
    broker.rack = id == 1 ? "east" : "";
  }
  auto placed = std::make_shared<PartitionImage>();
  placed->replicas = {{raft::NodeId(1), Offset(0)}, {raft::NodeId(2), Offset(0)}};
  auto topics = std::make_shared<ClusterImage::Topics>();
  auto by_id = std::make_shared<ClusterImage::TopicsById>();
  int n = 0;
  for (const auto& [name, partitions] : names) {
    auto topic = std::make_shared<TopicImage>();
    topic->id = id_of(++n);
    topic->name = name;
    topic->partitions = partitions;
    topic->placement.assign(partitions, placed);
    topics->emplace(name, topic);
    by_id->emplace(topic->id, topic);
  }
  ClusterImage::Parts parts;
  parts.brokers = brokers;
  parts.topics = topics;
  parts.topics_by_id = by_id;
  return std::make_shared<const ClusterImage>(std::move(parts), applied, Term(1));
}

}  // namespace penstock::broker
