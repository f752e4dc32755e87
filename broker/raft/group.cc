// Dispatch only: which idea answers which input. What an input means is in the idea's file.
#include "broker/raft/group.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/mutant.h"
#include "broker/raft/core.h"
#include "broker/raft/election.h"
#include "broker/raft/follower.h"
#include "broker/raft/membership_change.h"
#include "broker/raft/read_index.h"
#include "broker/raft/replication.h"
#include "broker/raft/transfer.h"
#include "broker/raft/validity.h"

namespace penstock::raft {

struct Group::State : Core {
  using Core::Core;

  // Time never runs back here, whatever the caller's clock does.
  void advance(std::int64_t to_ms) { now_ms = std::max(now_ms, to_ms); }
  Status check() const {
    if (faulty) return fail(Errc::kInternal, "the group stopped after a fault");
    return {};
  }
  Status check_leading() const {
    if (faulty || !is_leading()) return fail(Errc::kNotLeader);
    return {};
  }
};

Group::Group(NodeId self, Options options, Restored restored, std::uint64_t seed,
             std::int64_t now_ms)
    : state_(std::make_unique<State>(self, options, std::move(restored), seed, now_ms)) {}
Group::~Group() = default;
Group::Group(Group&&) noexcept = default;
Group& Group::operator=(Group&&) noexcept = default;

void Group::step(NodeId from, const Message& message, std::int64_t now_ms) {
  State& state = *state_;
  if (state.faulty || from == state.self || from == kNobody || !is_sensible(message)) return;
  state.advance(now_ms);
  std::visit([&](const auto& m) { handle(static_cast<Core&>(state), from, m); }, message);
}

void Group::tick(std::int64_t now_ms) {
  State& state = *state_;
  if (state.faulty) return;
  state.advance(now_ms);
  if (state.is_leading()) {
    leader_tick(state);
  } else {
    election_tick(state);
  }
}

std::int64_t Group::next_deadline_ms() const {
  const State& state = *state_;
  if (state.faulty) return std::numeric_limits<std::int64_t>::max();
  return state.is_leading() ? leader_deadline_ms(state) : election_deadline_ms(state);
}

Output Group::take_output() { return std::exchange(state_->output, Output{}); }

Result<std::uint64_t> Group::propose_room() const {
  const State& state = *state_;
  PENSTOCK_TRY(state.check_leading());
  const Leadership& lead = *state.lead;
  if (!state.is_ready() || lead.transfer || lead.control) return fail(Errc::kNotReady);
  if (lead.uncommitted_bytes >= state.options.max_uncommitted_bytes) {
    return fail(Errc::kOverloaded, "too much has no majority yet");
  }
  return state.options.max_uncommitted_bytes - lead.uncommitted_bytes;
}

Status Group::appended(const EntryRange& range, std::int64_t now_ms) {
  PENSTOCK_TRY(state_->check_leading());
  if (!is_sensible(range)) return fail(Errc::kInvalidArgument, "malformed: " + to_string(range));
  state_->advance(now_ms);
  return leader_appended(*state_, range);
}

Status Group::accepted(const Accept& accept, std::int64_t now_ms) {
  PENSTOCK_TRY(state_->check());
  state_->advance(now_ms);
  return follower_accepted(*state_, accept);
}

Status Group::was_reset(const InstallRequest& install, std::int64_t now_ms) {
  PENSTOCK_TRY(state_->check());
  state_->advance(now_ms);
  return follower_was_reset(*state_, install);
}

void Group::durable(Offset end, std::uint64_t version, std::int64_t now_ms) {
  State& state = *state_;
  if (state.faulty) return;
  if (version != state.log.version() && !mutant(Mutant::kOldFlushesCount)) return;
  state.advance(now_ms);
  const Offset reported = state.reported();
  if (!state.log.set_durable(end)) return;
  if (state.is_leading()) {
    advance_commit(state);
  } else if (state.leader != kNobody && state.reported() > reported) {
    reply_accepted(state);
  }
}

void Group::saved(const HardState& saved_state, std::int64_t now_ms) {
  State& state = *state_;
  if (state.faulty) return;
  state.advance(now_ms);
  // An older one than wanted counts for nothing: the wanted one is on its way.
  if (saved_state != state.hard || state.saved == state.hard) return;
  state.saved = saved_state;
  state.release_held();
  own_vote_saved(state);
}

void Group::send_range(const ReadForPeer& read, const EntryRange& range, std::int64_t now_ms) {
  State& state = *state_;
  if (state.faulty || !state.is_leading()) return;
  state.advance(now_ms);
  raft::send_range(state, read, range);
}

void Group::install_failed(NodeId to, std::int64_t now_ms) {
  State& state = *state_;
  if (state.faulty || !state.is_leading()) return;
  state.advance(now_ms);
  raft::install_failed(state, to);
}

Status Group::log_start_moved(Offset to) {
  PENSTOCK_TRY(state_->check());
  const bool too_far = to > state_->committed && !mutant(Mutant::kStartBeyondCommitted);
  if (to < state_->log.start().end || too_far) {
    return fail(Errc::kInvalidArgument,
                "the log may begin between its start and what is committed");
  }
  state_->log.trim(to);
  return {};
}

void Group::flush_pending_since(std::optional<std::int64_t> since_ms) {
  state_->flush_since_ms = since_ms;
}

void Group::set_damaged_until(Offset offset) {
  State& state = *state_;
  state.damaged_until = offset;
  if (offset == Offset(0) || state.faulty || state.role == Role::kFollower) return;
  // Who cannot read its own log cannot give it to others.
  if (state.is_leading()) hand_over(state);
  state.become_follower(state.hard.term, kNobody);
}

Status Group::cut_at_damage(Offset to, LogPoint had) {
  PENSTOCK_TRY(state_->check());
  State& state = *state_;
  if (state.is_leading() || to < state.log.start().end || to > state.log.end()) {
    return fail(Errc::kInvalidArgument, "only a follower's log is cut, where it has a place");
  }
  state.once_had = std::max(state.once_had, had);
  state.log.truncate(to);
  state.committed = std::min(state.committed, to);
  state.matched = std::min(state.matched, to);
  state.output.accept.reset();
  return {};
}

void Group::set_once_had(LogPoint had) { state_->once_had = had; }

Status Group::change_membership(const std::vector<NodeId>& voters,
                                const std::vector<NodeId>& learners, std::int64_t now_ms) {
  PENSTOCK_TRY(state_->check_leading());
  state_->advance(now_ms);
  return raft::change_membership(*state_, voters, learners);
}

Status Group::transfer_leadership(NodeId to, std::int64_t now_ms) {
  PENSTOCK_TRY(state_->check_leading());
  state_->advance(now_ms);
  return raft::transfer_leadership(*state_, to);
}

Status Group::read_index(std::uint64_t context, std::int64_t now_ms) {
  PENSTOCK_TRY(state_->check_leading());
  state_->advance(now_ms);
  return raft::read_index(*state_, context);
}

void Group::campaign(std::int64_t now_ms) {
  State& state = *state_;
  if (state.faulty || state.is_leading() || !may_campaign(state)) return;
  state.advance(now_ms);
  ask_for_pre_votes(state);
}

void Group::step_down(std::int64_t now_ms) {
  State& state = *state_;
  if (state.faulty || state.role == Role::kFollower) return;
  state.advance(now_ms);
  state.become_follower(state.hard.term, kNobody);
}

NodeId Group::self() const { return state_->self; }
Role Group::role() const { return state_->role; }
Term Group::term() const { return state_->hard.term; }
NodeId Group::leader() const { return state_->leader; }
Offset Group::log_start() const { return state_->log.start().end; }
Offset Group::log_end() const { return state_->log.end(); }
Offset Group::durable_end() const { return state_->log.durable_end(); }
Offset Group::committed() const { return state_->committed; }
bool Group::is_ready() const { return state_->is_ready(); }
std::optional<CommitNews> Group::commit_news() const {
  if (state_->is_ready()) return CommitNews{state_->now_ms, state_->committed};
  return state_->told;
}
std::uint64_t Group::log_version() const { return state_->log.version(); }
const Membership& Group::membership() const { return state_->log.membership(); }
bool Group::membership_is_committed() const { return is_membership_committed(*state_); }
Term Group::term_at(Offset offset) const { return state_->log.term_at(offset); }
LogPoint Group::point_at(Offset end) const { return state_->log.point_at(end); }
LogPoint Group::end_of_term(Term term) const { return state_->log.end_of_term(term); }
bool Group::is_faulty() const { return state_->faulty; }

std::vector<PeerStatus> Group::peers() const {
  std::vector<PeerStatus> all;
  if (!state_->is_leading()) return all;
  for (const auto& [node, peer] : state_->lead->peers) {
    all.push_back({.node = node,
                   .durable_end = peer.durable(),
                   .last_heard_ms = peer.last_heard_ms(),
                   .voter = membership().is_voter(node),
                   .installing = peer.mode() == Progress::Mode::kInstall,
                   .inflight_bytes = peer.inflight_bytes()});
  }
  return all;
}

std::string Group::describe() const {
  const auto text = [](Offset offset) { return std::to_string(offset.value()); };
  return to_string(self()) + " " + to_string(role()) + " t" + std::to_string(term().value()) +
         " log=[" + text(log_start()) + ", " + text(log_end()) +
         ") durable=" + text(durable_end()) + " commit=" + text(committed()) + " " +
         to_string(membership()) + (is_faulty() ? " faulty" : "");
}

}  // namespace penstock::raft
