#include "client/metadata.h"

#include <algorithm>
#include <utility>

namespace penstock::client {

void MetadataCache::update_broker(BrokerId id, rpc::Endpoint endpoint) {
  brokers_.insert_or_assign(id, std::move(endpoint));
}

void MetadataCache::update_topic(TopicMetadata topic) {
  const auto known = topics_.find(topic.name);
  if (known != topics_.end() && known->second.id == topic.id) {
    const auto& before = known->second.partitions;
    const std::size_t common = std::min(before.size(), topic.partitions.size());
    for (std::size_t i = 0; i < common; ++i) {
      if (before[i].leader_epoch > topic.partitions[i].leader_epoch) {
        topic.partitions[i] = before[i];
      }
    }
    topic.partitions.insert(topic.partitions.end(),
                            before.begin() + static_cast<std::ptrdiff_t>(common), before.end());
  }
  std::string name = topic.name;
  topics_.insert_or_assign(std::move(name), std::move(topic));
}

void MetadataCache::forget_topic(std::string_view name) {
  if (const auto it = topics_.find(name); it != topics_.end()) topics_.erase(it);
}

const TopicMetadata* MetadataCache::topic(std::string_view name) const {
  const auto it = topics_.find(name);
  return it == topics_.end() ? nullptr : &it->second;
}

const rpc::Endpoint* MetadataCache::broker(BrokerId id) const {
  const auto it = brokers_.find(id);
  return it == brokers_.end() ? nullptr : &it->second;
}

bool MetadataCache::is_older_than(std::string_view name, std::chrono::milliseconds age,
                                  Instant now) const {
  const TopicMetadata* known = topic(name);
  return known == nullptr || now - known->fetched_at > age;
}

}  // namespace penstock::client
