// What must never happen, checked where it would.
#include <algorithm>

#include "random_world.h"

namespace penstock::raft::random_world {

void RandomWorld::broken(const std::string& what) {
  if (!violation_.empty()) return;
  violation_ = "seed " + std::to_string(seed_) + " at " + std::to_string(now_ms_) + " ms: " + what;
  for (const Node& each : nodes_) {
    violation_ += "\n  " + (each.group ? each.group->describe() : to_string(each.id) + " is down");
  }
}

// Nothing leaves a node that its disk does not back.
void RandomWorld::judge_message(const Node& at, const Envelope& envelope) {
  const auto* request = std::get_if<VoteRequest>(&envelope.message);
  const auto* vote = std::get_if<VoteReply>(&envelope.message);
  const bool is_question = (request != nullptr && request->ballot == Ballot::kPreVote) ||
                           (vote != nullptr && vote->ballot == Ballot::kPreVote && vote->granted);
  const Term term = term_of(envelope.message);
  if (!is_question && at.hard.term < term) {
    broken(to_string(at.id) + " speaks of an unsaved term: " + to_string(envelope.message));
  }
  if (vote != nullptr && vote->ballot == Ballot::kVote && vote->granted && at.hard.term == term &&
      at.hard.voted_for != envelope.to) {
    broken(to_string(at.id) + " sends a vote that is not saved");
  }
  const auto* reply = std::get_if<AppendReply>(&envelope.message);
  if (reply != nullptr && reply->accepted && reply->durable_end > at.log.durable) {
    broken(to_string(at.id) + " acknowledges what is not on its disk");
  }
}

// Election safety and leader completeness.
void RandomWorld::judge_leader(Node& at) {
  if (at.group->role() != Role::kLeader || at.led == at.group->term()) return;
  at.led = at.group->term();
  ++seen_.elections;
  const auto [it, first] = leaders_.emplace(at.led, at.id);
  if (!first) broken("two leaders of one term, or one twice");
  if (at.hard != HardState{at.led, at.id}) broken(to_string(at.id) + " leads by an unsaved vote");
  if (at.log.end() < Offset(static_cast<std::int64_t>(decided_.size()))) {
    broken(to_string(at.id) + " leads without committed records");
    return;
  }
  for (auto i = static_cast<std::size_t>(at.log.start.end.value()); i < decided_.size(); ++i) {
    const Offset offset(static_cast<std::int64_t>(i));
    if (at.log.at(offset) != decided_[i]) broken(to_string(at.id) + " leads with other records");
  }
}

// State-machine safety, and that the commit point only grows.
void RandomWorld::judge_commit(Node& at) {
  const Offset committed = at.group->committed();
  if (committed == at.committed_seen) return;
  if (committed < at.committed_seen) broken("the commit point went back on " + to_string(at.id));
  const bool is_news = committed > Offset(static_cast<std::int64_t>(decided_.size()));
  for (Offset o = std::max(at.committed_seen, at.log.start.end); o < committed; o = o + 1) {
    const auto index = static_cast<std::size_t>(o.value());
    if (index == decided_.size()) decided_.push_back(at.log.at(o));
    if (index > decided_.size()) return broken("a commit that nobody saw before it");
    if (decided_[index] != at.log.at(o)) {
      return broken(to_string(at.id) + " commits another record at " + std::to_string(index));
    }
  }
  at.committed_seen = committed;
  if (!is_news) return;
  ++seen_.commits;
  if (at.group->role() == Role::kLeader) judge_durable_majority(at, committed);
}

void RandomWorld::judge_durable_majority(const Node& leader, Offset committed) {
  const auto holders = [&](const std::vector<NodeId>& voters) {
    std::size_t count = 0;
    for (NodeId id : voters) {
      const RandomLog& log = node(id).log;
      const bool is_there =
          log.start.end >= committed ||
          (log.durable >= committed && log.at(committed - 1) == leader.log.at(committed - 1));
      count += is_there ? 1 : 0;
    }
    return count > voters.size() / 2;
  };
  // The membership may have changed by the very step that committed: the one before counted.
  const Membership& now = *leader.log.membership_at(leader.log.end());
  if (!holders(now.voters) || (now.is_joint() && !holders(now.outgoing))) {
    broken(to_string(leader.id) + " commits what no majority has on disk");
  }
}

// Log matching: equal (term, offset) means equal everything below.
void RandomWorld::judge_logs() {
  for (std::size_t a = 0; a < nodes_.size(); ++a) {
    for (std::size_t b = a + 1; b < nodes_.size(); ++b) {
      const RandomLog& one = nodes_[a].log;
      const RandomLog& two = nodes_[b].log;
      const Offset begin = std::max(one.start.end, two.start.end);
      bool must_match = false;
      for (Offset o = std::min(one.end(), two.end()); o > begin; o = o - 1) {
        must_match = must_match || one.at(o - 1).term == two.at(o - 1).term;
        if (must_match && one.at(o - 1) != two.at(o - 1)) {
          return broken("logs differ below a common point, at " + std::to_string(o.value() - 1));
        }
      }
    }
  }
}

}  // namespace penstock::raft::random_world
