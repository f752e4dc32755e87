#include "broker/server/leader_table.h"

#include "broker/controller/limits.h"

namespace penstock::broker {

bool LeaderTable::hear(const LeaderNews& news) {
  const auto topic = topics_.find(news.partition.topic);
  if (topic != topics_.end()) {
    const auto known = topic->second.find(news.partition.partition);
    if (known != topic->second.end()) {
      if (news.term < known->second.term) return false;
      const bool is_new = news.term > known->second.term;
      known->second = news;
      return is_new;
    }
  }
  if (size_ >= kMaxPartitions) return false;
  topics_[news.partition.topic].emplace(news.partition.partition, news);
  ++size_;
  return true;
}

std::optional<LeaderNews> LeaderTable::find(const TopicPartition& id) const {
  const auto topic = topics_.find(id.topic);
  if (topic == topics_.end()) return std::nullopt;
  const auto known = topic->second.find(id.partition);
  if (known == topic->second.end()) return std::nullopt;
  return known->second;
}

void LeaderTable::forget(const Uuid& topic) {
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return;
  size_ -= found->second.size();
  topics_.erase(found);
}

void LeaderTable::forget_deleted(const ClusterImage& image) {
  for (auto topic = topics_.begin(); topic != topics_.end();) {
    if (!image.deleted().contains(topic->first)) {
      ++topic;
      continue;
    }
    size_ -= topic->second.size();
    topic = topics_.erase(topic);
  }
}

}  // namespace penstock::broker
