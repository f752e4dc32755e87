// Majority arithmetic: what a membership has decided, joint memberships included.
//
// Invariants: any two majorities of one membership share a voter, and a majority of a joint
// membership is a majority of both its halves. An empty membership decides nothing. Learners never
// count. Memberships hold at most kMaxMembers (validity.h).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "base/assert.h"
#include "base/mutant.h"
#include "broker/raft/limits.h"
#include "broker/raft/types.h"

namespace penstock::raft {

// Smallest number of `voters` that is more than half: 1 of 1, 2 of 2, 2 of 3, 3 of 4.
constexpr std::size_t majority_of(std::size_t voters) { return voters / 2 + 1; }

template <typename Says>  // bool(NodeId)
bool is_majority(const std::vector<NodeId>& voters, const Says& says_yes) {
  const auto yes = std::ranges::count_if(voters, says_yes);
  const std::size_t given = mutant(Mutant::kElectedByLess) ? 1 : 0;
  return !voters.empty() && static_cast<std::size_t>(yes) + given >= majority_of(voters.size());
}

// Do those for whom `says_yes` suffice to decide?
template <typename Says>
bool decides(const Membership& membership, const Says& says_yes) {
  if (!is_majority(membership.voters, says_yes)) return false;
  if (mutant(Mutant::kJointNeedsOneMajority)) return true;
  return !membership.is_joint() || is_majority(membership.outgoing, says_yes);
}

// The largest offset that a majority of `values` has reached. Reorders `values`; not empty.
Offset reached_by_majority(std::span<Offset> values);

// The largest offset that a majority has reached: {5, 7, 9} -> 7.
template <typename Reached>  // Offset(NodeId)
Offset decided_offset(const Membership& membership, const Reached& reached) {
  const auto of = [&](const std::vector<NodeId>& voters) {
    PENSTOCK_ASSERT(voters.size() <= kMaxMembers, "memberships are checked where they enter");
    std::array<Offset, kMaxMembers> values;
    std::ranges::transform(voters, values.begin(), reached);
    return reached_by_majority(std::span(values).first(voters.size()));
  };
  if (membership.voters.empty()) return Offset(0);
  if (mutant(Mutant::kLearnersCount)) return of(membership.everyone());
  const Offset incoming = of(membership.voters);
  if (mutant(Mutant::kJointNeedsOneMajority)) return incoming;
  return membership.is_joint() ? std::min(incoming, of(membership.outgoing)) : incoming;
}

}  // namespace penstock::raft
