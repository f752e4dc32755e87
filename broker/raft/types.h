// The nouns of consensus: who takes part, and what a log looks like to it.
//
// A replicated log is a sequence of batches in one offset space. Consensus sees no bytes: to it a
// log is its start, its end, and the runs of terms between them. Every position here is a batch
// boundary and every end is exclusive. Reference: D. Ongaro, "Consensus: Bridging Theory and
// Practice", 2014; where we differ: docs/raft.md.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/types.h"

namespace penstock::raft {

// A broker with the disk it had when it joined. A broker whose disk was wiped joins under a new
// number, so a NodeId never forgets a vote. -1: nobody.
class NodeId {
 public:
  constexpr NodeId() = default;
  constexpr explicit NodeId(std::int32_t value) : value_(value) {}
  constexpr std::int32_t value() const { return value_; }
  friend constexpr auto operator<=>(NodeId, NodeId) = default;

 private:
  std::int32_t value_ = -1;
};

inline constexpr NodeId kNobody{};

// Terms begin at 0 for a group in which nobody was ever elected.
inline constexpr Term kFirstTerm{0};

// What a node must never forget: saved atomically, before any message that follows from it leaves.
struct HardState {
  Term term = kFirstTerm;
  NodeId voted_for = kNobody;  // in `term`
  friend bool operator==(const HardState&, const HardState&) = default;
};

// A point in a log together with the term of the record before it. Two logs that agree on one hold
// the same records below it (log matching). The order is Raft's "at least as up to date".
struct LogPoint {
  Term term = kFirstTerm;
  Offset end;
  friend constexpr auto operator<=>(const LogPoint&, const LogPoint&) = default;
};

// Everything that was committed at `at_ms` lies below `commit`.
struct CommitNews {
  std::int64_t at_ms;
  Offset commit;
};

// Records [begin, begin of the next run or end of the log) were appended under `term`.
struct TermRun {
  Term term;
  Offset begin;
  friend bool operator==(const TermRun&, const TermRun&) = default;
};

// Who takes part. All lists sorted and without repetition; voters and learners are disjoint.
// While `outgoing` is not empty the membership is joint: decisions need a majority of `voters` and
// a majority of `outgoing`.
struct Membership {
  std::vector<NodeId> voters;
  std::vector<NodeId> outgoing;
  std::vector<NodeId> learners;

  bool is_joint() const { return !outgoing.empty(); }
  bool is_voter(NodeId node) const;  // of either majority
  bool contains(NodeId node) const;
  std::vector<NodeId> everyone() const;  // sorted
  friend bool operator==(const Membership&, const Membership&) = default;
};

// A membership takes effect where its batch is appended, and goes when that batch is truncated.
struct PlacedMembership {
  Offset at;  // offset of its control batch; it covers [at, at + 1)
  Membership membership;
  friend bool operator==(const PlacedMembership&, const PlacedMembership&) = default;
};

// What the batches of one append look like to consensus.
struct EntryRange {
  Offset begin;
  Offset end;
  std::vector<TermRun> runs;  // the first begins at `begin`; empty only when begin == end
  std::vector<PlacedMembership> memberships;  // ascending
  std::uint64_t bytes = 0;                    // on disk and on the wire

  bool empty() const { return begin == end; }
  friend bool operator==(const EntryRange&, const EntryRange&) = default;
};

enum class Role : std::uint8_t { kFollower, kPreCandidate, kCandidate, kLeader };
const char* to_string(Role role);

// For traces and scenario scripts: "n1", "(t3, 120)", "voters=1,2,3 learners=4".
std::string to_string(NodeId node);
std::string to_string(const LogPoint& point);
std::string to_string(const Membership& membership);
std::string to_string(const EntryRange& range);

}  // namespace penstock::raft
