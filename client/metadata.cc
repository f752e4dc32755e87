#include "client/metadata.h"

#include <algorithm>
#include <utility>

namespace penstock::client {

namespace {

// True when an answer of `as_of` was given before one of `known`; one that does not say is new.
bool is_behind(MetadataOffset as_of, MetadataOffset known) { return as_of > 0 && as_of < known; }

}  // namespace

Error no_leader(std::string_view topic, PartitionId partition,
                const std::vector<BrokerId>& replicas) {
  std::string message =
      "no leader for " + std::string(topic) + "/" + std::to_string(partition.value());
  if (!replicas.empty()) {
    const std::size_t majority = replicas.size() / 2 + 1;
    message += replicas.size() == 1          ? ": broker "
               : majority == replicas.size() ? ": all of brokers "
                                             : ": " + std::to_string(majority) + " of brokers ";
    for (std::size_t i = 0; i < replicas.size(); ++i) {
      message += (i == 0 ? "" : ", ") + std::to_string(replicas[i]);
    }
    message += replicas.size() == 1 ? " is needed" : " are needed";
  }
  return {Errc::kNotLeader, message + "; see penstock cluster status"};
}

void MetadataCache::update_brokers(const std::map<BrokerId, rpc::Endpoint>& named,
                                   MetadataOffset as_of) {
  if (is_behind(as_of, brokers_as_of_)) {
    brokers_.insert(named.begin(), named.end());
    return;
  }
  // Those that are not named any more have left; an answer that does not say how new it is may come
  // from a broker that has not heard of all.
  if (as_of > 0) brokers_.clear();
  for (const auto& [id, endpoint] : named) brokers_.insert_or_assign(id, endpoint);
  brokers_as_of_ = std::max(brokers_as_of_, as_of);
}

bool MetadataCache::update_topic(TopicMetadata topic) {
  const auto known = topics_.find(topic.name);
  if (known != topics_.end() && known->second.id != topic.id &&
      is_behind(topic.as_of, known->second.as_of)) {
    return false;
  }
  if (known != topics_.end() && known->second.id == topic.id) {
    const auto& before = known->second.partitions;
    const bool behind = is_behind(topic.as_of, known->second.as_of);
    const std::size_t common = std::min(before.size(), topic.partitions.size());
    for (std::size_t i = 0; i < common; ++i) {
      PartitionMetadata& now = topic.partitions[i];
      if (before[i].leader_epoch > now.leader_epoch) {
        now.leader = before[i].leader;
        now.leader_epoch = before[i].leader_epoch;
      }
      if (behind) now.replicas = before[i].replicas;
    }
    topic.partitions.insert(topic.partitions.end(),
                            before.begin() + static_cast<std::ptrdiff_t>(common), before.end());
    topic.as_of = std::max(topic.as_of, known->second.as_of);
  }
  std::string name = topic.name;
  topics_.insert_or_assign(std::move(name), std::move(topic));
  return true;
}

bool MetadataCache::forget_topic(std::string_view name, MetadataOffset as_of) {
  const auto it = topics_.find(name);
  if (it == topics_.end()) return true;
  if (is_behind(as_of, it->second.as_of)) return false;
  topics_.erase(it);
  return true;
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
