#include "broker/server/image_topics.h"

#include "broker/group/home.h"
#include "broker/group/topic_pattern.h"
#include "broker/server/limits.h"

namespace penstock::broker {
namespace {

std::optional<group::TopicShape> shape_of(const TopicPtr& topic) {
  if (!topic) return std::nullopt;
  return group::TopicShape{topic->id, topic->partitions};
}

}  // namespace

std::optional<group::TopicShape> ImageTopics::find(std::string_view name) const {
  return shape_of(image_->find(name));
}

std::optional<group::TopicShape> ImageTopics::find(const Uuid& id) const {
  return shape_of(image_->find(id));
}

std::vector<std::string> ImageTopics::racks(const TopicPartition& partition) const {
  std::vector<std::string> racks;
  const TopicPtr topic = image_->find(partition.topic);
  const auto number = static_cast<std::uint32_t>(partition.partition.value());
  if (!topic || number >= topic->partitions) return racks;
  for (const raft::NodeId id : topic->partition(partition.partition).brokers()) {
    const BrokerImage* const broker = image_->find(id);
    if (broker != nullptr && !broker->rack.empty()) racks.push_back(broker->rack);
  }
  return racks;
}

Result<TopicNames> PatternMatches::of(const std::string& pattern, const ImagePtr& image) {
  const bool same_topics = image_ && &image_->topics() == &image->topics();
  if (!same_topics || matches_.size() >= kMaxPatternsKept) matches_.clear();
  image_ = image;
  if (const auto found = matches_.find(pattern); found != matches_.end()) return found->second;
  PENSTOCK_TRY_ASSIGN(const auto parsed, group::TopicPattern::parse(pattern));
  TopicNames& names = matches_[pattern];
  for (const auto& [name, topic] : image->topics()) {
    if (!is_internal_topic(name) && parsed.matches(name)) names.insert(name);
  }
  return names;
}

bool is_internal_topic(std::string_view name) { return name == group::kOffsetsTopic; }

}  // namespace penstock::broker
