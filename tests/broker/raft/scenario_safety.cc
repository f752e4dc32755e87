#include "tests/broker/raft/scenario_safety.h"

#include <algorithm>

#include "tests/broker/raft/scenario_node.h"

namespace penstock::raft {
namespace {

std::string name_of(const ScenarioBatch& batch) {
  return "[" + std::to_string(batch.begin.value()) + ", " + std::to_string(batch.end.value()) +
         ") of t" + std::to_string(batch.term.value());
}

}  // namespace

ScenarioBatch ScenarioSafety::made_up(Offset begin, Term term, std::uint64_t bytes) {
  const auto found = written_.find({begin, term});
  if (found != written_.end()) return found->second;
  const auto [imagined, is_new] = made_up_.try_emplace({begin, term});
  if (is_new) {
    imagined->second = {.begin = begin,
                        .end = begin + 1,
                        .term = term,
                        .bytes = bytes,
                        .content = next_content(),
                        .membership = {}};
  }
  return imagined->second;
}

void ScenarioSafety::written(NodeId node, const ScenarioBatch& batch) {
  const auto [found, is_new] = written_.try_emplace({batch.begin, batch.term}, batch);
  if (!is_new && found->second != batch) {
    trace_.failure(to_string(node) + " writes a second record at " + name_of(batch));
  }
}

void ScenarioSafety::saved(NodeId node, const HardState& before, const HardState& now) {
  const bool same_term = before.term == now.term;
  if (now.term < before.term) trace_.failure(to_string(node) + " saves an older term");
  if (same_term && before.voted_for != kNobody && before.voted_for != now.voted_for) {
    trace_.failure(to_string(node) + " votes twice in t" + std::to_string(now.term.value()));
  }
}

// A disk that knows a newer term will never vote in the older one again: what follows from the
// older one may leave, late as it is.
void ScenarioSafety::sent(const ScenarioNode& from, const Envelope& envelope) {
  const HardState& saved = from.hard_state();
  const std::string what =
      to_string(from.self()) + " -> " + to_string(envelope.to) + " " + to_string(envelope.message);
  if (const auto* request = std::get_if<VoteRequest>(&envelope.message)) {
    if (request->ballot == Ballot::kPreVote) return;
    if (saved.term == request->term && saved.voted_for != from.self()) {
      trace_.failure("candidacy is not saved: " + what);
    }
  }
  if (const auto* reply = std::get_if<VoteReply>(&envelope.message)) {
    if (reply->ballot == Ballot::kPreVote && reply->granted) return;
    if (reply->granted && saved.term == reply->term && saved.voted_for != envelope.to) {
      trace_.failure("vote is not saved: " + what);
    }
  }
  if (term_of(envelope.message) > saved.term) trace_.failure("term is not saved: " + what);
  if (const auto* reply = std::get_if<AppendReply>(&envelope.message)) {
    if (reply->accepted) check_reply(from, envelope.to, *reply);
  }
}

void ScenarioSafety::check_reply(const ScenarioNode& from, NodeId to, const AppendReply& reply) {
  const std::string what = to_string(from.self()) + " claims " +
                           std::to_string(reply.durable_end.value()) + " to " + to_string(to);
  if (reply.durable_end > common_end(from.disk(), from.log())) {
    trace_.failure(what + ": it is not on its disk");
  }
  const auto leader = nodes_.find(to);
  if (leader == nodes_.end() || !leader->second.is_up()) return;
  const Group& group = leader->second.group();
  if (group.role() != Role::kLeader || group.term() != reply.term) return;
  if (reply.durable_end > common_end(from.log(), leader->second.log())) {
    trace_.failure(what + ": it is not what the leader has");
  }
}

void ScenarioSafety::read_ready(NodeId node, const ReadReady& ready) {
  const auto asked = reads_.find(ready.context);
  if (asked == reads_.end()) {
    trace_.failure(to_string(node) + " answers a read that nobody asked for");
    return;
  }
  asked->second.outcome = std::to_string(ready.committed.value());
  if (ready.committed < asked->second.committed) {
    trace_.failure(to_string(node) + " answers read " + std::to_string(ready.context) +
                   " from the past: " + std::to_string(asked->second.committed.value()) +
                   " was committed before");
  }
}

void ScenarioSafety::check() {
  for (const auto& [id, node] : nodes_) {
    if (!node.is_up()) continue;
    check_log(node);
    check_committed(node);
    check_leader(node);
  }
}

void ScenarioSafety::check_log(const ScenarioNode& node) {
  const Group& group = node.group();
  if (group.is_faulty()) return;
  const std::string name = to_string(node.self());
  if (group.log_end() != node.log().end()) trace_.failure(name + " believes in another log end");
  if (group.log_start() != node.log().start.end) {
    trace_.failure(name + " believes in another log start");
  }
  if (group.durable_end() > common_end(node.disk(), node.log())) {
    trace_.failure(name + " believes " + std::to_string(group.durable_end().value()) +
                   " to be on its disk");
  }
}

void ScenarioSafety::check_leader(const ScenarioNode& node) {
  const Group& group = node.group();
  if (group.role() != Role::kLeader) return;
  const auto [known, is_new] = leaders_.try_emplace(group.term(), node.self());
  if (known->second != node.self()) {
    trace_.failure("two leaders in t" + std::to_string(group.term().value()) + ": " +
                   to_string(known->second) + " and " + to_string(node.self()));
  }
  if (!is_new) return;
  for (const auto& [begin, batch] : committed_) {
    if (!node.log().holds(batch)) {
      trace_.failure(to_string(node.self()) + " leads without committed " + name_of(batch));
    }
  }
}

void ScenarioSafety::check_committed(const ScenarioNode& node) {
  const Offset committed = node.group().committed();
  if (committed > node.log().end()) trace_.failure(to_string(node.self()) + " commits nothing");
  if (committed < node.committed_before()) {
    trace_.failure(to_string(node.self()) + " takes back a commit");
  }
  for (const ScenarioBatch& batch : node.log().between(node.log().start.end, committed)) {
    const auto [known, is_new] = committed_.try_emplace(batch.begin, batch);
    if (known->second != batch) {
      trace_.failure(to_string(node.self()) + " commits " + name_of(batch) +
                     " where others committed " + name_of(known->second));
    }
    if (!is_new) continue;
    committed_end_ = std::max(committed_end_, batch.end);
    if (!on_majorities(node.group().membership(), batch)) {
      trace_.failure(to_string(node.self()) + " commits " + name_of(batch) +
                     " that no majority has on disk");
    }
  }
}

bool ScenarioSafety::on_majorities(const Membership& membership, const ScenarioBatch& batch) const {
  return on_majority(membership.voters, batch) &&
         (membership.outgoing.empty() || on_majority(membership.outgoing, batch));
}

bool ScenarioSafety::on_majority(const std::vector<NodeId>& voters,
                                 const ScenarioBatch& batch) const {
  const auto count = std::ranges::count_if(voters, [&](NodeId voter) {
    const auto node = nodes_.find(voter);
    return node != nodes_.end() && node->second.disk().end() >= batch.end &&
           node->second.disk().holds(batch);
  });
  return 2 * static_cast<std::size_t>(count) > voters.size();
}

void ScenarioSafety::check_faults() {
  for (const auto& [id, node] : nodes_) {
    if (node.is_up() && node.group().is_faulty() && !allowed_faults_.contains(id)) {
      trace_.failure(to_string(id) + " is faulty, and no 'expect faulty' says why");
    }
  }
}

}  // namespace penstock::raft
