// What consensus knows of the log on this node: where it begins and ends, which terms it holds,
// which memberships, and how much of it is on the disk.
//
// Invariants: start().end <= durable_end() <= end(), except that a log which was trimmed past what
// is durable has durable_end() == start().end; terms of runs ascend strictly; a truncation or a
// reset changes version(), so that a flush which began before it is told from a later one (etcd's
// append ABA race: the same end can name other records).
// Threads: one at a time. Failure: preconditions are asserted; callers check what came from outside
// with validity.h first.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "broker/raft/types.h"

namespace penstock::raft {

class LogShape {
 public:
  LogShape() = default;
  // All of it durable.
  LogShape(LogPoint start, std::vector<TermRun> runs, Offset end, Membership base,
           std::vector<PlacedMembership> memberships);

  const LogPoint& start() const { return start_; }
  Offset end() const { return end_; }
  LogPoint last() const { return point_at(end_); }
  Offset durable_end() const { return durable_end_; }
  std::uint64_t version() const { return version_; }

  Term term_at(Offset offset) const;    // offset in [start, end)
  LogPoint point_at(Offset end) const;  // end in [start, end]
  // Last point whose term is <= `term`; start() when there is none.
  LogPoint end_of_term(Term term) const;
  // True when the log holds the same records below `point` as any log that has that point.
  bool contains(const LogPoint& point) const;
  // The terms of [begin, end), which lies in the log.
  std::vector<TermRun> runs_of(Offset begin, Offset end) const;
  // First offset that this log and `range` both hold under different terms. By log matching it is a
  // batch boundary of both.
  std::optional<Offset> first_difference(const EntryRange& range) const;

  const Membership& membership() const;  // of the whole log
  // Offset behind the control batch of membership(); start when it comes from below the log.
  Offset membership_end() const;
  const Membership& membership_at(Offset end) const;  // in effect where a log [.., end) ends

  void append(const EntryRange& range);  // range.begin == end()
  void truncate(Offset to);              // start <= to < end
  void reset(const LogPoint& start, Membership membership);
  void trim(Offset to);  // start <= to <= end
  // Everything below `end` is on the disk; beyond end() counts up to end(). True when it moved.
  bool set_durable(Offset end);

 private:
  std::vector<TermRun>::const_iterator run_of(Offset offset) const;

  LogPoint start_;
  Offset end_;
  Offset durable_end_;
  std::vector<TermRun> runs_;
  Membership base_;
  std::vector<PlacedMembership> memberships_;
  std::uint64_t version_ = 1;
};

// The part of `range` from `from` on; range.begin <= from <= range.end. Its bytes are those of the
// whole when nothing is cut off, and an upper bound otherwise.
EntryRange tail_of(const EntryRange& range, Offset from);

}  // namespace penstock::raft
