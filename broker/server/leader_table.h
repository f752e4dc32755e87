// LeaderTable: what was heard of who leads which partition. Pure.
//
// Clients ask any broker, also about partitions that it holds no replica of; a replica that is no
// member of its group any more learns here that it may go. Invariants: of a partition the news of
// the largest term; at most kMaxPartitions of them. Threads: one.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <unordered_map>

#include "base/types.h"
#include "broker/controller/cluster_image.h"
#include "broker/peer/leader_news.h"

namespace penstock::broker {

class LeaderTable {
 public:
  // News of an older term than is known count for nothing. True when another broker leads, or the
  // same one anew.
  bool hear(const LeaderNews& news);
  std::optional<LeaderNews> find(const TopicPartition& id) const;
  // Of a topic that is gone.
  void forget(const Uuid& topic);
  // Of all topics that metadata says were deleted.
  void forget_deleted(const ClusterImage& image);

  std::size_t size() const { return size_; }

 private:
  using Partitions = std::map<PartitionId, LeaderNews>;
  std::unordered_map<Uuid, Partitions> topics_;
  std::size_t size_ = 0;
};

}  // namespace penstock::broker
