// Dispatch, flushes, reading. The other parts: replica_parts.h says where.
#include "broker/host/replica.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "base/mutant.h"
#include "broker/host/replica_parts.h"
#include "protocol/record/batch.h"

namespace penstock::broker {

Replica::State::State(Env& the_env, const Clock& the_clock, std::string the_dir,
                      storage::LogIdentity the_identity, ReplicaOptions the_options)
    : env(the_env),
      clock(the_clock),
      dir(std::move(the_dir)),
      identity(the_identity),
      options(std::move(the_options)),
      opened_ms(clock.steady_ns() / 1'000'000) {}

Replica::Replica(std::unique_ptr<State> state) : state_(std::move(state)) {}
Replica::~Replica() = default;

// --- carrying out

namespace {

bool is_nothing(const raft::Output& output) {
  return !output.save && !output.accept && !output.reset && output.control.empty() &&
         output.reads.empty() && output.messages.empty() && output.reads_ready.empty() &&
         output.reads_failed.empty() && !output.committed && !output.role_changed && !output.fault;
}

template <typename T>
void move_to(std::vector<T>& to, std::vector<T>& from) {
  to.insert(to.end(), std::move_iterator(from.begin()), std::move_iterator(from.end()));
}

}  // namespace

void Replica::State::die(Error error) {
  ended = true;
  out.role_changed = true;
  if (!out.fatal) out.fatal = std::move(error);
}

void Replica::State::contradict(std::string what) {
  ended = true;
  out.role_changed = true;
  if (!out.fault) out.fault = std::move(what);
}

bool Replica::State::keep_going(const Status& status) {
  if (status) return true;
  const Errc code = status.error().code();
  if (log->fenced() || code == Errc::kFsyncFailed || code == Errc::kIoError) die(status.error());
  return false;
}

void Replica::State::tell_durable() {
  group->durable(log->durable_end(), group->log_version(), now_ms());
}

void Replica::State::carry_out_one(raft::Output output, const PeerMessage* incoming) {
  if (output.save) out.save = output.save;
  if (output.committed) {
    out.committed = output.committed;
    commit_waits_since_ms = now_ms();
  }
  out.role_changed |= output.role_changed;
  move_to(out.reads_ready, output.reads_ready);
  move_to(out.reads_failed, output.reads_failed);
  for (raft::Envelope& envelope : output.messages) send(std::move(envelope));
  if (output.fault) {
    contradict(*std::move(output.fault));
    return;
  }
  if (output.reset) carry_out(*output.reset, incoming);
  if (output.accept && !ended) carry_out(*output.accept, incoming);
  control.insert(control.end(), output.control.begin(), output.control.end());
  if (!output.control.empty()) append_control();
  for (const raft::ReadForPeer& read : output.reads) {
    if (!ended) carry_out(read);
  }
}

void Replica::State::carry_out(const PeerMessage* incoming) {
  while (!ended) {
    raft::Output output = group->take_output();
    if (is_nothing(output)) break;
    carry_out_one(std::move(output), incoming);
  }
  if (group->role() != raft::Role::kLeader) {
    sendable.clear();
    digests.clear();
    settled_of.clear();
    paced.clear();
  }
  look_for_repair();
  look_for_level();
  if (producers) {
    producers->committed(group->committed());
    look_for_producers();
  }
  PENSTOCK_ASSERT(ended || log->log_end() == group->log_end(), "the group knows the log's end");
}

// --- inputs

void Replica::receive(const PeerMessage& message) {
  State& s = *state_;
  if (s.ended || message.envelope.to != s.options.self) return;
  if (s.no_appends_before_ms > s.now_ms()) {
    // What the log has already may be what repair asked for.
    const auto* append = std::get_if<raft::AppendRequest>(&message.envelope.message);
    if (append != nullptr && append->range.end > s.log->log_end()) return;
  }
  if (s.is_newcomer() && !s.take_measure(message)) return;
  // A follower that hears its leader has no other occasion.
  if (!s.log->damage().empty()) {
    s.look_for_damage();
    s.ask_for_repair();
    if (s.ended) return;
  }
  s.group->step(message.envelope.from, message.envelope.message, s.now_ms());
  s.carry_out(&message);
  s.follow_leaders_start(message);
  s.hear_settled(message);
  s.compare_digest(message);
  s.mend_from(message);
  s.send_wanted(message);
}

void Replica::tick() {
  State& s = *state_;
  if (s.ended) return;
  s.look_for_damage();
  s.group->tick(s.now_ms());
  s.append_control();
  s.tell_time();
  s.carry_out_paced();
  s.carry_out();
  s.ask_for_repair();
}

std::int64_t Replica::next_deadline_ms() const {
  const State& s = *state_;
  if (s.ended) return std::numeric_limits<std::int64_t>::max();
  const std::int64_t deadline_ms = s.group->next_deadline_ms();
  return s.paced.empty() ? deadline_ms : std::min(deadline_ms, s.pace->next_ms(s.now_ms()));
}

void Replica::set_catch_up_pace(CatchUpPace& pace) { state_->pace = &pace; }

ReplicaOutput Replica::take_output() {
  ReplicaOutput output = std::exchange(state_->out, {});
  output.wants_flush = needs_flush();
  return output;
}

void Replica::saved(const raft::HardState& state) {
  if (state_->ended) return;
  state_->group->saved(state, state_->now_ms());
  state_->carry_out();
}

void Replica::install_failed(raft::NodeId to) {
  if (state_->ended) return;
  state_->group->install_failed(to, state_->now_ms());
  state_->carry_out();
}

// --- flushes and checkpoints

bool Replica::needs_flush() const {
  const State& s = *state_;
  return !s.ended && !s.flushing && s.log->needs_flush();
}

storage::FlushTicket Replica::begin_flush() {
  State& s = *state_;
  PENSTOCK_ASSERT(!s.flushing, "one flush at a time");
  s.flushing = true;
  s.flush_version = s.group->log_version();
  s.group->flush_pending_since(s.now_ms());
  return s.log->begin_flush();
}

void Replica::complete_flush(const storage::FlushTicket& ticket, const Status& status) {
  State& s = *state_;
  s.flushing = false;
  s.log->complete_flush(ticket, status);
  s.group->flush_pending_since(std::nullopt);
  if (s.ended) return;
  if (!status) {
    s.die(status.error());
    return;
  }
  s.group->durable(s.log->durable_end(), s.flush_version, s.now_ms());
  s.carry_out();
}

bool Replica::wants_checkpoint() const { return !state_->ended && state_->log->wants_checkpoint(); }

Status ReplicaCheckpoint::run() const {
  if (producers) static_cast<void>(file->write(*producers));
  return log.run();
}

ReplicaCheckpoint Replica::begin_checkpoint() {
  State& s = *state_;
  ReplicaCheckpoint checkpoint{.log = s.log->begin_checkpoint(), .file = {}, .producers = {}};
  if (!s.producers) return checkpoint;
  if (auto due = s.producers->take_due()) {
    checkpoint.file = s.producers->file();
    checkpoint.producers = std::make_shared<const ProducerSnapshot>(*std::move(due));
  }
  return checkpoint;
}

void Replica::complete_checkpoint(const ReplicaCheckpoint& checkpoint, const Status& status) {
  state_->log->complete_checkpoint(checkpoint.log, status);
  if (checkpoint.producers) state_->producers->written(*checkpoint.producers);
  // Without it recovery scans more; nothing is lost.
  if (state_->log->fenced() && !state_->ended) state_->die(status.error());
}

// --- cold reads

storage::Log::FileRead Replica::take_cold_read(std::uint64_t ticket) {
  const auto found = state_->cold.find(ticket);
  PENSTOCK_ASSERT(found != state_->cold.end(), "a ticket of take_output(), taken once");
  return std::move(found->second.work);
}

void Replica::complete_cold_read(std::uint64_t ticket, Result<storage::ReadResult> result) {
  State& s = *state_;
  auto found = s.cold.extract(ticket);
  if (found.empty() || s.ended) return;
  const auto& [read, version, work] = found.mapped();
  if (result && version == s.group->log_version()) {
    s.send_range(read, *result);
  } else {
    s.nothing_to_send(read);
  }
  s.look_for_damage();
  s.carry_out();
}

// --- requests to a leader

Status Replica::change_membership(const std::vector<raft::NodeId>& voters,
                                  const std::vector<raft::NodeId>& learners) {
  State& s = *state_;
  if (s.ended) return fail(Errc::kNotLeader);
  const Status status = s.group->change_membership(voters, learners, s.now_ms());
  s.carry_out();
  return status;
}

Status Replica::transfer_leadership(raft::NodeId to) {
  State& s = *state_;
  if (s.ended) return fail(Errc::kNotLeader);
  const Status status = s.group->transfer_leadership(to, s.now_ms());
  s.carry_out();
  return status;
}

Status Replica::read_index(std::uint64_t context) {
  State& s = *state_;
  if (s.ended) return fail(Errc::kNotLeader);
  const Status status = s.group->read_index(context, s.now_ms());
  s.carry_out();
  return status;
}

void Replica::step_down() {
  if (state_->ended) return;
  state_->group->step_down(state_->now_ms());
  state_->carry_out();
}

// --- reading

Status Replica::State::check_visible(Offset offset) const {
  if (offset >= visible_start()) return {};
  return fail(Errc::kOffsetOutOfRange, "offset " + std::to_string(offset.value()) +
                                           " is below the log start " +
                                           std::to_string(visible_start().value()));
}

Result<storage::ReadResult> Replica::read(Offset offset, std::uint64_t max_bytes, Offset limit,
                                          bool cached_only) {
  PENSTOCK_TRY(state_->check_visible(offset));
  return state_->log->read(offset, max_bytes, limit, cached_only);
}

Result<storage::Log::FileRead> Replica::prepare_read(Offset offset, std::uint64_t max_bytes,
                                                     Offset limit) {
  PENSTOCK_TRY(state_->check_visible(offset));
  return state_->log->prepare_read(offset, max_bytes, limit);
}

Status Replica::close() {
  State& s = *state_;
  if (s.ended) return fail(Errc::kFsyncFailed, s.dir + ": not closed cleanly");
  s.ended = true;
  const bool stale = !s.memory.lists_as(s.on_disk) || s.group->committed() > s.on_disk.committed;
  if (stale) PENSTOCK_TRY(s.remember(s.memory));
  // Without it the next open reads more, that is all.
  if (s.producers) static_cast<void>(s.producers->close());
  return s.log->close();
}

// --- state

raft::Role Replica::role() const {
  return state_->ended ? raft::Role::kFollower : state_->group->role();
}
raft::NodeId Replica::leader() const {
  return state_->ended ? raft::kNobody : state_->group->leader();
}
Term Replica::term() const { return state_->group->term(); }
bool Replica::is_ready() const { return !state_->ended && state_->group->is_ready(); }
Offset Replica::log_start() const { return state_->visible_start(); }
Offset Replica::log_end() const { return state_->log->log_end(); }
Offset Replica::durable_end() const { return state_->log->durable_end(); }
Offset Replica::committed() const { return state_->group->committed(); }
bool Replica::is_damaged() const { return state_->damaged_until > Offset(0); }
const ReplicaStats& Replica::stats() const { return state_->stats; }
const raft::Group& Replica::group() const { return *state_->group; }
storage::Log& Replica::log() { return *state_->log; }

std::uint32_t Replica::replicas() const {
  return static_cast<std::uint32_t>(state_->group->membership().voters.size());
}

std::uint32_t Replica::replicas_durable_at(Offset end) const {
  const std::vector<raft::NodeId>& voters = state_->group->membership().voters;
  const auto counts = [&](raft::NodeId node) { return std::ranges::binary_search(voters, node); };
  std::uint32_t count = durable_end() >= end && counts(state_->options.self) ? 1 : 0;
  for (const raft::PeerStatus& peer : state_->group->peers()) {
    if (peer.durable_end >= end && counts(peer.node)) ++count;
  }
  // It may be known only that they are a majority: to a leader that was replaced meanwhile.
  if (committed() >= end && !voters.empty()) count = std::max(count, replicas() / 2 + 1);
  return count;
}

}  // namespace penstock::broker
