// When everything has come to rest, the members of a group whose disks nobody damaged hold the same
// bytes: the digests of what they all still have are equal.
#pragma once

#include <algorithm>
#include <vector>

#include "tests/sim/invariants/invariant.h"

namespace penstock::sim {

class EqualDigests final : public Invariant {
 public:
  using Invariant::Invariant;
  std::string_view name() const override { return "equal-digests"; }

  void rested(const std::vector<ReplicaView>& members) override {
    if (members.empty()) return;
    Offset begin;
    Offset end = members.front().replica.committed();
    for (const ReplicaView& member : members) {
      begin = std::max(begin, member.replica.log().log_start());
      end = std::min(end, member.replica.committed());
    }
    if (begin >= end) return;
    const auto first = members.front().replica.log().digest(begin, end);
    for (const ReplicaView& member : members) {
      const auto digest = member.replica.log().digest(begin, end);
      if (first && digest && *first == *digest) continue;
      violated(to_string(member.node) + " and " + to_string(members.front().node) +
               " differ in group " + std::to_string(member.group) + " within [" +
               std::to_string(begin.value()) + ", " + std::to_string(end.value()) + ")" +
               (digest ? "" : ": " + digest.error().to_string()));
    }
  }
};

}  // namespace penstock::sim
