// What the handlers of consumer groups share: the way to the coordinator, and messages.
//
// Threads: a handler runs on the shard of its connection; the coordinator on its partition's.
#pragma once

#include <string>
#include <utility>

#include "broker/group/group_commands.h"
#include "broker/server/group_coordinator.h"
#include "broker/server/handlers/handlers.h"
#include "broker/server/hop.h"

namespace penstock::broker {

// The partition that holds the group. kNotLeader while there is none: FindCoordinator makes it.
Result<TopicPartition> home_of(const Call& call, const std::string& group);

// Carries `Method` out at the group's coordinator, if that is here.
template <auto Method, typename Answer, typename... Arguments>
Task<Answer> at_coordinator_here(Shard& shard, TopicPartition home, Arguments... arguments) {
  auto groups = shard.find_groups(home);
  if (!groups) co_return fail(std::move(groups).error());
  co_return co_await (**groups.*Method)(std::move(arguments)...);
}

template <auto Method, typename... Arguments>
auto at_coordinator(const Call& call, std::string group, Arguments... arguments)
    -> decltype((std::declval<GroupCoordinator&>().*Method)(std::declval<Arguments>()...)) {
  using Answer = typename decltype((std::declval<GroupCoordinator&>().*
                                    Method)(std::declval<Arguments>()...))::value_type;
  PENSTOCK_CO_TRY_ASSIGN(const TopicPartition home, home_of(call, group));
  Shard& shard = call.broker.shard_of(home);
  co_return co_await call_on(
      shard.executor(), at_coordinator_here<Method, Answer>(shard, home, std::move(arguments)...));
}

// --- messages

using GroupTopics = google::protobuf::RepeatedPtrField<wire::v1::GroupTopic>;

// kInvalidArgument when they are more than a group may have, or no ids.
Result<std::vector<TopicPartition>> partitions_from_wire(const GroupTopics& topics);
// With the topics' names, as far as the image knows them.
void to_wire(const group::PartitionSet& partitions, const ClusterImage& image, GroupTopics& out);
void to_wire(const TopicPartition& partition, const std::optional<group::Position>& position,
             const ClusterImage& image, wire::v1::GroupPosition& out);

// None: the bytes are empty.
Result<std::optional<group::MemberCredential>> credential(const std::string& member_id,
                                                          std::int64_t epoch);
std::string topic_name(const ClusterImage& image, const Uuid& topic);

}  // namespace penstock::broker
