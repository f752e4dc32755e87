// Operands and flags of `penstock cluster`: brokers and partitions by their names.
//
// Pure. Failure: kInvalidArgument that shows the form.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace penstock::tools {

// "2"
Result<std::int32_t> parse_broker(std::string_view text);
// "1,2,3": not empty, and none twice.
Result<std::vector<std::int32_t>> parse_brokers(std::string_view text);
// "orders/3"
Result<std::pair<std::string, PartitionId>> parse_partition(std::string_view text);

}  // namespace penstock::tools
