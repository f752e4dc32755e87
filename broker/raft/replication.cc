#include "broker/raft/replication.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/mutant.h"
#include "broker/raft/election.h"
#include "broker/raft/limits.h"
#include "broker/raft/membership_change.h"
#include "broker/raft/quorum.h"
#include "broker/raft/read_index.h"
#include "broker/raft/transfer.h"

namespace penstock::raft {
namespace {

// Where a heartbeat to `peer` begins: where it surely fits, or where the question is.
LogPoint heartbeat_point(const Core& core, const Progress& peer) {
  const bool in_doubt =
      peer.mode() != Progress::Mode::kReplicate || peer.is_stalled(core.options, core.now_ms);
  const Offset at = in_doubt ? peer.next() : peer.match();
  return core.log.point_at(std::clamp(at, core.log.start().end, core.log.end()));
}

void send_empty_append(Core& core, NodeId to, Progress& peer) {
  const LogPoint previous = heartbeat_point(core, peer);
  if (peer.mode() != Progress::Mode::kReplicate) {
    peer.probe_sent(core.lead->round, previous.end);
  }
  peer.commit_told(core.committed);
  core.send(
      to, AppendRequest{
              .term = core.hard.term,
              .previous = previous,
              .range = {.begin = previous.end, .end = previous.end, .runs = {}, .memberships = {}},
              .commit = core.committed,
              .round = core.lead->round});
}

void probe(Core& core, NodeId to, Progress& peer, Offset at) {
  peer.begin_probe(at);
  ++core.lead->round;
  send_empty_append(core, to, peer);
}

void install(Core& core, NodeId to, Progress& peer) {
  const LogPoint& start = core.log.start();
  peer.begin_install(start.end,
                     core.now_ms + kInstallPatienceElections * core.options.election_timeout_ms);
  core.send(to, InstallRequest{.term = core.hard.term,
                               .start = start,
                               .membership = core.log.membership_at(start.end)});
}

bool hears_majority(const Core& core) {
  return decides(core.log.membership(), [&](NodeId node) {
    if (node == core.self) return true;
    const auto peer = core.lead->peers.find(node);
    return peer != core.lead->peers.end() &&
           core.now_ms - peer->second.last_heard_ms() <= core.options.election_timeout_ms;
  });
}

bool must_step_down(const Core& core) {
  // A sole voter with a slow disk has nobody to make room for.
  if (core.is_flush_stalled() && !is_sole_voter(core)) return true;
  if (!hears_majority(core)) return true;
  return core.lead->control &&
         core.now_ms - core.lead->control_since_ms > core.options.election_timeout_ms;
}

void forget_committed_bytes(Leadership& lead, Offset committed) {
  while (!lead.uncommitted.empty() && lead.uncommitted.front().first <= committed) {
    lead.uncommitted_bytes -= lead.uncommitted.front().second;
    lead.uncommitted.pop_front();
  }
}

// The member has no `point`: where next? Whole terms are skipped, on the member's side by the hint
// and here by the end of that term.
void step_back(Core& core, NodeId to, Progress& peer, const LogPoint& hint) {
  const LogPoint& start = core.log.start();
  const Offset at = std::min(hint.end, core.log.end_of_term(hint.term).end);
  if (hint.end < start.end || hint.term < start.term || at < start.end) {
    install(core, to, peer);
  } else if (peer.mode() != Progress::Mode::kProbe || at < peer.next()) {
    probe(core, to, peer, at);
  }  // otherwise: no answer of an honest member; the next heartbeat asks again
}

void on_accepted(Core& core, NodeId from, Progress& peer, const AppendReply& reply) {
  const bool moved = peer.acknowledge(reply.durable_end, core.now_ms);
  if (peer.mode() != Progress::Mode::kReplicate) {
    const bool fits = peer.answers_probe(reply.round) || peer.match() >= peer.next();
    if (fits) peer.begin_replicate(std::max(peer.next(), peer.match()), core.lead->round);
  }
  if (moved) advance_commit(core);
  if (!core.is_leading()) return;
  advance_transfer(core);
  serve(core, from);
}

void on_refused(Core& core, NodeId from, Progress& peer, const AppendReply& reply) {
  switch (peer.mode()) {
    case Progress::Mode::kProbe:
      if (!peer.answers_probe(reply.round)) return;
      break;
    case Progress::Mode::kReplicate:
      if (peer.is_history(reply.round)) return;
      break;
    case Progress::Mode::kInstall:
      return;
  }
  step_back(core, from, peer, reply.hint);
}

}  // namespace

void become_leader(Core& core) {
  core.votes.clear();
  core.lead.emplace();
  core.set_role(Role::kLeader, core.self);
  follow_membership(core);
  if (is_sole_voter(core)) {
    advance_commit(core);
  } else {
    core.lead->opening = core.log.end();
    request_control(core, std::nullopt);
  }
  broadcast_heartbeat(core);
  core.lead->heartbeat_due_ms = core.now_ms + core.options.heartbeat_ms;
}

void follow_membership(Core& core) {
  Leadership& lead = *core.lead;
  const Membership& membership = core.log.membership();
  std::erase_if(lead.peers, [&](const auto& peer) { return !membership.contains(peer.first); });
  for (NodeId node : membership.everyone()) {
    if (node != core.self) lead.peers.try_emplace(node, core.log.end(), core.now_ms);
  }
}

void request_control(Core& core, std::optional<Membership> membership) {
  core.lead->control = ControlEntry{core.log.end(), core.hard.term, std::move(membership)};
  core.lead->control_since_ms = core.now_ms;
  core.output.control.push_back(*core.lead->control);
}

void leader_tick(Core& core) {
  if (must_step_down(core)) {
    core.become_follower(core.hard.term, kNobody);
    return;
  }
  transfer_tick(core);
  if (core.now_ms < core.lead->heartbeat_due_ms) return;
  core.lead->heartbeat_due_ms = core.now_ms + core.options.heartbeat_ms;
  for (auto& [node, peer] : core.lead->peers) {
    peer.resume_reads(core.options, core.now_ms);
    if (peer.mode() == Progress::Mode::kInstall && core.now_ms >= peer.install_retry_at_ms()) {
      install(core, node, peer);
    }
  }
  broadcast_heartbeat(core);
  serve_everyone(core);
}

std::int64_t leader_deadline_ms(const Core& core) {
  std::int64_t due = std::numeric_limits<std::int64_t>::max();
  if (!core.lead->peers.empty()) due = core.lead->heartbeat_due_ms;
  if (core.lead->control) {
    due = std::min(due, core.lead->control_since_ms + core.options.election_timeout_ms + 1);
  }
  if (core.lead->transfer) due = std::min(due, core.lead->transfer->give_up_ms);
  if (core.flush_since_ms && !is_sole_voter(core)) {
    due = std::min(due, *core.flush_since_ms + core.options.election_timeout_ms + 1);
  }
  return due;
}

void broadcast_heartbeat(Core& core) {
  core.lead->broadcast_round = ++core.lead->round;
  for (auto& [node, peer] : core.lead->peers) send_empty_append(core, node, peer);
}

void serve_everyone(Core& core) {
  for (const auto& [node, peer] : core.lead->peers) serve(core, node);
}

void serve(Core& core, NodeId to) {
  const auto found = core.lead->peers.find(to);
  if (found == core.lead->peers.end()) return;
  Progress& peer = found->second;
  if (peer.mode() != Progress::Mode::kReplicate) return;
  if (peer.next() < core.log.start().end) {
    install(core, to, peer);
  } else if (peer.next() < core.log.end()) {
    if (peer.is_reading() || peer.is_read_paused() || !peer.has_window(core.options)) return;
    const std::uint64_t ticket = peer.begin_read(core.now_ms);
    core.output.reads.push_back({to, peer.next(), peer.window_bytes(core.options), ticket});
  } else if (peer.is_idle() && peer.commit_sent() < core.committed) {
    send_empty_append(core, to, peer);  // under load the next append tells it
  }
}

void send_range(Core& core, const ReadForPeer& read, const EntryRange& range) {
  const auto found = core.lead->peers.find(read.to);
  if (found == core.lead->peers.end()) return;
  Progress& peer = found->second;
  if (!peer.answers_read(read.ticket, read.from)) return;
  if (range.empty() || range.begin < core.log.start().end) {
    peer.pause_reads();
    return;
  }
  if (range.begin != read.from || range.end > core.log.end() ||
      range.runs != core.log.runs_of(range.begin, range.end)) {
    core.fault("what was read of the log at " + std::to_string(read.from.value()) +
               " is not what was appended: " + to_string(range));
    return;
  }
  peer.sent(range.end, range.bytes, core.now_ms);
  peer.commit_told(core.committed);
  core.send(read.to, AppendRequest{.term = core.hard.term,
                                   .previous = core.log.point_at(range.begin),
                                   .range = range,
                                   .commit = core.committed,
                                   .round = core.lead->round});
  serve(core, read.to);
}

Status leader_appended(Core& core, const EntryRange& range) {
  Leadership& lead = *core.lead;
  if (range.empty() || range.begin != core.log.end() || range.runs.size() != 1 ||
      range.runs.front().term != core.hard.term) {
    return fail(Errc::kInvalidArgument,
                "not an append of this term at the end: " + to_string(range));
  }
  if (lead.control) {
    const bool is_control = range.end - range.begin == 1 &&
                            (lead.control->membership ? range.memberships.size() == 1 &&
                                                            range.memberships.front().membership ==
                                                                *lead.control->membership
                                                      : range.memberships.empty());
    if (!is_control) {
      return fail(Errc::kInvalidArgument, "a control entry comes first at this point");
    }
    lead.control.reset();
  } else if (!range.memberships.empty()) {
    return fail(Errc::kInvalidArgument, "a membership nobody asked for: " + to_string(range));
  }
  core.log.append(range);
  lead.uncommitted.emplace_back(range.end, range.bytes);
  lead.uncommitted_bytes += range.bytes;
  if (!range.memberships.empty()) follow_membership(core);
  serve_everyone(core);
  return {};
}

void advance_commit(Core& core) {
  const Offset decided = decided_offset(core.log.membership(), [&](NodeId node) {
    if (node == core.self && !mutant(Mutant::kCountsItselfUnflushed)) return core.log.durable_end();
    if (node == core.self) return core.log.end();
    const auto peer = core.lead->peers.find(node);
    return peer == core.lead->peers.end() ? Offset(0) : peer->second.durable();
  });
  if (decided <= core.committed) return;
  // Records of earlier terms are committed by one of this term, not by counting: another leader
  // could still replace them. Beside a sole voter there is no other leader.
  const bool is_own = core.log.point_at(decided).term == core.hard.term;
  if (!is_own && !is_sole_voter(core) && !mutant(Mutant::kCommitsOlderTerms)) return;
  core.commit_to(decided);
  forget_committed_bytes(*core.lead, core.committed);
  membership_committed(core);
  if (core.is_leading()) serve_everyone(core);
}

void install_failed(Core& core, NodeId to) {
  const auto peer = core.lead->peers.find(to);
  if (peer == core.lead->peers.end() || peer->second.mode() != Progress::Mode::kInstall) return;
  peer->second.retry_install_at(core.now_ms + kInstallRetryHeartbeats * core.options.heartbeat_ms);
}

void handle(Core& core, NodeId from, const AppendReply& reply) {
  if (reply.term > core.hard.term) {
    core.become_follower(reply.term, kNobody);
    return;
  }
  if (!core.is_leading() || reply.term < core.hard.term) return;
  const auto peer = core.lead->peers.find(from);
  if (peer == core.lead->peers.end() || reply.round > core.lead->round) return;
  const Offset claimed = reply.accepted ? reply.durable_end : reply.hint.end;
  if (claimed > core.log.end()) {
    core.fault(to_string(from) + " answers beyond this leader's log: " + to_string(Message(reply)));
    return;
  }
  peer->second.heard(reply.round, core.now_ms);
  confirm_reads(core);
  if (reply.accepted) {
    on_accepted(core, from, peer->second, reply);
  } else {
    on_refused(core, from, peer->second, reply);
  }
}

void handle(Core& core, NodeId from, const InstallReply& reply) {
  if (reply.term > core.hard.term) {
    core.become_follower(reply.term, kNobody);
    return;
  }
  if (!core.is_leading() || reply.term < core.hard.term) return;
  const auto found = core.lead->peers.find(from);
  if (found == core.lead->peers.end()) return;
  if (reply.start.end > core.log.end()) {
    core.fault(to_string(from) + " installed beyond this leader's log");
    return;
  }
  if (reply.start.end >= core.log.start().end && !core.log.contains(reply.start)) return;
  Progress& peer = found->second;
  peer.heard(0, core.now_ms);
  const bool moved = peer.acknowledge(reply.start.end, core.now_ms);
  if (peer.mode() != Progress::Mode::kReplicate) {
    peer.begin_replicate(std::max(reply.start.end, peer.match()), core.lead->round);
  }
  if (moved) advance_commit(core);
  if (!core.is_leading()) return;
  advance_transfer(core);
  serve(core, from);
}

}  // namespace penstock::raft
