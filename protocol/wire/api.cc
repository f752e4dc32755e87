#include "protocol/wire/api.h"

#include <array>

namespace penstock::wire {
namespace {

constexpr std::array kTable = {
    ApiInfo{Api::kHandshake, "Handshake", 1, 1, Effect::kReads},
    ApiInfo{Api::kDescribeCluster, "DescribeCluster", 1, 1, Effect::kReads},
    ApiInfo{Api::kDescribeTopics, "DescribeTopics", 1, 1, Effect::kReads},
    ApiInfo{Api::kCreateTopic, "CreateTopic", 1, 1, Effect::kChanges},
    ApiInfo{Api::kDeleteTopic, "DeleteTopic", 1, 1, Effect::kChanges},
    ApiInfo{Api::kAlterTopic, "AlterTopic", 1, 1, Effect::kChanges},
    ApiInfo{Api::kListOffsets, "ListOffsets", 1, 1, Effect::kReads},
    ApiInfo{Api::kDeleteRecords, "DeleteRecords", 1, 1, Effect::kChanges},
    ApiInfo{Api::kProduce, "Produce", 1, 1, Effect::kChanges},
    ApiInfo{Api::kFetch, "Fetch", 1, 1, Effect::kReads},
    ApiInfo{Api::kInitProducer, "InitProducer", 1, 1, Effect::kChanges},
    ApiInfo{Api::kExchange, "Exchange", 1, 1, Effect::kChanges},
    ApiInfo{Api::kJoin, "Join", 1, 1, Effect::kChanges},
    ApiInfo{Api::kClusterStatus, "ClusterStatus", 1, 1, Effect::kReads},
    ApiInfo{Api::kAlterCluster, "AlterCluster", 1, 1, Effect::kChanges},
    ApiInfo{Api::kForward, "Forward", 1, 1, Effect::kChanges},
    ApiInfo{Api::kFindCoordinator, "FindCoordinator", 1, 1, Effect::kChanges},
    ApiInfo{Api::kGroupHeartbeat, "GroupHeartbeat", 1, 1, Effect::kChanges},
    ApiInfo{Api::kLeaveGroup, "LeaveGroup", 1, 1, Effect::kChanges},
    ApiInfo{Api::kCommitOffsets, "CommitOffsets", 1, 1, Effect::kChanges},
    ApiInfo{Api::kFetchOffsets, "FetchOffsets", 1, 1, Effect::kReads},
    ApiInfo{Api::kResetOffsets, "ResetOffsets", 1, 1, Effect::kChanges},
    ApiInfo{Api::kDeleteGroup, "DeleteGroup", 1, 1, Effect::kChanges},
    ApiInfo{Api::kListGroups, "ListGroups", 1, 1, Effect::kReads},
    ApiInfo{Api::kDescribeGroup, "DescribeGroup", 1, 1, Effect::kReads},
};

}  // namespace

std::span<const ApiInfo> api_table() { return kTable; }

const ApiInfo* find_api(std::uint16_t number) {
  for (const ApiInfo& row : kTable) {
    if (static_cast<std::uint16_t>(row.api) == number) return &row;
  }
  return nullptr;
}

std::string_view name(Api api) {
  const ApiInfo* row = find_api(static_cast<std::uint16_t>(api));
  return row != nullptr ? row->name : "unknown API";
}

}  // namespace penstock::wire
