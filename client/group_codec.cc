#include "client/group_codec.h"

#include "protocol/wire/uuid_bytes.h"

namespace penstock::client {
namespace {

wire::v1::GroupAssignor to_wire(GroupAssignor assignor) {
  switch (assignor) {
    case GroupAssignor::kUnchanged:
      return wire::v1::GROUP_ASSIGNOR_UNCHANGED;
    case GroupAssignor::kBalancedSticky:
      return wire::v1::GROUP_ASSIGNOR_BALANCED_STICKY;
    case GroupAssignor::kRange:
      return wire::v1::GROUP_ASSIGNOR_RANGE;
    case GroupAssignor::kRackAware:
      return wire::v1::GROUP_ASSIGNOR_RACK_AWARE;
  }
  return wire::v1::GROUP_ASSIGNOR_UNCHANGED;
}

}  // namespace

void add_partitions(const GroupPartitions& partitions, GroupTopics& out) {
  wire::v1::GroupTopic* row = nullptr;
  const Uuid* topic = nullptr;
  for (const TopicPartition& one : partitions) {
    if (topic == nullptr || *topic != one.topic) {
      topic = &one.topic;
      row = out.Add();
      row->set_topic_id(wire::to_wire(one.topic));
    }
    row->add_partitions(one.partition.value());
  }
}

Result<GroupPartitions> partitions_from_wire(const GroupTopics& topics, TopicNamesById& names) {
  GroupPartitions partitions;
  for (const wire::v1::GroupTopic& topic : topics) {
    const auto id = wire::uuid_from_wire(topic.topic_id(), "topic_id");
    if (!id) return fail(Errc::kBadFrame, "an answer names a topic by no id");
    if (!topic.name().empty()) names[*id] = topic.name();
    for (const std::int32_t number : topic.partitions()) {
      partitions.insert({*id, PartitionId(number)});
    }
  }
  return partitions;
}

wire::v1::GroupHeartbeatRequest to_wire(const MemberCore::Heartbeat& heartbeat,
                                        const GroupConfig& config) {
  wire::v1::GroupHeartbeatRequest request;
  request.set_group(config.group);
  request.set_member_id(wire::to_wire(heartbeat.member));
  request.set_member_epoch(heartbeat.epoch);
  add_partitions(heartbeat.owned, *request.mutable_owned());
  request.set_instance(config.instance);
  request.set_rack(config.rack);
  for (const std::string& topic : config.topics) request.add_topics(topic);
  request.set_pattern(config.pattern);
  request.set_session_timeout_ms(static_cast<std::uint32_t>(config.session_timeout.count()));
  request.set_poll_interval_ms(static_cast<std::uint32_t>(config.max_poll_interval.count()));
  request.set_assignor(to_wire(config.assignor));
  return request;
}

Result<MemberCore::Answer> answer_from_wire(const wire::v1::GroupHeartbeatResponse& response,
                                            TopicNamesById& names) {
  MemberCore::Answer answer;
  answer.epoch = response.member_epoch();
  PENSTOCK_TRY_ASSIGN(answer.owned, partitions_from_wire(response.owned(), names));
  PENSTOCK_TRY_ASSIGN(answer.revoking, partitions_from_wire(response.revoking(), names));
  answer.awaited = response.awaited();
  return answer;
}

}  // namespace penstock::client
