#include "broker/raft/follower.h"

#include <algorithm>

#include "base/mutant.h"
namespace penstock::raft {
namespace {

// Takes `from` for the leader of `term`, which is not older than ours. False: that cannot be.
bool follow(Core& core, NodeId from, Term term) {
  if (term == core.hard.term) {
    if (core.is_leading()) {
      core.fault(to_string(from) + " leads the term that this node leads");
      return false;
    }
    if (core.leader != kNobody && core.leader != from) {
      core.fault(to_string(from) + " leads the term that " + to_string(core.leader) + " leads");
      return false;
    }
  }
  if (term > core.hard.term || core.role != Role::kFollower || core.leader != from) {
    core.become_follower(term, from);
  }
  core.leader_heard_ms = core.now_ms;
  core.restart_election_timer();
  return true;
}

void refuse_older(Core& core, NodeId from, std::uint64_t round) {
  core.send(from, AppendReply{.term = core.hard.term,
                              .accepted = false,
                              .round = round,
                              .durable_end = {},
                              .hint = {}});
}

void refuse(Core& core, NodeId from, const AppendRequest& request) {
  LogPoint hint = core.log.end_of_term(request.previous.term);
  if (hint.end > request.previous.end) hint = core.log.point_at(request.previous.end);
  core.send(from, AppendReply{.term = core.hard.term,
                              .accepted = false,
                              .round = request.round,
                              .durable_end = {},
                              .hint = hint});
}

// This node's log equals the leader's below `end`, and `commit` is the leader's.
void agree(Core& core, Offset end, Offset commit, std::uint64_t round) {
  core.matched = std::max(core.matched, std::min(end, core.log.end()));
  core.round_seen = std::max(core.round_seen, round);
  core.commit_to(
      std::min(commit, mutant(Mutant::kCommitsBeyondAgreement) ? core.log.end() : core.matched));
  reply_accepted(core);
}

}  // namespace

void reply_accepted(Core& core) {
  core.send(core.leader, AppendReply{.term = core.hard.term,
                                     .accepted = true,
                                     .round = core.round_seen,
                                     .durable_end = core.reported(),
                                     .hint = {}});
}

void handle(Core& core, NodeId from, const AppendRequest& request) {
  if (request.term < core.hard.term && !mutant(Mutant::kFollowsOlderTerms)) {
    refuse_older(core, from, request.round);
    return;
  }
  if (!follow(core, from, request.term)) return;
  core.told = CommitNews{core.now_ms, request.commit};
  const LogPoint& previous = request.previous;
  const EntryRange& range = request.range;
  if (previous.end > core.committed && !core.log.contains(previous)) {
    refuse(core, from, request);
    return;
  }
  const bool is_held = core.log.start().end <= previous.end;
  if (previous.end <= core.committed && is_held && !core.log.contains(previous)) {
    core.fault("the leader's log differs below the commit point, at " + to_string(previous));
    return;
  }
  const std::optional<Offset> difference =
      mutant(Mutant::kKeepsConflictingTail) ? std::nullopt : core.log.first_difference(range);
  if (difference && *difference < core.committed) {
    core.fault("the leader would cut committed records, at " + std::to_string(difference->value()));
    return;
  }
  if (!difference && range.end <= core.log.end()) {
    agree(core, range.end, request.commit, request.round);
    return;
  }
  const Offset from_here = difference.value_or(core.log.end());
  core.output.accept = Accept{.from = from,
                              .truncate_to = difference,
                              .append_from = from_here,
                              .range = tail_of(range, from_here),
                              .request = request};
}

Status follower_accepted(Core& core, const Accept& accept) {
  const Offset end = accept.truncate_to.value_or(core.log.end());
  const bool fits = !core.is_leading() && end >= core.committed && end <= core.log.end() &&
                    accept.append_from == end && accept.range.begin == end;
  if (!fits) {
    // The shell has written it: what the disk holds is no longer what this core knows.
    core.fault("an append was carried out after another input: " + to_string(accept.range));
    return fail(Errc::kInvalidArgument, "the append no longer fits the log");
  }
  if (accept.truncate_to) {
    core.log.truncate(end);
    core.matched = std::min(core.matched, end);
  }
  core.log.append(accept.range);
  if (core.leader == accept.from && core.hard.term == accept.request.term) {
    agree(core, accept.range.end, accept.request.commit, accept.request.round);
  }
  return {};
}

void handle(Core& core, NodeId from, const InstallRequest& request) {
  if (request.term < core.hard.term && !mutant(Mutant::kFollowsOlderTerms)) {
    refuse_older(core, from, 0);
    return;
  }
  if (!follow(core, from, request.term)) return;
  const LogPoint& start = request.start;
  if (start.end > core.committed && !core.log.contains(start)) {
    core.output.reset = request;
    return;
  }
  core.matched = std::max(core.matched, start.end);
  if (core.log.durable_end() >= start.end) {
    core.send(from, InstallReply{.term = core.hard.term, .start = start});
  } else {
    reply_accepted(core);
  }
}

Status follower_was_reset(Core& core, const InstallRequest& install) {
  if (core.is_leading() || install.start.end < core.committed) {
    core.fault("a log was given up after another input, at " + to_string(install.start));
    return fail(Errc::kInvalidArgument, "the log no longer asked for a reset");
  }
  core.log.reset(install.start, install.membership);
  core.commit_to(install.start.end);
  core.matched = install.start.end;
  if (core.hard.term == install.term && core.leader != kNobody) {
    core.send(core.leader, InstallReply{.term = install.term, .start = install.start});
  }
  return {};
}

}  // namespace penstock::raft
