#include "broker/raft/election.h"

#include <algorithm>
#include <limits>

#include "base/mutant.h"
#include "broker/raft/quorum.h"
#include "broker/raft/replication.h"

namespace penstock::raft {
namespace {

bool has_won(const Core& core) {
  return decides(core.log.membership(), [&](NodeId node) {
    return std::ranges::find(core.votes, node) != core.votes.end();
  });
}

void count_vote(Core& core, NodeId voter) {
  if (std::ranges::find(core.votes, voter) == core.votes.end()) core.votes.push_back(voter);
  if (!has_won(core)) return;
  if (core.role == Role::kPreCandidate) {
    ask_for_votes(core, Cause::kPreVotesWon);
  } else {
    become_leader(core);
  }
}

void ask_everyone(Core& core, const VoteRequest& request) {
  for (NodeId node : core.log.membership().everyone()) {
    if (node != core.self && core.log.membership().is_voter(node)) core.send(node, request);
  }
}

// Raft's "at least as up to date"; and a node that lost what it once acknowledged does not take its
// own short log for the measure.
bool is_log_good_enough(const Core& core, const LogPoint& candidates) {
  if (mutant(Mutant::kVotesForShorterLogs)) return true;
  if (mutant(Mutant::kVotesDespiteDamage)) return candidates >= core.log.last();
  return candidates >= core.log.last() && candidates >= core.once_had &&
         candidates.end >= core.damaged_until;
}

// A voter; or one until the latest membership in its log, which may be uncommitted: this node may
// be the only one that holds it and yet be needed for it to be committed (thesis, 4.2.2).
bool is_needed(const Core& core) {
  const LogShape& log = core.log;
  if (log.membership().is_voter(core.self)) return true;
  if (log.membership_end() <= core.committed) return false;
  return log.membership_at(log.membership_end() - 1).is_voter(core.self);
}

// A replica that a broker holds for the first time, or again: it knows no member of the group,
// hence cannot know whether its own past gave a vote that this one would contradict.
bool knows_members(const Core& core) { return !core.log.membership().voters.empty(); }

bool answer_pre_vote(const Core& core, const VoteRequest& request) {
  return request.term > core.hard.term && knows_members(core) &&
         is_log_good_enough(core, request.log);
}

bool answer_vote(Core& core, NodeId from, const VoteRequest& request) {
  if (request.term < core.hard.term || !knows_members(core)) return false;
  const bool has_voted = core.hard.voted_for != kNobody && core.hard.voted_for != from;
  if (has_voted && !mutant(Mutant::kVotesTwice)) return false;
  if (!is_log_good_enough(core, request.log)) return false;
  core.set_hard({core.hard.term, from});
  core.set_role(Role::kFollower, core.leader);
  core.restart_election_timer();
  return true;
}

}  // namespace

bool may_campaign(const Core& core) {
  const bool is_whole = core.damaged_until == Offset(0) || mutant(Mutant::kVotesDespiteDamage);
  // Who lacks what it once had, or what others had when it came, knows old memberships at best.
  const bool is_level = core.once_had == LogPoint{};
  return is_needed(core) && is_whole && is_level &&
         (!core.is_flush_stalled() || is_sole_voter(core));
}

bool is_sole_voter(const Core& core) {
  const Membership& membership = core.log.membership();
  return !membership.is_joint() && membership.voters.size() == 1 &&
         membership.voters.front() == core.self;
}

std::int64_t election_deadline_ms(const Core& core) {
  if (!may_campaign(core) && core.leader == kNobody) {
    // Nothing to do, except that a disk which stalls may recover.
    return core.flush_since_ms ? core.election_due_ms : std::numeric_limits<std::int64_t>::max();
  }
  if (is_sole_voter(core) && core.role == Role::kFollower && core.leader == kNobody &&
      core.hard == core.saved) {
    return core.now_ms;
  }
  return core.election_due_ms;
}

void election_tick(Core& core) {
  if (core.now_ms < election_deadline_ms(core)) return;
  if (may_campaign(core)) {
    ask_for_pre_votes(core);
  } else {
    core.votes.clear();
    core.set_role(Role::kFollower, kNobody);
    core.restart_election_timer();
  }
}

void ask_for_pre_votes(Core& core) {
  if (mutant(Mutant::kNoPreVote)) return ask_for_votes(core, Cause::kPreVotesWon);
  if (core.hard.term.value() == std::numeric_limits<std::int32_t>::max()) {
    core.fault("no term is left");
    return;
  }
  core.votes.clear();
  core.set_role(Role::kPreCandidate, kNobody);
  core.restart_election_timer();
  const VoteRequest request{.ballot = Ballot::kPreVote,
                            .term = Term(core.hard.term.value() + 1),
                            .log = core.log.last(),
                            .transfer = false};
  ask_everyone(core, request);
  count_vote(core, core.self);
}

void ask_for_votes(Core& core, Cause cause) {
  if (core.hard.term.value() == std::numeric_limits<std::int32_t>::max()) {
    core.fault("no term is left");
    return;
  }
  core.votes.clear();
  core.set_hard({Term(core.hard.term.value() + 1), core.self});
  core.set_role(Role::kCandidate, kNobody);
  core.output.role_changed = true;
  core.restart_election_timer();
  const VoteRequest request{.ballot = Ballot::kVote,
                            .term = core.hard.term,
                            .log = core.log.last(),
                            .transfer = cause == Cause::kTransfer};
  ask_everyone(core, request);
}

void own_vote_saved(Core& core) {
  if (core.role == Role::kCandidate && core.hard.voted_for == core.self) {
    count_vote(core, core.self);
  }
}

void handle(Core& core, NodeId from, const VoteRequest& request) {
  if (!request.transfer && core.hears_leader()) return;
  const bool is_real = request.ballot == Ballot::kVote;
  if (is_real && request.term > core.hard.term) core.become_follower(request.term, kNobody);
  const bool granted = is_real ? answer_vote(core, from, request) : answer_pre_vote(core, request);
  core.send(from, VoteReply{.ballot = request.ballot,
                            .term = granted ? request.term : core.hard.term,
                            .granted = granted});
}

void handle(Core& core, NodeId from, const VoteReply& reply) {
  if (!reply.granted) {
    if (reply.term > core.hard.term) core.become_follower(reply.term, kNobody);
    return;
  }
  if (!core.log.membership().is_voter(from)) return;
  const bool counts =
      reply.ballot == Ballot::kPreVote
          ? core.role == Role::kPreCandidate && reply.term.value() == core.hard.term.value() + 1
          : core.role == Role::kCandidate && reply.term == core.hard.term;
  if (counts) count_vote(core, from);
}

}  // namespace penstock::raft
