// Key compaction of one replica of several: what a pass may touch, and when tombstones may go.
//
// Each replica compacts by itself. A tombstone may go here when every member has compacted what is
// below it long enough ago: members tell that beside their answers, and the leader tells all of
// them the smallest. Members that come later get their log from one that has compacted as far. What
// is left is a member that was away while others went on without it, and comes back with its old
// files: a tombstone that it never had may be gone everywhere. So it is told below what that may be
// so, and when its log ends before, it begins anew.
#include <algorithm>
#include <utility>

#include "broker/host/replica_parts.h"

namespace penstock::broker {

// --- what members tell each other

Offset Replica::State::settled_here() const {
  return tombstones_stay_ms ? log->settled_end(*tombstones_stay_ms) : Offset(0);
}

// As a leader knows it.
Offset Replica::State::smallest_settled() const {
  Offset least = settled_here();
  for (const raft::PeerStatus& peer : group->peers()) {
    const auto told = settled_of.find(peer.node);
    least = std::min(least, told == settled_of.end() ? Offset(0) : told->second);
  }
  return least;
}

// What was true once stays true: nobody's files go back to before they were compacted.
Offset Replica::State::settled_by_all() const {
  if (!tombstones_stay_ms) return Offset(0);
  if (group->role() != raft::Role::kLeader) return settled_by_all_once;
  return std::max(smallest_settled(), settled_by_all_once);
}

void Replica::State::hear_settled(const PeerMessage& message) {
  if (ended) return;
  const raft::NodeId from = message.envelope.from;
  if (const auto* reply = std::get_if<raft::AppendReply>(&message.envelope.message)) {
    const bool counts = group->role() == raft::Role::kLeader && reply->term == group->term();
    if (counts && group->membership().contains(from)) settled_of[from] = message.settled_end;
  } else if (const auto* append = std::get_if<raft::AppendRequest>(&message.envelope.message)) {
    if (group->leader() != from || group->term() != append->term) return;
    settled_by_all_once = std::max(settled_by_all_once, message.settled_by_all);
  }
}

// Of the tombstones below `gone` the log of who sends may lack some. This one has had them all, if
// it goes that far; and it needs none, if it begins with what comes.
bool Replica::State::has_had_tombstones(Offset gone, Offset log_ends_at) {
  if (gone <= memory.tombstones_gone_below) return true;
  if (log_ends_at < gone && log_ends_at > log->log_start()) {
    if (cut_to_copy_again(log->log_start())) ++stats.begun_anew;
    return false;
  }
  ReplicaState next = memory;
  next.tombstones_gone_below = gone;
  if (!keep_going(remember(next))) return false;
  memory = std::move(next);
  return true;
}

// --- passes

namespace {

// Offsets in the last batch of each producer: their numbers are what the table of producers is made
// of where it has no snapshot.
std::vector<Offset> last_batches(const ProducerTable& table) {
  std::vector<Offset> last;
  last.reserve(table.producers().size());
  for (const KnownProducer& producer : table.producers().all()) {
    last.push_back(producer.runs.back().end() - 1);
  }
  std::ranges::sort(last);
  return last;
}

}  // namespace

void Replica::keep_tombstones(std::optional<std::int64_t> delay_ms) {
  state_->tombstones_stay_ms = delay_ms;
}

Offset Replica::settled_by_all() const { return state_->settled_by_all(); }

Result<std::optional<storage::CompactionTicket>> Replica::begin_compaction(
    const ReplicaCompaction& wanted) {
  State& s = *state_;
  const bool knows_producers = !s.producers || s.producers->is_level_with(*s.log);
  if (s.ended || !s.tombstones_stay_ms || !knows_producers) return std::nullopt;
  storage::CompactionRequest request;
  request.limit = std::min(wanted.limit, s.group->committed());
  request.tombstones_below = s.is_only_member() ? storage::kNoLimit : s.settled_by_all();
  if (s.producers) request.needed = last_batches(*s.producers->table());
  request.min_lag_ms = wanted.min_lag_ms;
  request.tombstone_delay_ms = *s.tombstones_stay_ms;
  request.map_bytes = wanted.map_bytes;
  request.hash_seed = wanted.hash_seed;
  const Offset going = std::min(request.tombstones_below, s.settled_here());
  if (going > s.memory.tombstones_gone_below) {
    ReplicaState next = s.memory;
    next.tombstones_gone_below = going;
    if (Status noted = s.remember(next); !s.keep_going(noted)) {
      return std::unexpected(std::move(noted).error());
    }
    s.memory = std::move(next);
  }
  auto ticket = s.log->begin_compaction(request);
  if (!ticket) s.look_for_damage();
  return ticket;
}

Result<storage::CompactionProgress> Replica::complete_compaction(
    const storage::CompactionTicket& ticket, const Status& status) {
  State& s = *state_;
  auto progress = s.log->complete_compaction(ticket, status);
  if (s.ended) return progress;
  if (s.log->fenced()) {
    s.die(progress ? Error(Errc::kIoError, s.dir + ": fenced") : progress.error());
  } else if (!progress) {
    s.look_for_damage();
    s.carry_out();
  }
  return progress;
}

Status Replica::seal() {
  State& s = *state_;
  if (s.ended) return fail(Errc::kShuttingDown, s.dir + ": the replica is out of service");
  Status sealed = s.log->seal();
  static_cast<void>(s.keep_going(sealed));
  return sealed;
}

}  // namespace penstock::broker
