#include "broker/raft/quorum.h"

namespace penstock::raft {

Offset reached_by_majority(std::span<Offset> values) {
  PENSTOCK_ASSERT(!values.empty(), "nobody has no majority");
  std::ranges::sort(values, std::greater<>());
  return values[majority_of(values.size()) - 1];
}

}  // namespace penstock::raft
