// A leader calls committed only what a majority has on its disk, in both majorities while the
// membership is joint, and nothing of an older term by counting; no commit point goes back within
// one life of a node.
//
// "On its disk" is what the node's own log called durable at that time, dead nodes included: what
// they had counts. What copies held that were given up since counts for a leader that was deposed
// meanwhile, and hears only now what others have long committed.
#pragma once

#include <algorithm>
#include <map>

#include "tests/sim/invariants/invariant.h"

namespace penstock::sim {

class DurableMajority final : public Invariant {
 public:
  using Invariant::Invariant;
  std::string_view name() const override { return "durable-majority"; }

  void started(const ReplicaView& view, bool intact) override;
  void stepped(const ReplicaView& view) override;
  void trashed(raft::NodeId node, GroupNumber group, Gone why) override {
    // Others may not know yet, and count what it had.
    if (why == Gone::kTopicDeleted) return;
    Offset& given_up = given_up_[{node, group}];
    given_up = std::max(given_up, durable_[{node, group}]);
    durable_.erase({node, group});
    committed_.erase({node, group});
  }

 private:
  void see_durable(const ReplicaView& view);
  bool majority(const std::vector<raft::NodeId>& voters, GroupNumber group, Offset end) const;

  std::map<std::pair<raft::NodeId, GroupNumber>, Offset> durable_;
  std::map<std::pair<raft::NodeId, GroupNumber>, Offset> given_up_;  // the most a copy ever held
  std::map<GroupNumber, Offset> committed_anywhere_;
  std::map<std::pair<raft::NodeId, GroupNumber>, Offset> committed_;
};

}  // namespace penstock::sim
