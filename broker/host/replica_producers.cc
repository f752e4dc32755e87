#include "broker/host/replica_producers.h"

#include <algorithm>
#include <utility>

#include "broker/host/limits.h"
#include "storage/segment_name.h"

namespace penstock::broker {

std::string producer_file_path(const std::string& dir) {
  return dir + "/" + std::string(storage::kProducersName);
}

ReplicaProducers::ReplicaProducers(Env& env, std::string path, const TopicPartition& partition)
    : partition_(partition),
      file_(std::make_shared<ProducerFile>(env, std::move(path))),
      due_after_bytes_(kProducerSnapshotAfterBytes) {}

// --- from the disk

Result<std::optional<ProducerTable>> ReplicaProducers::restore() const {
  const auto bytes = file_->read();
  if (!bytes && bytes.error().code() == Errc::kCorrupt) return std::nullopt;
  if (!bytes) return std::unexpected(bytes.error());
  if (!*bytes) return std::nullopt;
  auto table = ProducerTable::restore(**bytes, partition_);
  if (table) return *std::move(table);
  if (table.error().code() == Errc::kCorrupt) return std::nullopt;
  return std::unexpected(std::move(table).error().context(file_->path()));
}

Status ReplicaProducers::note(storage::Log& log, ProducerTable& table, Damage damage) {
  const auto behind = [&log](Offset at) {
    for (const auto& range : log.damage()) {
      if (range.begin <= at && at < range.end) return range.end;
    }
    return at;
  };
  const auto read = [&](Offset from) -> Result<LogPiece> {
    auto found = log.read(from, kProducerRebuildReadBytes, storage::ReadUpTo::kEnd);
    if (found) {
      noted_bytes_ += found->batches.size();
      return LogPiece{std::move(found->batches), found->next};
    }
    const bool is_damaged = found.error().code() == Errc::kCorrupt;
    const Offset next = behind(from);
    if (!is_damaged || damage == Damage::kWaits || next == from) {
      return std::unexpected(found.error());
    }
    return LogPiece{{}, std::min(next, log.log_end())};
  };
  PENSTOCK_TRY(note_log(table, log.log_start(), log.log_end(), read));
  // Damage at the very end is nobody's batch.
  if (table.end() < log.log_end()) {
    table.appended({log.log_end(), log.log_end(), std::nullopt, std::nullopt});
  }
  return {};
}

Status ReplicaProducers::make(storage::Log& log, Offset committed, Damage damage) {
  table_.reset();
  noted_bytes_ = 0;
  PENSTOCK_TRY_ASSIGN(auto restored, restore());
  if (restored) file_->found(restored->applied());
  ProducerTable table = restored ? *std::move(restored) : ProducerTable();
  table.committed(committed);
  const Status noted = note(log, table, damage);
  if (!noted && noted.error().code() == Errc::kCorrupt) return {};  // not before it is mended
  PENSTOCK_TRY(noted);
  table_ = std::move(table);
  return {};
}

Status ReplicaProducers::make_anew(storage::Log& log, Offset committed, Damage damage) {
  table_.reset();
  noted_bytes_ = 0;
  ProducerTable table;
  table.committed(committed);
  PENSTOCK_TRY(note(log, table, damage));
  table_ = std::move(table);
  if (const Status replaced = file_->replace(snapshot()); !replaced) {
    table_.reset();
    return replaced;
  }
  return {};
}

// --- the log's life

void ReplicaProducers::appended(ByteView batches) {
  if (!table_) return;
  noted_bytes_ += batches.size();
  // Only bytes that are no batches are refused, and those are in no log.
  if (!note_batches(*table_, batches)) table_.reset();
}

void ReplicaProducers::committed(Offset up_to) {
  if (table_) table_->committed(up_to);
}

void ReplicaProducers::truncated(Offset to) {
  if (table_) table_->truncated(to);
}

ProducerSnapshot ReplicaProducers::snapshot() const {
  return {.bytes = table_->snapshot(partition_),
          .applied = table_->applied(),
          .history = file_->history()};
}

Status ReplicaProducers::keep(Offset start) {
  if (!table_) return {};
  const auto covers = file_->covers();
  if (covers && *covers >= start) return {};
  // What knows of nobody is made again from any log that begins here.
  if (!covers && table_->producers().size() == 0) return {};
  return file_->write(snapshot());
}

// What is sent is not always the later one: a leader that was elected a moment ago may not know of
// all commits that its followers know of.
Status ReplicaProducers::install(Offset start, ByteView snapshot) {
  installing_.reset();
  if (snapshot.empty()) return {};
  PENSTOCK_TRY_ASSIGN(auto sent, ProducerTable::restore(snapshot, partition_));
  if (sent.applied() < start) {
    return fail(Errc::kCorrupt, "the producers that were sent along are those of an older log");
  }
  if (table_ && table_->applied() >= sent.applied()) return {};
  PENSTOCK_TRY(file_->write({.bytes = Bytes(snapshot.begin(), snapshot.end()),
                             .applied = sent.applied(),
                             .history = file_->history()}));
  installing_ = std::move(sent);
  return {};
}

void ReplicaProducers::was_reset(Offset start) {
  if (installing_) {
    table_ = std::exchange(installing_, std::nullopt);
  } else if (table_ && table_->applied() >= start) {
    table_->truncated(start);
  } else {
    // What is on the disk is of before: the next make() sees that the log begins behind it.
    table_.emplace().reset(start);
  }
  noted_bytes_ = 0;
}

SharedBytes ReplicaProducers::to_send(Offset start) const {
  const bool knows_somebody = table_ && table_->producers().size() > 0;
  if (!knows_somebody || table_->applied() < start) return {};
  return SharedBytes(table_->snapshot(partition_));
}

// --- snapshots

std::optional<ProducerSnapshot> ReplicaProducers::take_due() {
  if (!table_ || noted_bytes_ < due_after_bytes_) return std::nullopt;
  if (file_->covers() && *file_->covers() >= table_->applied()) return std::nullopt;
  ProducerSnapshot due = snapshot();
  noted_bytes_ = 0;
  return due;
}

void ReplicaProducers::written(const ProducerSnapshot& snapshot) {
  const auto covers = file_->covers();
  const bool is_there = covers && *covers >= snapshot.applied;
  // Large ones are rare ones. One that failed is tried with the next checkpoint.
  due_after_bytes_ = std::max<std::uint64_t>(kProducerSnapshotAfterBytes,
                                             kProducerSnapshotCostShare * snapshot.bytes.size());
  if (!is_there) noted_bytes_ += due_after_bytes_;
}

Status ReplicaProducers::close() {
  if (!table_ || noted_bytes_ < kProducerSnapshotAtCloseBytes) return {};
  return file_->write(snapshot());
}

}  // namespace penstock::broker
