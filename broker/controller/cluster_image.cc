#include "broker/controller/cluster_image.h"

#include <iterator>

#include "base/assert.h"

namespace penstock::broker {

Offset TopicImage::created_offset(PartitionId partition) const {
  const auto next_step = placed_from.upper_bound(static_cast<std::uint32_t>(partition.value()));
  PENSTOCK_ASSERT(next_step != placed_from.begin(), "every partition was created by some record");
  return std::prev(next_step)->second;
}

ClusterImage::ClusterImage(Topics topics, Offset applied, Term leader_epoch)
    : topics_(std::move(topics)), applied_(applied), leader_epoch_(leader_epoch) {
  by_id_.reserve(topics_.size());
  for (const auto& [name, topic] : topics_) by_id_.emplace(topic->id, topic);
}

TopicPtr ClusterImage::find(std::string_view name) const {
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : found->second;
}

TopicPtr ClusterImage::find(const Uuid& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

}  // namespace penstock::broker
