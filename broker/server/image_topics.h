// ImageTopics: what the cluster's metadata says of topics, as consumer groups want to know it.
//
// Internal topics are found by name, and match no pattern. Threads: ImageTopics is immutable;
// PatternMatches belongs to one.
#pragma once

#include <map>
#include <set>
#include <string>

#include "broker/controller/cluster_image.h"
#include "broker/group/topic_view.h"

namespace penstock::broker {

class ImageTopics final : public group::TopicView {
 public:
  explicit ImageTopics(ImagePtr image) : image_(std::move(image)) {}

  Offset at() const override { return image_->applied(); }
  std::optional<group::TopicShape> find(std::string_view name) const override;
  std::optional<group::TopicShape> find(const Uuid& id) const override;
  std::vector<std::string> racks(const TopicPartition& partition) const override;

 private:
  ImagePtr image_;
};

using TopicNames = std::set<std::string, std::less<>>;

// Names of topics that patterns match, each pattern looked at once for each set of topics.
class PatternMatches {
 public:
  // kInvalidArgument for what is no pattern.
  Result<TopicNames> of(const std::string& pattern, const ImagePtr& image);

 private:
  ImagePtr image_;  // whose topics these are
  std::map<std::string, TopicNames> matches_;
};

// It belongs to Penstock itself: made, written and deleted by brokers alone.
bool is_internal_topic(std::string_view name);

}  // namespace penstock::broker
