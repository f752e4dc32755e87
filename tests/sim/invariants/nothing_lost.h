// Wherever a partition was moved to, all that was acknowledged is still there in the end: whoever
// leads it then holds every acknowledged batch that nobody asked to delete.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tests/sim/invariants/invariant.h"

namespace penstock::sim {

class NothingLost final : public Invariant {
 public:
  using Invariant::Invariant;
  std::string_view name() const override { return "nothing-lost"; }

  void acknowledged(GroupNumber group, BatchName, Offset at) override {
    Offset& last = acknowledged_[group];
    last = std::max(last, at);
    ++count_[group];
  }
  void deletion_asked(GroupNumber group, Offset before) override {
    Offset& allowed = may_begin_at_[group];
    allowed = std::max(allowed, before);
  }
  void rested(const std::vector<ReplicaView>& members) override {
    for (const ReplicaView& member : members) {
      const std::string who = to_string(member.node) + " group " + std::to_string(member.group);
      if (count_[member.group] > 0 && member.replica.committed() <= acknowledged_[member.group]) {
        violated(who + " ends at " + std::to_string(member.replica.committed().value()) +
                 ", acknowledged was " + std::to_string(acknowledged_[member.group].value()));
      }
      if (member.group_is_metadata) continue;  // begins behind its snapshots
      if (member.replica.log_start() > may_begin_at_[member.group]) {
        violated(who + " begins at " + std::to_string(member.replica.log_start().value()) +
                 ", and nobody asked for that");
      }
    }
  }

 private:
  std::map<GroupNumber, Offset> acknowledged_;
  std::map<GroupNumber, std::uint64_t> count_;
  std::map<GroupNumber, Offset> may_begin_at_;
};

}  // namespace penstock::sim
