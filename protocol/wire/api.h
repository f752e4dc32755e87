// The APIs of the protocol: numbers, names, version ranges.
//
// Invariants: a number is never reused. A new version of an API only adds fields that old receivers
// may ignore, or comes with a changed meaning that both sides negotiated.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace penstock::wire {

enum class Api : std::uint16_t {
  kHandshake = 1,
  kDescribeCluster = 2,
  kDescribeTopics = 3,
  kCreateTopic = 4,
  kDeleteTopic = 5,
  kAlterTopic = 6,
  kListOffsets = 7,
  kDeleteRecords = 8,
  kProduce = 16,
  kFetch = 17,
  kInitProducer = 18,
  kExchange = 32,
  kJoin = 33,
  kClusterStatus = 34,
  kAlterCluster = 35,
  kForward = 36,
  kFindCoordinator = 48,
  kGroupHeartbeat = 49,
  kLeaveGroup = 50,
  kCommitOffsets = 51,
  kFetchOffsets = 52,
  kResetOffsets = 53,
  kDeleteGroup = 54,
  kListGroups = 55,
  kDescribeGroup = 56,
};

// Whether carrying a request out changes anything that outlives the answer.
enum class Effect : std::uint8_t { kReads, kChanges };

struct ApiInfo {
  Api api;
  std::string_view name;
  std::uint16_t min_version;  // that this build speaks, inclusive
  std::uint16_t max_version;  // inclusive
  Effect effect;
};

std::span<const ApiInfo> api_table();
const ApiInfo* find_api(std::uint16_t number);  // null: unknown
std::string_view name(Api api);

}  // namespace penstock::wire
