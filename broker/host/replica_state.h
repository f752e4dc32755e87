// ReplicaState: what a replica must know of its log and cannot read off its end: who takes part.
//
// Invariants: `placed` ascends; the file lists at least every membership that is in the log (it is
// written before a membership is appended, and may keep ones that were truncated since), so a log
// is opened without reading all of it: entries that the log does not confirm are dropped. Before
// the log start moves, the file holds nothing that was truncated. Format: docs/storage_format.md,
// "Replica state". Failure: a file that fails its checksum is lost (kCorrupt); the memberships are
// then looked for in the whole log. kForeignData for another partition's or version's.
#pragma once

#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "broker/raft/types.h"
#include "storage/options.h"

namespace penstock::broker {

struct ReplicaState {
  // In effect below the first of `placed`; not known when the file was lost after the log's
  // beginning had gone.
  raft::Membership base;
  bool base_is_known = true;
  std::vector<raft::PlacedMembership> placed;
  Offset committed;  // at least
  // The log was lost, as a whole or from some place on: what this node acknowledged in terms up to
  // that one may be missing.
  std::optional<Term> lost_up_to;
  // A log that was written before it was replicated, and where it began then: the term of what was
  // before that counts as the first one.
  std::optional<Offset> adopted_at;

  // Of the tombstones below it the log may lack some: they went by a pass here, or were not sent.
  Offset tombstones_gone_below;

  // Where readers begin, when that is inside of the batch that the log begins with.
  std::optional<Offset> visible_start;

  // How far a log must come again, and in which term that was found out: until then this node is no
  // candidate, and nobody without all of it gets a vote.
  struct Measure {
    Term in;
    raft::LogPoint had;
    friend bool operator==(const Measure&, const Measure&) = default;
  };
  // The log was cut because what followed was damaged: what this node had until then.
  std::optional<Measure> cut;
  // This node began with nothing in a group that others had begun: what its leader had then.
  std::optional<Measure> joined;
  // The larger one of both; nothing when there is none.
  raft::LogPoint measure() const;

  // The log is about to be reset to that point, or was and the file does not know it yet.
  struct Reset {
    raft::LogPoint start;
    raft::Membership membership;
    friend bool operator==(const Reset&, const Reset&) = default;
  };
  std::optional<Reset> reset;

  // The log no longer holds anything at or behind `from`.
  void truncate(Offset from);
  // The log begins at `start` now: what was placed below becomes the base.
  void fold_below(Offset start);
  // Whether both say the same, but for `committed`, which is only a hint.
  bool lists_as(const ReplicaState& other) const;

  friend bool operator==(const ReplicaState&, const ReplicaState&) = default;
};

Bytes encode(const ReplicaState& state, const storage::LogIdentity& identity);
Result<ReplicaState> decode_replica_state(ByteView file, const storage::LogIdentity& identity);
// Whosever it is.
Result<ReplicaState> decode_replica_state(ByteView file);

}  // namespace penstock::broker
