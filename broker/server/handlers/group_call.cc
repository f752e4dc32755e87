#include "broker/server/handlers/group_call.h"

#include "broker/group/home.h"
#include "broker/group/limits.h"
#include "broker/server/image_topics.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::broker {

Result<TopicPartition> home_of(const Call& call, const std::string& group) {
  const TopicPtr topic = call.home.image()->find(group::kOffsetsTopic);
  if (!topic) {
    return fail(Errc::kNotLeader, "nobody coordinates groups yet; find the group's coordinator");
  }
  return TopicPartition{topic->id, group::home_of(group, topic->partitions)};
}

Result<std::vector<TopicPartition>> partitions_from_wire(const GroupTopics& topics) {
  std::vector<TopicPartition> partitions;
  for (const wire::v1::GroupTopic& topic : topics) {
    PENSTOCK_TRY_ASSIGN(const Uuid id, wire::uuid_from_wire(topic.topic_id(), "topic_id"));
    const std::size_t count = partitions.size() + static_cast<std::size_t>(topic.partitions_size());
    if (count > group::kMaxPositionsPerGroup) {
      return fail(Errc::kInvalidArgument, "more partitions than a group may have, which is " +
                                              std::to_string(group::kMaxPositionsPerGroup));
    }
    for (const std::int32_t number : topic.partitions()) {
      partitions.push_back({id, PartitionId(number)});
    }
  }
  return partitions;
}

std::string topic_name(const ClusterImage& image, const Uuid& topic) {
  const TopicPtr known = image.find(topic);
  return known ? known->name : std::string();
}

void to_wire(const group::PartitionSet& partitions, const ClusterImage& image, GroupTopics& out) {
  const Uuid* topic = nullptr;
  wire::v1::GroupTopic* row = nullptr;
  for (const TopicPartition& one : partitions) {
    if (topic == nullptr || *topic != one.topic) {
      topic = &one.topic;
      row = out.Add();
      row->set_topic_id(wire::to_wire(one.topic));
      row->set_name(topic_name(image, one.topic));
    }
    row->add_partitions(one.partition.value());
  }
}

void to_wire(const TopicPartition& partition, const std::optional<group::Position>& position,
             const ClusterImage& image, wire::v1::GroupPosition& out) {
  out.set_topic_id(wire::to_wire(partition.topic));
  out.set_partition(partition.partition.value());
  out.set_topic(topic_name(image, partition.topic));
  out.set_offset(-1);
  out.set_leader_epoch(-1);
  out.set_committed_at_ms(-1);
  if (!position) return;
  out.set_offset(position->offset.value());
  out.set_leader_epoch(position->leader_epoch.value());
  out.set_text(position->text);
  out.set_committed_at_ms(position->committed_at.ms());
}

Result<std::optional<group::MemberCredential>> credential(const std::string& member_id,
                                                          std::int64_t epoch) {
  if (member_id.empty()) return std::nullopt;
  PENSTOCK_TRY_ASSIGN(const Uuid member, wire::uuid_from_wire(member_id, "member_id"));
  return group::MemberCredential{member, group::Epoch(epoch)};
}

}  // namespace penstock::broker
