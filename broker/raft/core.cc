#include "broker/raft/core.h"

#include <algorithm>
#include <utility>

#include "base/mutant.h"
#include "broker/raft/limits.h"
#include "broker/raft/validity.h"

namespace penstock::raft {

Core::Core(NodeId self_node, const Options& its_options, Restored restored, std::uint64_t seed,
           std::int64_t now)
    : self(self_node),
      options(its_options),
      rng(seed),
      now_ms(now),
      hard(restored.hard_state),
      saved(restored.hard_state),
      damaged_until(restored.damaged_until),
      once_had(restored.once_had) {
  if (std::string problem = problem_of(restored); !problem.empty()) {
    fault("restored state: " + problem);
    return;
  }
  log = LogShape(restored.start, std::move(restored.runs), restored.end,
                 std::move(restored.base_membership), std::move(restored.memberships));
  committed = std::clamp(restored.committed, log.start().end, log.end());
  matched = committed;
  // Batches can reach the disk before the term they came under does.
  const Term floor = std::max(log.last().term, restored.term_floor);
  if (floor > hard.term) set_hard({floor, kNobody});
  restart_election_timer();
}

void Core::send(NodeId to, Message message) {
  Envelope envelope{self, to, std::move(message)};
  if (hard == saved || mutant(Mutant::kSpeaksBeforeSaved)) {
    output.messages.push_back(std::move(envelope));
  } else if (held.size() < kMaxHeldMessages) {
    held.push_back(std::move(envelope));
  }
}

void Core::release_held() {
  for (Envelope& envelope : held) output.messages.push_back(std::move(envelope));
  held.clear();
}

void Core::set_hard(const HardState& state) {
  if (state == hard) return;
  if (state.term != hard.term) {
    // Only what is committed is known to be in the log of whoever leads the new term.
    matched = committed;
    round_seen = 0;
    held.clear();  // what was to be said in the older term is said too late
  }
  hard = state;
  output.save = state;
}

void Core::set_role(Role to, NodeId its_leader) {
  if (role == to && leader == its_leader) return;
  role = to;
  leader = its_leader;
  output.role_changed = true;
}

void Core::become_follower(Term term, NodeId its_leader) {
  if (lead) {
    for (const PendingRead& read : lead->reads) output.reads_failed.push_back(read.context);
    lead.reset();
    // What the shell has not appended yet must not enter the log any more.
    output.control.clear();
    output.reads.clear();
    matched = committed;
  }
  votes.clear();
  if (term > hard.term) {
    set_hard({term, kNobody});
    output.role_changed = true;
  }
  set_role(Role::kFollower, its_leader);
  restart_election_timer();
}

void Core::restart_election_timer() {
  const auto spread =
      static_cast<std::uint64_t>(std::max<std::int64_t>(options.election_timeout_ms, 1));
  election_due_ms =
      now_ms + options.election_timeout_ms + static_cast<std::int64_t>(rng.below(spread));
}

void Core::commit_to(Offset to) {
  if (to <= committed) return;
  committed = to;
  output.committed = to;
}

void Core::fault(std::string what) {
  if (faulty) return;
  faulty = true;
  if (lead) {
    for (const PendingRead& read : lead->reads) output.reads_failed.push_back(read.context);
    lead.reset();
  }
  held.clear();
  // Nothing that was decided in the same breath may be carried out any more.
  output.accept.reset();
  output.reset.reset();
  output.control.clear();
  output.reads.clear();
  output.messages.clear();
  set_role(Role::kFollower, kNobody);
  output.fault = std::move(what);
}

bool Core::is_flush_stalled() const {
  return flush_since_ms && now_ms - *flush_since_ms > options.election_timeout_ms;
}

bool Core::hears_leader() const {
  if (is_leading()) return true;
  return leader != kNobody && now_ms - leader_heard_ms < options.election_timeout_ms;
}

}  // namespace penstock::raft
