// CommittedProducers: what the committed part of a log says about producers: of each one its epoch
// and where its last batches are.
//
// Time is what brokers have stamped into the log: producers' clocks may be anywhere. Between two
// stamps it stands still, and who wrote there counts as active at the later one.
// Invariants: a pure function of the batches that were applied, in order, and of the options: the
// same log gives the same state, forgetting included, on every replica and in every life. Producers
// are ordered by their last batch, the one that was silent longest first. Threads: one at a time.
// Costs: about 140 bytes a producer that wrote to the partition alone, 400 with the most runs
// (PRODUCERMEMORY in docs/testing.md).
#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"
#include "broker/producers/limits.h"
#include "broker/producers/numbered_batch.h"

namespace penstock::broker {

struct ProducerTableOptions {
  std::size_t max_producers = kMaxProducersPerPartition;  // at most that
  std::int64_t expiry_ms = kProducerExpiryMs;
  std::int64_t min_silence_ms = kProducerMinSilenceMs;
};

// Batches of one producer and epoch that follow each other in sequence and in the log: as good as
// one large batch.
struct ProducerRun {
  std::int32_t first_sequence = 0;
  std::int32_t records = 0;
  Offset base;

  Offset end() const { return base + records; }
  friend bool operator==(const ProducerRun&, const ProducerRun&) = default;
};

struct KnownProducer {
  std::int64_t id = 0;
  std::int16_t epoch = 0;
  // No later than that it wrote its last batch: the first time that the log tells behind it. -1:
  // none yet.
  Timestamp active_at;
  std::vector<ProducerRun> runs;  // 1 to kMaxRememberedRuns, by offset

  // Of the next new batch.
  std::int32_t next_sequence() const;
  // Where these records are; none: forgotten, or never written.
  std::optional<Offset> find(std::int32_t first_sequence, std::int32_t records) const;
  friend bool operator==(const KnownProducer&, const KnownProducer&) = default;
};

// What a batch is to producers: its place, whose it is if anybody numbers it, and the time if a
// broker stamped it.
struct PlacedBatch {
  Offset base;
  Offset end;
  std::optional<NumberedBatch> numbers;
  std::optional<Timestamp> broker_time;
};

class CommittedProducers {
 public:
  explicit CommittedProducers(ProducerTableOptions options = {});
  CommittedProducers(CommittedProducers&&) = default;
  CommittedProducers& operator=(CommittedProducers&&) = default;

  // The next batch of the log. What it says is taken as it is: the leader has checked it.
  void apply(const PlacedBatch& batch);

  const KnownProducer* find(std::int64_t producer) const;
  // The one that was silent longest first.
  const std::list<KnownProducer>& all() const { return producers_; }
  std::size_t size() const { return producers_.size(); }
  // Latest time that a broker has stamped into the log; -1: none.
  Timestamp log_time() const { return log_time_; }
  // The log should be told that it is `now`: somebody is to be forgotten, room is to be made, or
  // too much has happened since it was told the last time.
  bool wants_time(Timestamp now) const;
  // Whether `newcomers` fit in without anybody being forgotten who may still repeat a batch.
  bool has_room_for(std::size_t newcomers) const;

  std::uint64_t expired() const { return expired_; }
  std::uint64_t evicted() const { return evicted_; }

  // --- for snapshots: what all() and log_time() were
  static Result<CommittedProducers> restore(ProducerTableOptions options,
                                            std::list<KnownProducer> producers, Timestamp log_time);

 private:
  void pass_time(Timestamp at);
  bool would_expire(Timestamp now) const;
  void note(std::int64_t id, const NumberedBatch& numbers, Offset base);
  void forget_oldest();

  ProducerTableOptions options_;
  std::list<KnownProducer> producers_;
  std::unordered_map<std::int64_t, std::list<KnownProducer>::iterator> by_id_;
  Timestamp log_time_;
  std::uint64_t expired_ = 0;
  std::uint64_t evicted_ = 0;
};

}  // namespace penstock::broker
