#include "broker/raft/quorum.h"

#include "base/mutant.h"
namespace penstock::raft {

Offset reached_by_majority(std::span<Offset> values) {
  PENSTOCK_ASSERT(!values.empty(), "nobody has no majority");
  std::ranges::sort(values, std::greater<>());
  const bool one_less = mutant(Mutant::kCommitsByLess) && values.size() > 1;
  return values[majority_of(values.size()) - 1 - (one_less ? 1 : 0)];
}

}  // namespace penstock::raft
