// Where groups live: the topic, and which of its partitions holds a group.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/types.h"

namespace penstock::group {

inline constexpr std::string_view kOffsetsTopic = "__consumer_offsets";

// For ever the same: the partitions of the topic never change in number. Precondition: > 0.
PartitionId home_of(std::string_view group, std::uint32_t partitions);

}  // namespace penstock::group
