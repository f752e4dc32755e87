#include "broker/group/home.h"

#include <xxhash.h>

namespace penstock::group {

PartitionId home_of(std::string_view group, std::uint32_t partitions) {
  return PartitionId(
      static_cast<std::int32_t>(XXH3_64bits(group.data(), group.size()) % partitions));
}

}  // namespace penstock::group
