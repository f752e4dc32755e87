// ProducerTable: tells a new batch from one that is in the log already, for one partition.
//
// It follows the log: every append, cut and commit, on leaders and followers alike, and is never
// asked about anything that is not in it. What is committed is in CommittedProducers; what is not
// yet stands beside it, in order, and is looked at as well, so that a repetition whose first copy
// is still under way is known. A cut takes the latter's end away and needs no undoing.
//
// Invariants: committed() state is a function of the log below applied() alone; answers are one of
// the log below end(). Threads: one at a time (its replica's). Lifetime: movable; restore() gives
// another one. Failure: a refusal is a verdict with its error code; nothing here fails on what is
// in the log. Format of snapshots: docs/producers.md.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"
#include "broker/producers/committed_producers.h"
#include "broker/producers/numbered_batch.h"

namespace penstock::broker {

// It is not in the log, and nothing before it is missing: append it.
struct NewBatch {
  friend bool operator==(const NewBatch&, const NewBatch&) = default;
};
// It is in the log, there. Its answer is that of its first copy: now when that is committed,
// otherwise when (and if) end is.
struct RepeatedBatch {
  Offset base;
  Offset end;
  bool committed = false;
  friend bool operator==(const RepeatedBatch&, const RepeatedBatch&) = default;
};
// kOutOfOrderSequence, kProducerFenced, kUnknownProducer, kDuplicateSequence; kOverloaded when too
// much is not committed yet, or there are too many producers that may still repeat what they sent.
struct RefusedBatch {
  Errc code = Errc::kInternal;
  std::int16_t epoch = -1;              // that the partition knows; -1: none
  std::int32_t expected_sequence = -1;  // of the next new batch; -1: it cannot be told
  friend bool operator==(const RefusedBatch&, const RefusedBatch&) = default;
};
using Verdict = std::variant<NewBatch, RepeatedBatch, RefusedBatch>;

// "producer 7 of epoch 2 sends sequence 40; 30 is expected": what an answer says.
Error refusal(const NumberedBatch& batch, const RefusedBatch& refused);

class ProducerTable {
 public:
  explicit ProducerTable(ProducerTableOptions options = {});

  // Precondition: batch.records is in [1, kMaxRunRecords], as numbers_of() gives it.
  Verdict check(const NumberedBatch& batch) const;

  // --- the log, in its order; also for batches that nobody numbers
  // The log has a batch at its end. One that is known (it came again after a cut, or the table was
  // restored ahead of the log's start) changes nothing.
  void appended(const PlacedBatch& batch);
  // Everything below `up_to` is committed; it may be more than the log has yet.
  void committed(Offset up_to);
  // The log ends at `to` now. Committed batches may be among what is cut, when a disk has damaged
  // them: they come again as they were.
  void truncated(Offset to);
  // The log begins anew at `start`, and nobody knows what was before it.
  void reset(Offset start);

  // --- side state: the committed part
  // The same log gives the same bytes. Everything below applied() is in it; `partition` is written
  // down so that no other one takes it for its own.
  Bytes snapshot(const TopicPartition& partition) const;
  // kCorrupt: not exactly what snapshot() wrote; kForeignData: of another partition;
  // kUnsupportedVersion: a newer release wrote it. The table continues with the batch at
  // applied(), and what comes before it once more does no harm.
  static Result<ProducerTable> restore(ByteView snapshot, const TopicPartition& partition,
                                       ProducerTableOptions options = {});

  Offset applied() const { return applied_; }
  Offset end() const { return end_; }
  std::size_t uncommitted() const { return uncommitted_.size(); }
  const CommittedProducers& producers() const { return producers_; }
  // A leader whose clock says `now` should write that into the log, as a control batch.
  bool wants_time_mark(Timestamp now) const { return producers_.wants_time(now); }

 private:
  struct Uncommitted {
    PlacedBatch batch;
    std::uint64_t before = 0;  // number of the same producer's uncommitted batch before it; 0: none
  };
  struct Latest {
    std::int16_t epoch = -1;
    std::int32_t next_sequence = 0;
  };

  void settle();
  const Uncommitted& at(std::uint64_t number) const { return uncommitted_[number - first_number_]; }
  std::optional<Latest> latest(std::int64_t producer) const;
  std::optional<RepeatedBatch> find(const NumberedBatch& batch) const;

  ProducerTableOptions options_;
  CommittedProducers producers_;
  Offset applied_;
  Offset committed_;
  Offset end_;
  // Those that say something of producers, or the time; numbered from first_number_ on.
  std::deque<Uncommitted> uncommitted_;
  std::uint64_t first_number_ = 1;
  std::unordered_map<std::int64_t, std::uint64_t> latest_;  // producer: its last uncommitted batch
};

}  // namespace penstock::broker
