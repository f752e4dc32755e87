// Nothing grows without a bound: what a leader has on the way to a follower stays within its
// window.
#pragma once

#include "tests/sim/invariants/invariant.h"

namespace penstock::sim {

class Bounded final : public Invariant {
 public:
  using Invariant::Invariant;
  std::string_view name() const override { return "bounded"; }

  void stepped(const ReplicaView& view) override {
    if (view.replica.role() != raft::Role::kLeader) return;
    const raft::Options options;
    for (const raft::PeerStatus& peer : view.replica.group().peers()) {
      // One request may begin below the limit and end above it.
      if (peer.inflight_bytes <= options.max_inflight_bytes + options.max_request_bytes) continue;
      violated(to_string(view.node) + " has " + std::to_string(peer.inflight_bytes) +
               " bytes on the way to " + to_string(peer.node));
    }
  }
};

}  // namespace penstock::sim
