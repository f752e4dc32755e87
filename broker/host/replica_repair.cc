// What is damaged on this disk comes from the leader, byte for byte, into its old place: nothing is
// cut, so that a replica which is damaged elsewhere loses no good copy meanwhile.
//
// Only where nobody knows their place is the log cut, and sent again from there.
//
// The member asks beside its answer to a heartbeat; the leader sends those batches as an append of
// what the member has already, which consensus answers and otherwise ignores.
#include <algorithm>
#include <utility>

#include "broker/host/limits.h"
#include "broker/host/replica_parts.h"
#include "protocol/record/batch.h"

namespace penstock::broker {

// --- member

void Replica::State::ask_for_repair() {
  if (ended || now_ms() < ask_again_ms || log->damage().empty()) return;
  const bool has_leader = group->role() == raft::Role::kFollower &&
                          group->leader() != raft::kNobody && group->leader() != options.self;
  if (!has_leader) return;
  ask_again_ms = now_ms() + options.raft.heartbeat_ms;
  const auto mendable = log->mendable(kMendBytes);
  if (!mendable) return;
  const Offset begin = *mendable ? (*mendable)->begin : Offset(0);
  asked_in_vain = begin == asked_for ? asked_in_vain + 1 : 0;
  asked_for = begin;
  if (*mendable && asked_in_vain <= kMaxAskedInVain) {
    wanted = WantedRange{begin, (*mendable)->end};
  } else {
    asked_in_vain = 0;
    cut_at_damage();
  }
}

// No index entry says where the damaged bytes belong (a file has gone with its index), or the
// leader has them no more: the log ends before them, and is sent again. Order: the side file says
// what the log had, then it is cut; after a crash in between it is cut again.
void Replica::State::cut_at_damage() {
  const auto first =
      std::ranges::min_element(log->damage(), {}, &storage::RecoveryReport::Damage::begin);
  // The damage of a file of which nothing tells what it held may lie behind the end.
  if (!cut_to_copy_again(std::clamp(first->begin, log->log_start(), log->log_end()))) return;
  ++stats.cuts_at_damage;
  carry_out();
}

bool Replica::State::cut_to_copy_again(Offset from) {
  const raft::LogPoint had = group->point_at(group->log_end());
  ReplicaState next = memory;
  next.cut =
      ReplicaState::Measure{group->term(), memory.cut ? std::max(memory.cut->had, had) : had};
  if (!next.lists_as(on_disk) && !keep_going(remember(next))) return false;
  memory = std::move(next);
  if (!keep_going(cut_log(from))) return false;
  memory.truncate(from);
  if (producers) producers->truncated(from);
  out.truncated_to = std::min(out.truncated_to.value_or(from), from);
  if (const Status known = group->cut_at_damage(from, memory.cut->had); !known) {
    die(known.error());
    return false;
  }
  return true;
}

// All that was missing before an end which was not certain is here again: the log goes on there.
// What may have followed is not known; who leads has it (lost_up_to). False: not now.
bool Replica::State::accept_end() {
  const bool is_due = log->end_of_log() != storage::EndOfLog::kCertain && log->damage().empty() &&
                      !has_always_been_alone();
  return !is_due || keep_going(cut_log(log->log_end()));
}

void Replica::State::mend_from(const PeerMessage& message) {
  const auto* append = std::get_if<raft::AppendRequest>(&message.envelope.message);
  if (append == nullptr || ended || append->range.empty() || log->damage().empty()) return;
  if (group->leader() != message.envelope.from || group->term() != append->term) return;
  const bool is_held = append->range.end <= log->log_end();
  const auto damaged = std::ranges::any_of(log->damage(), [&](const auto& range) {
    return range.begin < append->range.end && append->range.begin < range.end;
  });
  if (!is_held || !damaged) return;
  const auto found =
      describe_batches(message.attachment.view(), append->range.begin, Checksums::kVerify);
  if (!found || found->end != append->range.end) {
    ++stats.bad_attachments;
    return;
  }
  const auto mended = log->mend(message.attachment.view());
  if (!mended) {
    static_cast<void>(keep_going(fail(mended.error())));
    return;
  }
  stats.mended_runs += *mended;
  if (*mended > 0) {
    ask_again_ms = 0;
    asked_in_vain = 0;
  }
  look_for_repair();
}

// --- leader

void Replica::State::send_wanted(const PeerMessage& message) {
  if (!message.wants || ended || group->role() != raft::Role::kLeader) return;
  const raft::AppendReply* reply = std::get_if<raft::AppendReply>(&message.envelope.message);
  const bool is_member = group->membership().contains(message.envelope.from);
  if (reply == nullptr || reply->term != group->term() || !is_member) return;
  const auto [begin, end] = *message.wants;
  if (begin < log->log_start() || end > log->log_end() || begin >= end) return;
  const auto found = log->read(begin, kMaxMendBytes, end);
  if (!found) return;
  auto range = describe_batches(found->batches.view(), begin, Checksums::kAlreadyVerified);
  if (!range || range->empty()) return;  // also when no batch begins there
  raft::AppendRequest request{.term = group->term(),
                              .previous = group->point_at(begin),
                              .range = *std::move(range),
                              .commit = group->committed(),
                              .round = 0};
  out.messages.push_back(
      {{options.self, message.envelope.from, std::move(request)}, found->batches});
}

}  // namespace penstock::broker
