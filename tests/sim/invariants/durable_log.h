// What a log calls durable lies on its disk: a power cut at this very moment, whatever else it took
// along, would leave all of it.
//
// The simulated disk is looked at whenever a durable end has moved: what is new has to be synced,
// its file's name and folder too, and be whole batches. Damaged disks are not looked at: nobody
// promised anything about them.
#pragma once

#include <map>

#include "tests/sim/invariants/invariant.h"

namespace penstock::sim {

class DurableLog final : public Invariant {
 public:
  using Invariant::Invariant;
  std::string_view name() const override { return "durable-log"; }

  void started(const ReplicaView& view, bool intact) override;
  void stepped(const ReplicaView& view) override;
  void trashed(raft::NodeId node, GroupNumber group, Gone /*why*/) override {
    seen_.erase({node, group});
  }

 private:
  // Up to where the log was found on the disk: `position` bytes into that segment.
  struct Place {
    Offset segment;
    std::uint64_t position = 0;
    Offset end;
  };
  void look(const ReplicaView& view);
  // Goes on in the segment that `place` is in, up to its end or that of what is durable.
  bool look_into(const ReplicaView& view, const storage::Log::SegmentInfo& segment, Place& place);

  std::map<std::pair<raft::NodeId, GroupNumber>, Place> seen_;
};

}  // namespace penstock::sim
