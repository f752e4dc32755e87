#include "broker/raft/types.h"

#include <algorithm>

namespace penstock::raft {
namespace {

bool holds(const std::vector<NodeId>& sorted, NodeId node) {
  return std::ranges::binary_search(sorted, node);
}

void list(std::string& text, const char* name, const std::vector<NodeId>& nodes) {
  if (nodes.empty()) return;
  if (!text.empty()) text += ' ';
  text += name;
  text += '=';
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (i > 0) text += ',';
    text += std::to_string(nodes[i].value());
  }
}

}  // namespace

bool Membership::is_voter(NodeId node) const {
  return holds(voters, node) || holds(outgoing, node);
}

bool Membership::contains(NodeId node) const { return is_voter(node) || holds(learners, node); }

std::vector<NodeId> Membership::everyone() const {
  std::vector<NodeId> all = voters;
  all.insert(all.end(), outgoing.begin(), outgoing.end());
  all.insert(all.end(), learners.begin(), learners.end());
  std::ranges::sort(all);
  const auto repeated = std::ranges::unique(all);
  all.erase(repeated.begin(), repeated.end());
  return all;
}

const char* to_string(Role role) {
  switch (role) {
    case Role::kFollower:
      return "follower";
    case Role::kPreCandidate:
      return "pre-candidate";
    case Role::kCandidate:
      return "candidate";
    case Role::kLeader:
      return "leader";
  }
  return "?";
}

std::string to_string(NodeId node) {
  return node == kNobody ? "nobody" : "n" + std::to_string(node.value());
}

std::string to_string(const LogPoint& point) {
  return "(t" + std::to_string(point.term.value()) + ", " + std::to_string(point.end.value()) + ")";
}

std::string to_string(const Membership& membership) {
  std::string text;
  list(text, "voters", membership.voters);
  list(text, "outgoing", membership.outgoing);
  list(text, "learners", membership.learners);
  return text.empty() ? "nobody" : text;
}

// "[10, 14)", with the terms when there is more than one: "[10, 14) t2@10,t3@12".
std::string to_string(const EntryRange& range) {
  std::string text =
      "[" + std::to_string(range.begin.value()) + ", " + std::to_string(range.end.value()) + ")";
  if (range.runs.size() > 1) {
    const char* before = " ";
    for (const TermRun& run : range.runs) {
      text += before;
      text += "t" + std::to_string(run.term.value()) + "@" + std::to_string(run.begin.value());
      before = ",";
    }
  }
  for (const PlacedMembership& placed : range.memberships) {
    text +=
        " members@" + std::to_string(placed.at.value()) + "(" + to_string(placed.membership) + ")";
  }
  return text;
}

}  // namespace penstock::raft
