// Sights: hits the probes that can be told from what nodes show; it judges nothing.
#pragma once

#include <map>
#include <set>

#include "tests/sim/invariants/invariant.h"

namespace penstock::sim {

class Sights final : public Invariant {
 public:
  using Invariant::Invariant;
  std::string_view name() const override { return "sights"; }

  void started(const ReplicaView& view, bool intact) override;
  void crashed(raft::NodeId node) override;
  void stepped(const ReplicaView& view) override;
  void sent(GroupNumber group, const broker::PeerMessage& message) override;
  void read_confirmed(const ReplicaView& view, std::uint64_t context, Offset committed) override;

 private:
  void see_leader(const ReplicaView& view);
  void see_membership(const ReplicaView& view);

  struct Group {
    Term term{0};  // highest one with a leader
    raft::NodeId leader;
    raft::Membership membership;  // of that leader
    std::map<Term, std::set<raft::NodeId>> candidates;
  };
  std::map<GroupNumber, Group> groups_;
  std::map<std::pair<GroupNumber, raft::NodeId>, std::uint64_t> refused_;
};

}  // namespace penstock::sim
