// A read index that was confirmed covers every record whose acknowledgement a client had when the
// read was asked for, whoever answers: a deposed leader that does not know it yet confirms nothing.
#pragma once

#include <algorithm>
#include <map>
#include <set>

#include "tests/sim/invariants/invariant.h"

namespace penstock::sim {

class FreshReads final : public Invariant {
 public:
  using Invariant::Invariant;
  std::string_view name() const override { return "fresh-reads"; }

  void acknowledged(GroupNumber group, BatchName /*batch*/, Offset at) override {
    Offset& last = acknowledged_[group];
    last = std::max(last, at + 1);
  }

  void read_asked(GroupNumber group, std::uint64_t context) override {
    asked_[context] = acknowledged_[group];
    asked_in_.insert(group);
  }

  void read_confirmed(const ReplicaView& view, std::uint64_t context, Offset committed) override {
    if (!asked_in_.contains(view.group)) return;  // the host of a state machine asks
    const auto asked = asked_.find(context);
    if (asked == asked_.end()) return violated("a read was confirmed that nobody asked for");
    if (committed >= asked->second) return;
    violated(to_string(view.node) + " group " + std::to_string(view.group) +
             ": a read is confirmed at " + std::to_string(committed.value()) + ", and offset " +
             std::to_string(asked->second.value() - 1) + " was acknowledged before");
  }

 private:
  std::map<GroupNumber, Offset> acknowledged_;  // behind the first record of the last such batch
  std::map<std::uint64_t, Offset> asked_;
  std::set<GroupNumber> asked_in_;
};

}  // namespace penstock::sim
