// ClusterImage: the cluster's metadata at one point of its log, immutable, for readers on any
// thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/types.h"
#include "broker/controller/topic_settings.h"

namespace penstock::broker {

struct TopicImage {
  Uuid id;
  std::string name;
  std::uint32_t partitions = 0;
  std::uint32_t replication_factor = 1;
  Timestamp created_at;
  // Metadata offset of the record that gave partition p (the index) its place: partitions that were
  // added later have a larger one.
  std::map<std::uint32_t, Offset> placed_from;  // first partition of a growth step -> offset
  SettingMap own_settings;
  TopicSettings settings;  // own_settings over the defaults

  // Offset of the metadata record that brought the partition into being. partition < partitions.
  Offset created_offset(PartitionId partition) const;
};

using TopicPtr = std::shared_ptr<const TopicImage>;

class ClusterImage {
 public:
  using Topics = std::map<std::string, TopicPtr, std::less<>>;

  ClusterImage() = default;
  ClusterImage(Topics topics, Offset applied, Term leader_epoch);

  const Topics& topics() const { return topics_; }     // by name
  TopicPtr find(std::string_view name) const;          // null: unknown
  TopicPtr find(const Uuid& id) const;                 // null: unknown
  Term leader_epoch() const { return leader_epoch_; }  // of every partition, on one broker
  Offset applied() const { return applied_; }          // behind the last applied record

 private:
  Topics topics_;
  std::unordered_map<Uuid, TopicPtr> by_id_;
  Offset applied_;
  Term leader_epoch_;
};

using ImagePtr = std::shared_ptr<const ClusterImage>;

}  // namespace penstock::broker
