// A client that waits for each acknowledgement sees its batches in the order in which it sent them.
#pragma once

#include <map>

#include "tests/sim/invariants/invariant.h"

namespace penstock::sim {

class ClientOrder final : public Invariant {
 public:
  using Invariant::Invariant;
  std::string_view name() const override { return "client-order"; }

  void acknowledged(GroupNumber group, BatchName batch, Offset at) override {
    const auto [last, first] = last_.try_emplace({group, batch.client}, at);
    if (first) return;
    if (at <= last->second) {
      violated("group " + std::to_string(group) + ": client " + std::to_string(batch.client) +
               " is told " + std::to_string(at.value()) + " after " +
               std::to_string(last->second.value()));
    }
    last->second = at;
  }

 private:
  std::map<std::pair<GroupNumber, std::int64_t>, Offset> last_;
};

}  // namespace penstock::sim
