// What a leader sends: batches to append, or a new beginning.
//
// Order of an append: the batches are checked against their message; then what contradicts them is
// cut (durable when it returns); then the side file lists the memberships that come; then the
// batches are written. A crash behind any step leaves a log that the next open understands.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mutant.h"
#include "broker/host/replica_parts.h"
#include "protocol/record/batch.h"

namespace penstock::broker {
namespace {

// The batches from the one that begins at `from`; none when there is no such one.
std::optional<ByteView> batches_from(ByteView batches, Offset from) {
  for (ByteView rest = batches; !rest.empty();) {
    const auto batch = record::BatchView::parse(rest);
    if (!batch || batch->base_offset() > from) return std::nullopt;
    if (batch->base_offset() == from) return rest;
    rest = rest.subspan(batch->size());
  }
  return std::nullopt;
}

bool are_described_by(ByteView batches, const raft::EntryRange& range) {
  const auto trust =
      mutant(Mutant::kTrustsPeers) ? Checksums::kAlreadyVerified : Checksums::kVerify;
  const auto found = describe_batches(batches, range.begin, trust);
  return found && found->begin == range.begin && found->end == range.end &&
         found->runs == range.runs && found->memberships == range.memberships;
}

}  // namespace

bool Replica::State::cut(Offset from) {
  const Status status = cut_log(from);
  if (status) {
    memory.truncate(from);
    if (producers) producers->truncated(from);
    out.truncated_to = std::min(out.truncated_to.value_or(from), from);
    return true;
  }
  ++stats.refused_appends;
  const Errc code = status.error().code();
  if (code == Errc::kInvalidArgument || code == Errc::kOffsetOutOfRange) {
    contradict("a leader's log parts from this one where no batch begins: " +
               status.error().message());
    return false;
  }
  // It parts from the leader's inside of what is damaged, which the leader therefore cannot mend.
  if (code == Errc::kCorrupt && !log->damage().empty()) {
    cut_at_damage();
    return false;
  }
  static_cast<void>(keep_going(status));
  return false;
}

bool Replica::State::append_accepted(const raft::Accept& accept, ByteView batches) {
  std::optional<ReplicaState> wanted;
  if (!accept.range.memberships.empty()) {
    wanted = memory;
    wanted->placed.insert(wanted->placed.end(), accept.range.memberships.begin(),
                          accept.range.memberships.end());
    if (!mutant(Mutant::kStateAfterLog) && !keep_going(remember(*wanted))) return false;
  }
  const auto appended = log->append_assigned(batches);
  if (!appended) {
    static_cast<void>(keep_going(fail(appended.error())));
    return false;
  }
  if (wanted) memory = *std::move(wanted);
  if (producers) producers->appended(batches);
  return true;
}

void Replica::State::carry_out(const raft::Accept& accept, const PeerMessage* incoming) {
  const auto* request =
      incoming ? std::get_if<raft::AppendRequest>(&incoming->envelope.message) : nullptr;
  PENSTOCK_ASSERT(request != nullptr, "an append is accepted when it comes");
  const auto batches = batches_from(incoming->attachment.view(), accept.append_from);
  if (!batches || !are_described_by(*batches, accept.range)) {
    ++stats.bad_attachments;
    return;
  }
  if (!has_had_tombstones(incoming->tombstones_gone_below, accept.append_from)) {
    ++stats.refused_appends;
    no_appends_before_ms = now_ms() + options.raft.heartbeat_ms;
    return;
  }
  if (accept.truncate_to && !cut(*accept.truncate_to)) return;
  raft::Accept done = accept;
  if (!append_accepted(accept, *batches)) {
    ++stats.refused_appends;
    no_appends_before_ms = now_ms() + options.raft.heartbeat_ms;
    if (ended) return;
    // At most the cut was carried out. The answer says what is here, and what repair wants: under
    // load there may be no other occasion.
    done.range = {accept.append_from, accept.append_from, {}, {}, 0};
  }
  static_cast<void>(group->accepted(done, now_ms()));  // what it cannot accept is its fault
  tell_durable();
}

void Replica::State::carry_out(const raft::InstallRequest& install, const PeerMessage* incoming) {
  const bool comes_now =
      incoming && std::holds_alternative<raft::InstallRequest>(incoming->envelope.message);
  PENSTOCK_ASSERT(comes_now, "a new beginning is made when it comes");
  ++stats.refused_installs;  // taken back when it is done
  if (options.state != nullptr &&
      !keep_going(options.state->install(install.start, incoming->attachment.view()))) {
    return;
  }
  if (producers &&
      !keep_going(producers->install(install.start.end, incoming->attachment.view()))) {
    return;
  }
  ReplicaState announced = memory;
  announced.reset = {install.start, install.membership};
  if (!keep_going(remember(announced))) return;
  if (!keep_going(log->reset_to(install.start.end, install.start.term))) return;
  --stats.refused_installs;
  if (producers) producers->was_reset(install.start.end);
  memory.base = install.membership;
  memory.base_is_known = true;
  memory.placed.clear();
  memory.committed = install.start.end;
  out.was_reset = true;
  out.truncated_to.reset();
  // On a full disk, the announcement says it as well.
  if (!keep_going(remember(memory)) && ended) return;
  static_cast<void>(group->was_reset(install, now_ms()));
  tell_durable();
}

}  // namespace penstock::broker
