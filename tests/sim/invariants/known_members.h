// A replica that comes back from its disk believes in the last membership that its log holds.
#pragma once

#include <optional>

#include "broker/host/control_batch.h"
#include "protocol/record/batch.h"
#include "tests/sim/invariants/invariant.h"

namespace penstock::sim {

class KnownMembers final : public Invariant {
 public:
  using Invariant::Invariant;
  std::string_view name() const override { return "known-members"; }

  void started(const ReplicaView& view, bool intact) override {
    if (!intact) return;
    const std::optional<raft::Membership> last = last_in_log(view);
    if (!last || *last == view.replica.group().membership()) return;
    violated(to_string(view.node) + " group " + std::to_string(view.group) + " comes back with " +
             to_string(view.replica.group().membership()) + ", its log says " + to_string(*last));
  }

 private:
  // None: the log holds no membership, or cannot be read now.
  static std::optional<raft::Membership> last_in_log(const ReplicaView& view) {
    std::optional<raft::Membership> last;
    broker::Replica& replica = view.replica;
    for (Offset at = replica.log_start(); at < replica.log_end();) {
      const auto read = replica.read(at, 1U << 20, replica.log_end(), false);
      if (!read) return std::nullopt;
      for (ByteView rest = read->batches.view(); !rest.empty();) {
        const auto batch = record::BatchView::parse(rest);
        if (!batch) return std::nullopt;
        if (batch->is_control()) {
          if (auto found = broker::membership_in(*batch); found && *found) last = **found;
        }
        at = batch->end_offset();
        rest = rest.subspan(batch->size());
      }
    }
    return last;
  }
};

}  // namespace penstock::sim
