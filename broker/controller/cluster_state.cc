#include "broker/controller/cluster_state.h"

#include <algorithm>

#include "base/assert.h"

namespace penstock::broker {

Status ClusterState::apply(Offset offset, const MetadataRecord& record) {
  PENSTOCK_TRY(std::visit([&](const auto& one) { return apply_one(offset, one); }, record));
  applied_ = offset + 1;
  return {};
}

void ClusterState::skip_to(Offset next) {
  PENSTOCK_ASSERT(next >= applied_, "a log goes forward");
  applied_ = next;
}

bool ClusterState::holds_replicas(raft::NodeId broker) const {
  return std::ranges::any_of(topics_, [&](const auto& entry) {
    return std::ranges::any_of(entry.second->placement,
                               [&](const PartitionPtr& placed) { return placed->has(broker); });
  });
}

ImagePtr ClusterState::image() const {
  if (!parts_.brokers) {
    parts_.brokers = std::make_shared<const ClusterImage::Brokers>(brokers_.all());
  }
  if (!parts_.topics) {
    parts_.topics = std::make_shared<const ClusterImage::Topics>(topics_);
    parts_.topics_by_id =
        std::make_shared<const ClusterImage::TopicsById>(by_id_.begin(), by_id_.end());
  }
  if (!parts_.deleted) parts_.deleted = std::make_shared<const ClusterImage::Deleted>(deleted_);
  return std::make_shared<const ClusterImage>(parts_, applied_, leader_epoch_);
}

}  // namespace penstock::broker
