#include "tests/sim/invariants/committed_log.h"

#include <algorithm>
#include <utility>

#include "protocol/record/batch.h"

namespace penstock::sim {
namespace {

std::string where(const ReplicaView& view, Offset at) {
  return to_string(view.node) + " group " + std::to_string(view.group) + " offset " +
         std::to_string(at.value());
}

std::string to_string(const BatchName& name) {
  return "client " + std::to_string(name.client) + " epoch " + std::to_string(name.epoch) +
         " batch " + std::to_string(name.sequence);
}

}  // namespace

void CommittedLog::started(const ReplicaView& view, bool /*intact*/) {
  // What it kept must still be what was committed: everything is compared again.
  compared_[{view.node, view.group}] = view.replica.log_start();
}

void CommittedLog::stepped(const ReplicaView& view) {
  check_start(view);
  if (view.output == nullptr) return;
  if (view.output->committed || view.output->was_reset) compare(view);
  if (view.output->role_changed && view.replica.role() == raft::Role::kLeader) {
    check_new_leader(view);
  }
}

// A log begins where a batch does: nobody could send the rest of one.
void CommittedLog::check_start(const ReplicaView& view) {
  const Offset start = view.replica.log().log_start();
  Offset& before = starts_[{view.node, view.group}];
  if (start == std::exchange(before, start)) return;
  const Record& record = records_[view.group];
  if (start >= record.end || record.batches.contains(start)) return;
  violated(where(view, start) + " is its log start, and lies inside of a batch");
}

void CommittedLog::compare(const ReplicaView& view) {
  Record& record = records_[view.group];
  Offset& at = compared_[{view.node, view.group}];
  at = std::max(at, view.replica.log_start());
  const Offset end = view.replica.committed();
  while (at < end) {
    const auto read = view.replica.read(at, 256U << 10, end, false);
    if (!read) {
      // A process that dies in this very read has shown nothing yet.
      if (read.error().code() == Errc::kIoError) return;
      // Damage is found, not served; that is another invariant's concern.
      if (read.error().code() != Errc::kCorrupt) {
        violated(where(view, at) + " cannot be read: " + read.error().to_string());
      }
      at = end;
      return;
    }
    ByteView bytes = read->batches.view();
    if (bytes.empty())
      return violated(where(view, at) + ": nothing to read below the commit point");
    while (!bytes.empty()) {
      const auto batch = record::BatchView::parse(bytes);
      if (!batch || !batch->verify_crc())
        return violated(where(view, at) + " holds no valid batch");
      const BatchName name =
          batch->is_control()
              ? BatchName{}
              : BatchName{batch->producer_id(), batch->producer_epoch(), batch->base_sequence()};
      compare_batch(view, record, batch->base_offset(),
                    {batch->end_offset(), batch->leader_epoch(), batch->crc(), name});
      at = batch->end_offset();
      bytes = bytes.subspan(batch->size());
    }
  }
}

void CommittedLog::compare_batch(const ReplicaView& view, Record& record, Offset base,
                                 const Batch& batch) {
  const auto known = record.batches.find(base);
  if (known != record.batches.end()) {
    if (known->second != batch) {
      violated(where(view, base) + " holds " + to_string(batch.name) + " of term " +
               std::to_string(batch.term.value()) + ", committed was " +
               to_string(known->second.name) + " of term " +
               std::to_string(known->second.term.value()));
    }
    return;
  }
  if (base != record.end) {
    return violated(where(view, base) + " continues a record that ends at " +
                    std::to_string(record.end.value()));
  }
  record.batches.emplace(base, batch);
  record.end = batch.end;
  const Term now = view.replica.term();
  if (record.committed_in.empty() || record.committed_in.rbegin()->second < now) {
    record.committed_in.emplace(base, now);
  }
  if (batch.name == BatchName{}) return;
  if (!record.requested.contains(batch.name)) {
    violated(where(view, base) + ": nobody sent " + to_string(batch.name));
  }
  if (record.refused.contains(batch.name)) {
    violated(where(view, base) + ": " + to_string(batch.name) + " was refused");
  }
  if (!record.places.try_emplace(batch.name, base).second) {
    violated(where(view, base) + ": " + to_string(batch.name) + " stands there twice");
  }
  check_numbers(view, record, base, batch);
  const auto told = record.unseen.find(batch.name);
  if (told == record.unseen.end()) return;
  check_place(view.group, batch.name, told->second, base);
  record.unseen.erase(told);
}

void CommittedLog::check_numbers(const ReplicaView& view, Record& record, Offset base,
                                 const Batch& batch) {
  BatchName& next = record.next[batch.name.client];
  const bool is_first = batch.name.epoch > next.epoch && batch.name.sequence == 0;
  if (!is_first && batch.name != next) {
    violated(where(view, base) + ": " + to_string(batch.name) + " stands where " + to_string(next) +
             " belongs");
  }
  next = batch.name;
  next.sequence += static_cast<std::int32_t>(batch.end - base);
}

void CommittedLog::check_place(GroupNumber group, BatchName batch, Offset told, Offset found) {
  if (told == found) return;
  violated("group " + std::to_string(group) + ": " + to_string(batch) + " was acknowledged at " +
           std::to_string(told.value()) + " and stands at " + std::to_string(found.value()));
}

void CommittedLog::check_new_leader(const ReplicaView& view) {
  const Record& record = records_[view.group];
  // What was committed under an earlier leader ends where this term or a later one began to commit.
  const auto later = std::ranges::find_if(
      record.committed_in, [&](const auto& step) { return step.second >= view.replica.term(); });
  const Offset needed = later == record.committed_in.end() ? record.end : later->first;
  if (view.replica.log_end() < needed) {
    return violated(to_string(view.node) + " leads group " + std::to_string(view.group) +
                    " with a log up to " + std::to_string(view.replica.log_end().value()) +
                    ", committed before was " + std::to_string(needed.value()));
  }
  if (needed <= view.replica.log_start()) return;
  const auto last = std::prev(record.batches.lower_bound(needed));
  const Term held = view.replica.group().point_at(needed).term;
  if (held == last->second.term) return;
  violated(to_string(view.node) + " leads group " + std::to_string(view.group) + " with term " +
           std::to_string(held.value()) + " before " + std::to_string(needed.value()) +
           ", committed was " + std::to_string(last->second.term.value()));
}

void CommittedLog::requested(GroupNumber group, BatchName batch) {
  records_[group].requested.insert(batch);
}

// Nothing is said about what no comparison has reached yet (a disk that failed in the middle of
// one).
void CommittedLog::served(const ReplicaView& view, Offset from,
                          const Result<storage::ReadResult>& read) {
  if (!read) {
    const Errc code = read.error().code();
    if (code == Errc::kIoError || (code == Errc::kCorrupt && !view.intact)) return;
    return violated(where(view, from) + " cannot be read again: " + read.error().to_string());
  }
  const Record& record = records_[view.group];
  for (ByteView rest = read->batches.view(); !rest.empty();) {
    const auto batch = record::BatchView::parse(rest);
    if (!batch || !batch->verify_crc()) {
      return violated(where(view, from) + " serves no valid batch");
    }
    if (batch->base_offset() >= record.end) return;
    const auto known = record.batches.find(batch->base_offset());
    if (known == record.batches.end() || known->second.crc != batch->crc() ||
        known->second.term != batch->leader_epoch() || known->second.end != batch->end_offset()) {
      return violated(where(view, batch->base_offset()) + " serves what was not committed");
    }
    rest = rest.subspan(batch->size());
  }
}

void CommittedLog::acknowledged(GroupNumber group, BatchName batch, Offset at) {
  Record& record = records_[group];
  const auto place = record.places.find(batch);
  if (place != record.places.end()) return check_place(group, batch, at, place->second);
  record.unseen.emplace(batch, at);
}

// The only node that had shown a batch to be committed may have died in the reading of it, and the
// topic may be deleted before anybody comes to read it again.
void CommittedLog::trashed(raft::NodeId /*node*/, GroupNumber group, Gone why) {
  if (why == Gone::kTopicDeleted) records_[group].is_deleted = true;
}

void CommittedLog::ended() {
  for (const auto& [group, record] : records_) {
    if (record.is_deleted) continue;
    for (const auto& [batch, at] : record.unseen) {
      violated("group " + std::to_string(group) + ": " + to_string(batch) +
               " was acknowledged at " + std::to_string(at.value()) + " and is not there");
    }
  }
}

void CommittedLog::refused(GroupNumber group, BatchName batch) {
  Record& record = records_[group];
  record.refused.insert(batch);
  if (record.places.contains(batch)) {
    violated("group " + std::to_string(group) + ": " + to_string(batch) +
             " was refused and is committed");
  }
}

}  // namespace penstock::sim
