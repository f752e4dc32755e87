// Consumer groups between the client's values and wire messages.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/group_consumer.h"
#include "client/member_core.h"
#include "protocol/wire/groups.pb.h"

namespace penstock::client {

// Names of topics by id, as far as answers have told them.
using TopicNamesById = std::map<Uuid, std::string>;

wire::v1::GroupHeartbeatRequest to_wire(const MemberCore::Heartbeat& heartbeat,
                                        const GroupConfig& config);
// kBadFrame for what is no answer.
Result<MemberCore::Answer> answer_from_wire(const wire::v1::GroupHeartbeatResponse& response,
                                            TopicNamesById& names);

using GroupTopics = google::protobuf::RepeatedPtrField<wire::v1::GroupTopic>;
void add_partitions(const GroupPartitions& partitions, GroupTopics& out);
Result<GroupPartitions> partitions_from_wire(const GroupTopics& topics, TopicNamesById& names);

}  // namespace penstock::client
