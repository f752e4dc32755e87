// At the same offset of the metadata log all brokers have the same state, byte for byte.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "tests/sim/invariants/invariant.h"

namespace penstock::sim {

class EqualImages final : public Invariant {
 public:
  using Invariant::Invariant;
  std::string_view name() const override { return "equal-images"; }

  void published(const BrokerView& view) override {
    const Offset at = view.image->applied();
    const auto [known, is_new] = states_.try_emplace(at, view.node, view.snapshot);
    if (is_new || known->second.second == view.snapshot) return;
    violated("at offset " + std::to_string(at.value()) + " the metadata of " +
             to_string(view.node) + " is another than that of " + to_string(known->second.first));
  }

 private:
  std::map<Offset, std::pair<raft::NodeId, Bytes>> states_;  // of who was there first
};

}  // namespace penstock::sim
