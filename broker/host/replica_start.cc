// Where the log begins: for consensus where a batch does, so that it can be sent to others; for
// readers at the record that was asked for, inside of that batch.
#include <algorithm>
#include <utility>

#include "base/mutant.h"
#include "broker/host/replica_parts.h"
#include "protocol/record/batch.h"

namespace penstock::broker {

Offset Replica::State::visible_start() const {
  const Offset begin = log->log_start();
  if (!memory.visible_start) return begin;
  return std::clamp(*memory.visible_start, begin, std::max(begin, group->committed()));
}

bool Replica::State::is_only_member() const {
  const raft::Membership& latest = group->membership();
  return !latest.is_joint() && latest.learners.empty() && latest.voters.size() == 1 &&
         latest.is_voter(options.self);
}

Status Replica::State::follow_log_start() {
  memory.fold_below(log->log_start());
  PENSTOCK_TRY(group->log_start_moved(log->log_start()));
  carry_out();
  return {};
}

// Where the batch that holds `offset` begins.
Result<Offset> Replica::State::batch_boundary(Offset offset) {
  if (offset <= log->log_start() || offset >= log->log_end()) return offset;
  PENSTOCK_TRY_ASSIGN(const auto read, log->read(offset, 1, storage::ReadUpTo::kEnd));
  PENSTOCK_TRY_ASSIGN(const auto batch, record::BatchView::parse(read.batches.view()));
  return std::max(batch.base_offset(), log->log_start());
}

// Order: readers' start, in the side file; then the log. A crash in between leaves records that
// nobody sees, until the next time.
Status Replica::State::raise_start(Offset to, BeginsAt begins_at) {
  PENSTOCK_TRY_ASSIGN(const Offset boundary, batch_boundary(to));
  if (begins_at == BeginsAt::kRecord && to > boundary) {
    ReplicaState next = memory;
    next.visible_start = to;
    if (const Status kept = remember(next); !keep_going(kept)) return kept;
    memory = std::move(next);
  }
  if (boundary <= log->log_start()) return {};
  Status status = settle_memory();
  if (status && producers) status = producers->keep(boundary);
  if (status) status = log->truncate_prefix(boundary);
  if (!keep_going(status)) return status;
  return follow_log_start();
}

// A broker that was alone used to begin its log inside of a batch.
Status Replica::State::begin_at_batch() {
  const Offset start = log->log_start();
  const auto segments = log->segments();
  if (!has_always_been_alone() || segments.empty() || segments.front().base == start) return {};
  if (start == log->log_end() || memory.visible_start) return {};
  if (!log->damage().empty()) return {};  // what is damaged stays as it is
  const auto boundary = log->batch_at(start);
  if (!boundary || *boundary == start) return {};
  memory.visible_start = start;
  memory.adopted_at = *boundary;  // its term may not be known any more
  memory.committed = std::max(memory.committed, start);
  PENSTOCK_TRY(remember(memory));
  return log->lower_start(*boundary);
}

// --- asked for

Result<Offset> Replica::delete_records(Offset before, BeginsAt begins_at) {
  State& s = *state_;
  if (s.ended) return fail(Errc::kShuttingDown, s.dir + ": the replica is out of service");
  if (before > s.group->committed() && !mutant(Mutant::kStartBeyondCommitted)) {
    return fail(Errc::kOffsetOutOfRange, "only committed records are deleted");
  }
  const Offset to = std::min(before, s.log->durable_end());
  if (to > s.visible_start()) PENSTOCK_TRY(s.raise_start(to, begins_at));
  return s.visible_start();
}

Result<std::uint64_t> Replica::apply_retention() {
  State& s = *state_;
  if (s.ended) return fail(Errc::kShuttingDown, s.dir + ": the replica is out of service");
  if (const Status settled = s.settle_memory(); !s.keep_going(settled)) {
    return std::unexpected(settled.error());
  }
  s.tell_time();
  const Offset before = s.log->log_start();
  Offset limit = s.group->committed();
  if (s.producers) {
    const Status kept = s.producers->keep(s.log->retention_start(limit));
    const bool is_full = !kept && kept.error().code() == Errc::kDiskFull;
    if (!s.keep_going(kept) && !is_full) return std::unexpected(kept.error());
    // What the snapshot on the disk covers may go, and makes room for the next one.
    if (is_full) limit = std::min(limit, s.producers->file()->covers().value_or(before));
  }
  auto freed = s.log->apply_retention(limit);
  if (!freed) static_cast<void>(s.keep_going(fail(freed.error())));
  if (s.log->log_start() != before) PENSTOCK_TRY(s.follow_log_start());
  return freed;
}

// --- told by the leader

// What it no longer shows, this replica does not show either, as soon as it has all of it: deletion
// needs no agreement, for a replica that missed it has more, and not less. Where a state machine
// decides what it still needs, each replica decides for itself.
void Replica::State::follow_leaders_start(const PeerMessage& message) {
  const auto* append = std::get_if<raft::AppendRequest>(&message.envelope.message);
  if (append == nullptr || ended || options.state != nullptr) return;
  if (group->leader() != message.envelope.from || group->term() != append->term) return;
  const Offset start = message.log_start;
  if (start <= visible_start() || start > std::min(group->committed(), log->durable_end())) return;
  static_cast<void>(raise_start(start, BeginsAt::kRecord));  // or else with a later message
}

}  // namespace penstock::broker
