// Metadata never goes back at a broker while it lives, and what it shows is what it has applied.
#pragma once

#include <map>
#include <string>

#include "tests/sim/invariants/invariant.h"

namespace penstock::sim {

class MetadataForward final : public Invariant {
 public:
  using Invariant::Invariant;
  std::string_view name() const override { return "metadata-forward"; }

  void crashed(raft::NodeId node) override { shown_.erase(node); }
  void published(const BrokerView& view) override {
    const Offset now = view.image->applied();
    const auto [before, is_first] = shown_.try_emplace(view.node, now);
    if (!is_first && now < before->second) {
      violated("metadata of " + to_string(view.node) + " goes back from " +
               std::to_string(before->second.value()) + " to " + std::to_string(now.value()));
    }
    before->second = now;
    // A crash between keeping a snapshot from the leader and beginning the log behind it leaves the
    // snapshot ahead of the log: what it holds was committed, by others.
    const Offset committed = is_first ? committed_anywhere_ : committed_[view.node];
    if (now > committed) {
      violated(to_string(view.node) + " shows metadata up to " + std::to_string(now.value()) +
               ", and knows only what is below " + std::to_string(committed.value()) +
               " to be committed");
    }
  }
  // Its own commit point, of its whole life: a snapshot may be ahead of what a restart knows.
  void stepped(const ReplicaView& view) override {
    if (!view.group_is_metadata) return;
    Offset& committed = committed_[view.node];
    committed = std::max(committed, view.replica.committed());
    committed_anywhere_ = std::max(committed_anywhere_, committed);
  }

 private:
  std::map<raft::NodeId, Offset> shown_;
  std::map<raft::NodeId, Offset> committed_;
  Offset committed_anywhere_;
};

}  // namespace penstock::sim
