// At most one leader in a term of a group, and none that knows that its log is damaged.
#pragma once

#include <map>

#include "tests/sim/invariants/invariant.h"

namespace penstock::sim {

class ElectionSafety final : public Invariant {
 public:
  using Invariant::Invariant;
  std::string_view name() const override { return "election-safety"; }

  void stepped(const ReplicaView& view) override {
    if (view.replica.role() != raft::Role::kLeader) return;
    if (view.replica.is_damaged()) {
      violated(to_string(view.node) + " leads group " + std::to_string(view.group) +
               " with a damaged log");
    }
    const auto [place, first] = leaders_.try_emplace({view.group, view.replica.term()}, view.node);
    if (first || place->second == view.node) return;
    violated(to_string(view.node) + " and " + to_string(place->second) + " both lead group " +
             std::to_string(view.group) + " in term " +
             std::to_string(view.replica.term().value()));
  }

 private:
  std::map<std::pair<GroupNumber, Term>, raft::NodeId> leaders_;
};

}  // namespace penstock::sim
