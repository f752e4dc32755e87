// Short names for what tests of replicas are full of.
#pragma once

#include <initializer_list>
#include <vector>

#include "broker/raft/types.h"

namespace penstock::broker {

inline std::vector<raft::NodeId> nodes(std::initializer_list<std::int32_t> numbers) {
  std::vector<raft::NodeId> all;
  for (const std::int32_t number : numbers) all.emplace_back(number);
  return all;
}

inline raft::Membership voters(std::initializer_list<std::int32_t> numbers) {
  return {.voters = nodes(numbers), .outgoing = {}, .learners = {}};
}

}  // namespace penstock::broker
