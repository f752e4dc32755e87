// A replica that comes back from its disk, or whose log was cut, believes in the last membership
// that its log holds; one whose log begins anew forgets the terms of the old one.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "broker/host/control_batch.h"
#include "protocol/record/batch.h"
#include "tests/sim/invariants/invariant.h"

namespace penstock::sim {

class KnownMembers final : public Invariant {
 public:
  using Invariant::Invariant;
  std::string_view name() const override { return "known-members"; }

  void started(const ReplicaView& view, bool intact) override {
    if (view.replica.log_end() == Offset(0)) {
      first_.try_emplace({view.node, view.group}, view.replica.group().membership());
    }
    if (intact) check(view, "comes back");
  }

  void trashed(raft::NodeId node, GroupNumber group, Gone /*why*/) override {
    first_.erase({node, group});
  }

  void stepped(const ReplicaView& view) override {
    if (view.output == nullptr || view.output->fatal) return;
    if (view.output->truncated_to && view.intact) check(view, "goes on after a cut");
    if (view.output->was_reset &&
        view.replica.group().end_of_term(raft::kFirstTerm).end < view.replica.log_start()) {
      violated(to_string(view.node) + " remembers terms of a log that it gave up");
    }
  }

 private:
  void check(const ReplicaView& view, std::string_view when) {
    const auto found = last_in_log(view);
    if (!found) return;  // a disk that fails in this read has shown nothing
    std::optional<raft::Membership> last = *found;
    if (!last && view.replica.log_start() == Offset(0) &&
        first_.contains({view.node, view.group})) {
      last = first_.at({view.node, view.group});
    }
    if (!last || *last == view.replica.group().membership()) return;
    violated(to_string(view.node) + " group " + std::to_string(view.group) + " " +
             std::string(when) + " with " + to_string(view.replica.group().membership()) +
             ", its log says " + to_string(*last));
  }

  // None: the log holds no membership. An error: it cannot be read now.
  static Result<std::optional<raft::Membership>> last_in_log(const ReplicaView& view) {
    std::optional<raft::Membership> last;
    broker::Replica& replica = view.replica;
    for (Offset at = replica.log().log_start(); at < replica.log_end();) {
      PENSTOCK_TRY_ASSIGN(const auto read,
                          replica.log().read(at, 1U << 20, storage::ReadUpTo::kEnd));
      for (ByteView rest = read.batches.view(); !rest.empty();) {
        PENSTOCK_TRY_ASSIGN(const auto batch, record::BatchView::parse(rest));
        if (batch.is_control()) {
          if (auto placed = broker::membership_in(batch); placed && *placed) last = **placed;
        }
        at = batch.end_offset();
        rest = rest.subspan(batch.size());
      }
    }
    return last;
  }

  std::map<std::pair<raft::NodeId, GroupNumber>, raft::Membership> first_;  // before any change
};

}  // namespace penstock::sim
