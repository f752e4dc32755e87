// What a leader does: appends, and reads for its peers.
#include <algorithm>
#include <utility>

#include "base/mutant.h"
#include "broker/host/control_batch.h"
#include "broker/host/limits.h"
#include "broker/host/replica_parts.h"
#include "protocol/record/batch.h"

namespace penstock::broker {

namespace {

Status check_batches(ByteView batches) {
  for (ByteView rest = batches; !rest.empty();) {
    PENSTOCK_TRY_ASSIGN(const auto batch, record::BatchView::parse(rest));
    // What a producer calls a membership must not become one.
    if (batch.is_control()) return fail(Errc::kInvalidBatch, "producers send no control batches");
    rest = rest.subspan(batch.size());
  }
  return {};
}

}  // namespace

Status Replica::State::has_room_for(std::size_t bytes) const {
  const auto room = group->propose_room();
  if (!room && room.error().code() != Errc::kOverloaded) return fail(room.error());
  // What waits for this disk alone is held by the system's cache, and by nobody's window.
  if (is_only_member()) return {};
  if (!room) return fail(room.error());
  if (bytes > *room && *room < options.raft.max_uncommitted_bytes) {
    return fail(Errc::kOverloaded, "too much has no majority yet");
  }
  return {};
}

Result<ReplicaAppend> Replica::append(MutableByteView batches) {
  State& s = *state_;
  if (s.ended) return fail(Errc::kNotLeader);
  PENSTOCK_TRY(s.has_room_for(batches.size()));
  PENSTOCK_TRY(check_batches(batches));
  const Term term = s.group->term();
  const auto appended = s.log->append(batches, term);
  if (!appended) {
    if (s.log->fenced()) s.die(appended.error());
    return std::unexpected(appended.error());
  }
  const Offset begin = appended->base_offset;
  const Offset end = appended->last_offset + 1;
  const Status known =
      s.group->appended({begin, end, {{term, begin}}, {}, batches.size()}, s.now_ms());
  if (!known) {
    s.die(known.error());
    return std::unexpected(known.error());
  }
  if (s.producers) s.producers->appended(batches);
  if (s.pace != nullptr) s.pace->produced(batches.size(), s.now_ms());
  if (begin <= s.group->committed()) s.commit_waits_since_ms = s.now_ms();
  s.carry_out();
  return ReplicaAppend{begin, end, appended->max_timestamp, term};
}

// What could not be appended stays, and is tried again at the next tick; a leader that cannot do it
// for an election timeout steps down by itself.
void Replica::State::append_control() {
  while (!control.empty() && !ended) {
    const raft::ControlEntry entry = control.front();
    const bool wanted = group->role() == raft::Role::kLeader && group->term() == entry.term &&
                        log->log_end() == entry.at;
    if (!wanted) {
      control.pop_front();
      continue;
    }
    raft::EntryRange range{entry.at, entry.at + 1, {{entry.term, entry.at}}, {}, 0};
    ReplicaState next = memory;
    if (entry.membership) {
      range.memberships.push_back({entry.at, *entry.membership});
      next.placed.push_back(range.memberships.front());
      if (!mutant(Mutant::kStateAfterLog) && !keep_going(remember(next))) return;
    }
    Bytes batch = entry.membership ? make_membership_batch(*entry.membership, clock.wall())
                                   : make_term_opening(clock.wall());
    range.bytes = batch.size();
    const auto appended = log->append(batch, entry.term);
    if (!appended) {
      static_cast<void>(keep_going(fail(appended.error())));
      return;
    }
    memory = std::move(next);
    if (producers) producers->appended(batch);
    control.pop_front();
    if (const Status known = group->appended(range, now_ms()); !known) die(known.error());
  }
}

// --- reads for peers

void Replica::State::nothing_to_send(const raft::ReadForPeer& read) {
  group->send_range(read, {read.from, read.from, {}, {}, 0}, now_ms());
}

void Replica::State::send_range(const raft::ReadForPeer& read, const storage::ReadResult& found) {
  const auto range = describe_batches(found.batches.view(), read.from, Checksums::kAlreadyVerified);
  if (!range || range->empty()) {
    nothing_to_send(read);
    return;
  }
  if (pace != nullptr && may_wait(read)) pace->sent(range->bytes, now_ms());
  std::erase_if(sendable, [&](const Sendable& old) { return old.to == read.to; });
  sendable.push_back({read.to, *range, found.batches});
  group->send_range(read, *range, now_ms());
}

// What a member lacks can wait when it lacks much of what is committed; not when producers wait
// because nothing is committed without it.
bool Replica::State::may_wait(const raft::ReadForPeer& read) const {
  const Offset committed = group->committed();
  const bool producers_wait =
      committed < log->log_end() && now_ms() - commit_waits_since_ms >= options.raft.heartbeat_ms;
  if (producers_wait || committed <= read.from) return false;
  if (log->size_bytes() <= kLateBytes) return false;
  return storage::bytes_between(log->segments(), read.from, committed) > kLateBytes;
}

void Replica::State::carry_out_paced() {
  for (const raft::ReadForPeer& read : std::exchange(paced, {})) {
    if (!ended) carry_out(read);
  }
}

void Replica::State::carry_out(const raft::ReadForPeer& read) {
  std::uint64_t max_bytes = read.max_bytes;
  if (pace != nullptr && may_wait(read)) {
    if (!pace->admits(now_ms())) {
      std::erase_if(paced, [&](const raft::ReadForPeer& old) { return old.to == read.to; });
      paced.push_back(read);
      return;
    }
    max_bytes = std::min(max_bytes, pace->piece_bytes(now_ms()));
  }
  const auto found = log->read(read.from, max_bytes, storage::ReadUpTo::kEnd, /*cached_only=*/true);
  if (found) {
    send_range(read, *found);
    return;
  }
  if (found.error().code() == Errc::kWouldBlock) {
    auto later = log->prepare_read(read.from, max_bytes, storage::ReadUpTo::kEnd);
    if (later) {
      cold.emplace(next_cold, ColdRead{read, group->log_version(), *std::move(later)});
      out.cold_reads.push_back(next_cold++);
      return;
    }
  }
  nothing_to_send(read);
  look_for_damage();
}

// --- messages

std::optional<SharedBytes> Replica::State::attachment_of(const raft::AppendRequest& request,
                                                         raft::NodeId to) {
  if (request.range.empty()) return SharedBytes();
  const auto found = std::ranges::find_if(
      sendable, [&](const Sendable& one) { return one.to == to && one.range == request.range; });
  if (found == sendable.end()) return std::nullopt;
  SharedBytes batches = std::move(found->batches);
  sendable.erase(found);
  return batches;
}

void Replica::State::send(raft::Envelope envelope) {
  std::optional<SharedBytes> attachment = SharedBytes();
  PeerMessage beside;
  if (std::holds_alternative<raft::AppendReply>(envelope.message)) {
    beside.wants = std::exchange(wanted, std::nullopt);
    beside.settled_end = settled_here();
  }
  if (const auto* append = std::get_if<raft::AppendRequest>(&envelope.message)) {
    attachment = attachment_of(*append, envelope.to);
    if (options.state == nullptr) beside.log_start = visible_start();
    beside.digest = digest_for(envelope.to);
    beside.settled_by_all = settled_by_all();
    beside.tombstones_gone_below = memory.tombstones_gone_below;
  } else if (const auto* install = std::get_if<raft::InstallRequest>(&envelope.message);
             install != nullptr && options.state != nullptr) {
    auto state = options.state->state_at(install->start);
    if (!state) {
      group->install_failed(envelope.to, now_ms());
      return;
    }
    attachment = *std::move(state);
  } else if (install != nullptr && producers) {
    attachment = producers->to_send(install->start.end);
  }
  // Without its batches an append is lost on the way, as any message may be.
  if (!attachment) return;
  beside.envelope = std::move(envelope);
  beside.attachment = *std::move(attachment);
  out.messages.push_back(std::move(beside));
}

}  // namespace penstock::broker
