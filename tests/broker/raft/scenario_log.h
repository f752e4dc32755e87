// The log of one scenario node: batches without bytes, once as written and once as it is on disk.
//
// Invariants: batches are contiguous from start.end on. A batch has a number that no other proposal
// shares, so that "the same record" can be told from "a record at the same place".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/raft/group.h"

namespace penstock::raft {

struct ScenarioBatch {
  Offset begin;
  Offset end;
  Term term;
  std::uint64_t bytes = 0;
  std::uint64_t content = 0;
  std::optional<Membership> membership;
  friend bool operator==(const ScenarioBatch&, const ScenarioBatch&) = default;
};

struct LogImage {
  LogPoint start;
  Membership base;  // in effect at `start`
  std::vector<ScenarioBatch> batches;

  Offset end() const { return batches.empty() ? start.end : batches.back().end; }
  bool is_boundary(Offset offset) const;
  // The batch that ends at `end`, or null.
  const ScenarioBatch* ending_at(Offset end) const;
  std::vector<ScenarioBatch> between(Offset from, Offset to) const;
  void cut(Offset end);
  void drop_below(Offset begin);
  // True when `batch` is here, or was here before the beginning was removed.
  bool holds(const ScenarioBatch& batch) const;
  // What a shell would find when it opens the log.
  Restored restored(const HardState& hard_state, Offset damaged_until) const;
  // "[0, 9) t1:[0, 5) t2:[5, 9) voters=1,2 @4".
  std::string to_string() const;
  friend bool operator==(const LogImage&, const LogImage&) = default;
};

// What consensus is told about batches that begin at `begin`.
EntryRange range_of(Offset begin, const std::vector<ScenarioBatch>& batches);

// End of the longest prefix that both images hold.
Offset common_end(const LogImage& a, const LogImage& b);

}  // namespace penstock::raft
