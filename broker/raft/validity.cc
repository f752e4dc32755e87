#include "broker/raft/validity.h"

#include <algorithm>
#include <functional>
#include <limits>

#include "broker/raft/limits.h"

namespace penstock::raft {
namespace {

// So that `end + 1` never overflows.
constexpr Offset kLargestOffset{std::numeric_limits<std::int64_t>::max() - 1};

bool is_sensible(Term term) { return term >= kFirstTerm; }

bool is_sensible(Offset offset) { return Offset(0) <= offset && offset <= kLargestOffset; }

bool is_sensible(const LogPoint& point) {
  return is_sensible(point.term) && is_sensible(point.end);
}

bool is_set(const std::vector<NodeId>& nodes) {
  return std::ranges::adjacent_find(nodes, std::greater_equal<>()) == nodes.end() &&
         (nodes.empty() || nodes.front().value() >= 0);
}

bool are_disjoint(const std::vector<NodeId>& a, const std::vector<NodeId>& b) {
  return std::ranges::none_of(a, [&](NodeId node) { return std::ranges::binary_search(b, node); });
}

bool are_runs_of(const std::vector<TermRun>& runs, Offset begin, Offset end) {
  if (begin == end) return runs.empty();
  if (runs.empty() || runs.front().begin != begin || !is_sensible(runs.front().term)) return false;
  for (std::size_t i = 1; i < runs.size(); ++i) {
    if (runs[i].begin <= runs[i - 1].begin || runs[i].term <= runs[i - 1].term) return false;
  }
  return runs.back().begin < end;
}

bool are_placed_in(const std::vector<PlacedMembership>& placed, Offset begin, Offset end) {
  Offset free = begin;
  for (const PlacedMembership& one : placed) {
    if (one.at < free || one.at >= end) return false;
    if (!is_sensible(one.membership) || one.membership.voters.empty()) return false;
    free = one.at + 1;
  }
  return true;
}

bool is_sensible_message(const VoteRequest& m) {
  return m.term > kFirstTerm && is_sensible(m.log) && m.log.term <= m.term;
}

bool is_sensible_message(const VoteReply& m) { return is_sensible(m.term); }

bool is_sensible_message(const AppendRequest& m) {
  if (!is_sensible(m.term) || !is_sensible(m.previous) || !is_sensible(m.range)) return false;
  if (m.previous.term > m.term || m.range.begin != m.previous.end) return false;
  if (!is_sensible(m.commit)) return false;
  return m.range.empty() ||
         (m.range.runs.front().term >= m.previous.term && m.range.runs.back().term <= m.term);
}

bool is_sensible_message(const AppendReply& m) {
  return is_sensible(m.term) && is_sensible(m.durable_end) && is_sensible(m.hint);
}

bool is_sensible_message(const InstallRequest& m) {
  return is_sensible(m.term) && is_sensible(m.start) && m.start.term <= m.term &&
         is_sensible(m.membership);
}

bool is_sensible_message(const InstallReply& m) {
  return is_sensible(m.term) && is_sensible(m.start);
}

bool is_sensible_message(const TimeoutNow& m) { return is_sensible(m.term); }

}  // namespace

bool is_sensible(const Membership& membership) {
  return is_set(membership.voters) && is_set(membership.outgoing) && is_set(membership.learners) &&
         are_disjoint(membership.voters, membership.learners) &&
         membership.voters.size() + membership.outgoing.size() + membership.learners.size() <=
             kMaxMembers;
}

bool is_sensible(const EntryRange& range) {
  return is_sensible(range.begin) && is_sensible(range.end) && range.begin <= range.end &&
         are_runs_of(range.runs, range.begin, range.end) &&
         are_placed_in(range.memberships, range.begin, range.end);
}

bool is_sensible(const Message& message) {
  return std::visit([](const auto& m) { return is_sensible_message(m); }, message);
}

std::string problem_of(const Restored& restored) {
  if (!is_sensible(restored.hard_state.term)) return "the saved term is negative";
  if (!is_sensible(restored.start) || !is_sensible(restored.end)) return "an offset is negative";
  if (restored.end < restored.start.end) return "the log ends before it begins";
  if (!are_runs_of(restored.runs, restored.start.end, restored.end)) {
    return "the terms do not cover the log in ascending order";
  }
  if (!restored.runs.empty() && restored.runs.front().term < restored.start.term) {
    return "the log begins with an older term than what was there before";
  }
  if (!is_sensible(restored.base_membership)) return "the membership below the log is malformed";
  if (!are_placed_in(restored.memberships, restored.start.end, restored.end)) {
    return "a membership in the log is malformed";
  }
  // A damaged log may end below what was committed; a whole one may not.
  if (restored.committed > std::max(restored.end, restored.damaged_until))
    return "more is known as committed than the log holds";
  return {};
}

}  // namespace penstock::raft
