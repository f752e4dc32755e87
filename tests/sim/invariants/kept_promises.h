// What a node said, it still knows after a crash: terms, votes, and what it called durable.
//
// Recorded when a message leaves; compared with what the node comes back with.
#pragma once

#include <map>
#include <optional>

#include "tests/sim/invariants/invariant.h"

namespace penstock::sim {

class KeptPromises final : public Invariant {
 public:
  using Invariant::Invariant;
  std::string_view name() const override { return "kept-promises"; }

  void started(const ReplicaView& view, bool intact) override;
  void stepped(const ReplicaView& view) override;
  void sent(GroupNumber group, const broker::PeerMessage& message) override;
  void trashed(raft::NodeId node, GroupNumber group, Gone /*why*/) override {
    promises_.erase({node, group});
  }
  void received(GroupNumber group, const broker::PeerMessage& message) override;

 private:
  struct Promise {
    Term term{0};
    raft::NodeId vote;  // in `vote_term`
    Term vote_term{0};
    Offset durable_end;  // told to a leader, or counted by itself as leader
    Offset log_start;
    // A message that is being acted on may cut the log there; a crash in the middle leaves either.
    std::optional<Offset> cut_under_way;
  };
  std::map<std::pair<raft::NodeId, GroupNumber>, Promise> promises_;
};

}  // namespace penstock::sim
