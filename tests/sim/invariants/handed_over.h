// A leader tells another node to campaign at once only when that node has the leader's whole log on
// its disk: everything else would be an election that the successor must lose.
#pragma once

#include <map>

#include "tests/sim/invariants/invariant.h"

namespace penstock::sim {

class HandedOver final : public Invariant {
 public:
  using Invariant::Invariant;
  std::string_view name() const override { return "handed-over"; }

  void started(const ReplicaView& view, bool intact) override {
    seen_[{view.group, view.node}].intact = intact;
    stepped(view);
  }

  void stepped(const ReplicaView& view) override {
    Seen& seen = seen_[{view.group, view.node}];
    seen.term = view.replica.term();
    seen.end = view.replica.log_end();
    seen.durable = view.replica.durable_end();
  }

  void trashed(raft::NodeId node, GroupNumber group, Gone why) override {
    if (why == Gone::kPlacedElsewhere) seen_.erase({group, node});
  }

  void sent(GroupNumber group, const broker::PeerMessage& message) override {
    const raft::Envelope& envelope = message.envelope;
    const auto* order = std::get_if<raft::TimeoutNow>(&envelope.message);
    if (order == nullptr) return;
    const Seen& from = seen_[{group, envelope.from}];
    const auto known = seen_.find({group, envelope.to});
    if (known == seen_.end()) return;  // its copy has gone, which a leader may not have heard of
    const Seen& to = known->second;
    // A newer leader may have cut it since.
    if (!to.intact || to.term > order->term || to.durable >= from.end) return;
    violated(to_string(envelope.from) + " hands group " + std::to_string(group) + " to " +
             to_string(envelope.to) + ", whose disk ends at " + std::to_string(to.durable.value()) +
             " of " + std::to_string(from.end.value()));
  }

 private:
  struct Seen {
    Term term{0};
    Offset end;
    Offset durable;
    bool intact = true;
  };
  std::map<std::pair<GroupNumber, raft::NodeId>, Seen> seen_;
};

}  // namespace penstock::sim
