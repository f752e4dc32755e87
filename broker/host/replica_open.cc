// From the disk to a group.
#include <algorithm>
#include <limits>
#include <utility>

#include "base/mutant.h"
#include "broker/host/control_batch.h"
#include "broker/host/limits.h"
#include "broker/host/replica_parts.h"
#include "protocol/record/batch.h"
#include "storage/segment_name.h"

namespace penstock::broker {
namespace {

// A bound that no log reaches: nobody gets this replica's vote.
constexpr Offset kEverything(kMaxOffset);

Result<std::optional<ReplicaState>> read_side_file(Env& env, const std::string& path,
                                                   const storage::LogIdentity& identity) {
  PENSTOCK_TRY_ASSIGN(const bool exists, env.exists(path));
  if (!exists) return std::nullopt;
  auto file = env.read_file(path, kMaxReplicaStateBytes);
  if (!file && file.error().code() != Errc::kCorrupt) return std::unexpected(file.error());
  auto state = file ? decode_replica_state(*file, identity)
                    : Result<ReplicaState>(std::unexpected(file.error()));
  if (state) return *std::move(state);
  if (state.error().code() == Errc::kCorrupt) return std::nullopt;
  return std::unexpected(std::move(state).error().context(path));
}

enum class Confirmed { kYes, kNo, kUnreadable };

// Whether the log holds that membership at that place.
Result<Confirmed> confirm(storage::Log& log, const raft::PlacedMembership& placed) {
  if (placed.at >= log.log_end()) return Confirmed::kNo;
  const auto read = log.read(placed.at, 1, storage::ReadUpTo::kEnd);
  if (!read && read.error().code() == Errc::kCorrupt) return Confirmed::kUnreadable;
  if (!read) return std::unexpected(read.error());
  const auto batch = record::BatchView::parse(read->batches.view());
  if (!batch || batch->base_offset() != placed.at) return Confirmed::kNo;
  const auto membership = membership_in(*batch);
  const bool same = membership && *membership && **membership == placed.membership;
  return same ? Confirmed::kYes : Confirmed::kNo;
}

// Drops what the log does not confirm. Committed ones need no look: they are never cut. Nor do
// those below the log start, which are not in the log any more (settle_memory()).
Status keep_confirmed(storage::Log& log, ReplicaState& memory) {
  std::vector<raft::PlacedMembership> kept;
  for (raft::PlacedMembership& placed : memory.placed) {
    const Offset known = std::max(log.log_start(), std::min(memory.committed, log.log_end()));
    if (placed.at >= known) {
      PENSTOCK_TRY_ASSIGN(const Confirmed confirmed, confirm(log, placed));
      if (confirmed == Confirmed::kNo) continue;
    }
    kept.push_back(std::move(placed));
  }
  memory.placed = std::move(kept);
  return {};
}

// Where to go on behind a place that cannot be read.
Offset behind_damage(const storage::Log& log, Offset at) {
  for (const auto& range : log.damage()) {
    if (range.begin <= at && at < range.end) return range.end;
  }
  return at + 1;
}

Status scan_memberships(storage::Log& log, ReplicaState& memory) {
  for (Offset at = log.log_start(); at < log.log_end();) {
    const auto read = log.read(at, kRebuildReadBytes, storage::ReadUpTo::kEnd);
    if (!read && read.error().code() == Errc::kCorrupt) {
      at = behind_damage(log, at);
      continue;
    }
    if (!read) return std::unexpected(read.error());
    for (ByteView rest = read->batches.view(); !rest.empty();) {
      PENSTOCK_TRY_ASSIGN(const auto batch, record::BatchView::parse(rest));
      PENSTOCK_TRY_ASSIGN(auto membership, membership_in(batch));
      if (membership) memory.placed.push_back({batch.base_offset(), *std::move(membership)});
      rest = rest.subspan(batch.size());
    }
    if (read->next <= at) break;
    at = read->next;
  }
  if (memory.placed.size() > kMaxPlacedMemberships) {
    return fail(Errc::kCorrupt, "more changes of members than one log may hold");
  }
  return {};
}

// A reset that reached the log and not the side file.
void apply_reset(const storage::Log& log, ReplicaState& memory) {
  if (!memory.reset) return;
  const auto& [start, membership] = *memory.reset;
  const bool done = log.log_start() == start.end && log.start_term() == start.term;
  if (done) {
    memory.fold_below(start.end);
    memory.base = membership;
    memory.base_is_known = true;
    memory.committed = std::max(memory.committed, start.end);
  }
  memory.reset.reset();
}

Term next_term(Term term) {
  return Term(std::min(term.value(), std::numeric_limits<std::int32_t>::max() - 1) + 1);
}

Result<raft::Restored> restore(storage::Log& log, const ReplicaState& memory,
                               const std::optional<raft::HardState>& hard_state, Term term_floor) {
  raft::Restored restored;
  if (hard_state) restored.hard_state = *hard_state;
  if (restored.hard_state.term < term_floor) restored.hard_state = {term_floor, raft::kNobody};
  const Term before = std::max(log.start_term(), raft::kFirstTerm);
  restored.start = {before, log.log_start()};
  restored.end = log.log_end();
  PENSTOCK_TRY_ASSIGN(const auto terms, log.terms());
  for (const auto& [term, begin] : terms) restored.runs.push_back({term, begin});
  restored.base_membership = memory.base;
  restored.memberships = memory.placed;
  restored.committed = std::clamp(memory.committed, restored.start.end, restored.end);
  // Who was elected in a later term has all that was acknowledged here; of who leads until now
  // nobody can tell how far that was.
  if (memory.lost_up_to) restored.term_floor = next_term(*memory.lost_up_to);
  return restored;
}

}  // namespace

std::string replica_state_path(const std::string& dir) {
  return dir + "/" + std::string(storage::kReplicaStateName);
}

Result<ReplicaFound> find_memberships(Env& env, const std::string& dir,
                                      const storage::LogIdentity& identity, storage::Log& log,
                                      const raft::Membership& first,
                                      const std::optional<raft::HardState>& hard_state) {
  ReplicaFound found;
  PENSTOCK_TRY_ASSIGN(auto side_file, read_side_file(env, replica_state_path(dir), identity));
  found.side_file_lost = !side_file;
  if (side_file) {
    found.on_disk = *side_file;
    found.memory = *std::move(side_file);
    apply_reset(log, found.memory);
    PENSTOCK_TRY(keep_confirmed(log, found.memory));
  } else if (!hard_state) {
    // Nobody ever voted here: a new log, or one that a broker wrote alone.
    found.memory.base = first;
    if (log.log_start() > Offset(0)) found.memory.adopted_at = log.log_start();
  } else {
    found.memory.base = first;
    found.memory.base_is_known = log.log_start() == Offset(0);
    PENSTOCK_TRY(scan_memberships(log, found.memory));
  }
  found.memory.fold_below(log.log_start());
  return found;
}

Result<Replica::Opened> Replica::open(Env& env, const Clock& clock, std::string dir,
                                      storage::LogIdentity identity,
                                      storage::LogOptions log_options, ReplicaOptions options,
                                      std::optional<raft::HardState> hard_state) {
  auto state = std::make_unique<State>(env, clock, std::move(dir), identity, std::move(options));
  State& s = *state;
  PENSTOCK_TRY_ASSIGN(auto opened, storage::Log::open(env, clock, s.dir, identity, log_options));
  s.log = std::move(opened.log);
  PENSTOCK_TRY_ASSIGN(auto found, find_memberships(env, s.dir, identity, *s.log,
                                                   s.options.first_membership, hard_state));
  s.memory = std::move(found.memory);
  s.on_disk = std::move(found.on_disk);
  if (mutant(Mutant::kTruncatesByWatermark)) {
    PENSTOCK_TRY(s.log->truncate_suffix(
        std::clamp(s.memory.committed, s.log->log_start(), s.log->log_end())));
  }
  const bool empty = s.log->log_start() == Offset(0) && s.log->log_end() == Offset(0);
  const bool begun = hard_state && hard_state->term > raft::kFirstTerm;
  if (found.side_file_lost && empty) {
    if (begun) s.memory.lost_up_to = hard_state->term;
    // Or else a power cut takes the new folder, and what was voted here looks like a lost log.
    PENSTOCK_TRY(env.sync_dir(dir_of(s.dir)));
  }

  PENSTOCK_TRY(s.look_for_lost_end(hard_state));
  PENSTOCK_TRY(s.begin_at_batch());
  auto restored = restore(*s.log, s.memory, hard_state, s.options.term_floor);
  if (!restored) return std::unexpected(std::move(restored).error().context("open " + s.dir));
  s.damaged_until = s.damage_bound();
  restored->damaged_until = s.damaged_until;
  restored->once_had = s.memory.measure();
  // Before any vote: a log without its side file is one that was lost.
  if (found.side_file_lost) PENSTOCK_TRY(s.remember(s.memory));
  if (s.options.state == nullptr) {
    s.producers.emplace(env, producer_file_path(s.dir), identity.partition);
    if (auto made = s.make_producers(); !made) {
      return std::unexpected(std::move(made).error().context("open " + s.dir));
    }
  }
  s.group = std::make_unique<raft::Group>(s.options.self, s.options.raft, *std::move(restored),
                                          s.options.seed, s.now_ms());
  s.carry_out();
  return Opened{.replica = std::unique_ptr<Replica>(new Replica(std::move(state))),
                .report = std::move(opened.report),
                .rebuilt_state = found.side_file_lost && !empty && hard_state.has_value()};
}

// --- memberships on disk

Status Replica::State::remember(const ReplicaState& wanted) {
  if (wanted.placed.size() > kMaxPlacedMemberships) {
    return fail(Errc::kOverloaded, "more changes of members than one log may hold");
  }
  ReplicaState next = wanted;
  next.committed = std::max(group ? group->committed() : wanted.committed, on_disk.committed);
  PENSTOCK_TRY(env.replace_file(replica_state_path(dir), encode(next, identity)));
  on_disk = std::move(next);
  return {};
}

Status Replica::State::settle_memory() {
  if (memory.lists_as(on_disk)) return {};
  return remember(memory);
}

// --- damage

// The log is lost from some place on, and nobody knows how far it went. On the side file it stands
// before the log is cut or accepted, when it can no longer be told.
Status Replica::State::look_for_lost_end(const std::optional<raft::HardState>& hard_state) {
  if (log->end_of_log() == storage::EndOfLog::kCertain || has_always_been_alone()) return {};
  PENSTOCK_TRY_ASSIGN(const auto terms, log->terms());
  const Term last = terms.empty() ? log->start_term() : terms.back().term;
  const bool is_known =
      log->end_of_log() == storage::EndOfLog::kClosed && last == log->last_epoch();
  if (is_known) return {};
  const Term voted = hard_state ? hard_state->term : raft::kFirstTerm;
  memory.lost_up_to = std::max({memory.lost_up_to.value_or(voted), voted, log->last_epoch()});
  return {};
}

Status Replica::State::cut_log(Offset from) {
  if (log->end_of_log() != storage::EndOfLog::kCertain) PENSTOCK_TRY(settle_memory());
  return log->truncate_suffix(from);
}

// Since the log began nobody else was asked to vote; a membership that is only on the side file may
// stand in the very part that is damaged.
bool Replica::State::has_always_been_alone() const {
  return memory.base_is_known && !memory.base.is_joint() &&
         memory.base.voters == std::vector{options.self} && memory.placed.empty() &&
         on_disk.placed.empty();
}

Offset Replica::State::damage_bound() const {
  if (memory.lost_up_to) return kEverything;
  // Who may lead instead is told by what this log once had.
  if (memory.cut && log->damage().empty()) return Offset(1);
  // Nobody has what is damaged here, so nobody is kept from leading with it; a log whose end is not
  // certain refuses appends by itself.
  if (has_always_been_alone()) return Offset(0);
  const bool end_uncertain = log->end_of_log() != storage::EndOfLog::kCertain;
  if (!log->damage().empty() || end_uncertain || !memory.base_is_known) {
    return std::max(log->durable_end(), Offset(1));
  }
  const bool start_unknown = log->log_start() > Offset(0) && log->start_term() < raft::kFirstTerm &&
                             memory.adopted_at != log->log_start();
  return start_unknown ? std::max(log->durable_end(), Offset(1)) : Offset(0);
}

// A read or a scrub found something.
void Replica::State::look_for_damage() {
  if (damaged_until > Offset(0) || ended) return;
  const Offset bound = damage_bound();
  if (bound == Offset(0)) return;
  damaged_until = bound;
  group->set_damaged_until(bound);
  group->step_down(now_ms());
}

// What was damaged may have been cut, have expired or have been replaced; what was lost may be here
// again.
void Replica::State::look_for_repair() {
  if (damaged_until == Offset(0) || ended) return;
  if (!accept_end()) return;
  if (memory.lost_up_to) {
    // A record of a later term that is committed, and on this disk, has everything before it that
    // was ever acknowledged.
    const Offset safe = std::min(group->committed(), group->durable_end());
    if (safe <= group->log_start() || group->point_at(safe).term <= *memory.lost_up_to) return;
    memory.lost_up_to.reset();
    if (!keep_going(remember(memory))) return;
  }
  if (memory.cut) {
    if (!has_reached(*memory.cut)) return;
    memory.cut.reset();
    if (!keep_going(remember(memory))) return;
    group->set_once_had(memory.measure());
  }
  if (damage_bound() > Offset(0)) return;
  damaged_until = Offset(0);
  group->set_damaged_until(Offset(0));
}

}  // namespace penstock::broker
