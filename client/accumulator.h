// Accumulator: where records become batches: one open batch a partition, closed when it is full and
// taken when it is due.
//
// Invariants: memory_bytes() counts every record from append() until release(), and append()
// refuses what would go over the limit (unless nothing at all is held: one record always fits).
// Batches of a partition are taken in the order of their records. An open batch that is due but
// cannot be sent goes on taking records: while a request is under way, what queues up behind it
// becomes one batch, not many. Threads: one at a time (client/intake.h puts its lock around this).
// Time: `clock` is read when a batch is opened.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "client/batch.h"
#include "client/config.h"
#include "client/partitioner.h"

namespace penstock::client {

class Accumulator {
 public:
  enum class Admission { kAccepted, kTopicNotKnown, kMemoryFull };

  Accumulator(const ProducerConfig& config, const Clock& clock, std::uint32_t sticky_start);

  // Makes a topic known, or changes its number of partitions; it has fewer only after it was
  // deleted and created again: what is open of the others is closed, and their slots are given up.
  // The slots of its partitions, by number.
  const std::vector<Slot>& set_topic(std::string_view name, std::uint32_t partitions);
  // The topic is to be looked up again before it takes more records.
  void forget_topic(std::string_view name);

  // kUnknownPartition, kRecordTooLarge. A ticket other than 0 makes the record's batch due at once.
  Result<Admission> append(const ProducerRecord& record, Timestamp timestamp, Ticket ticket);
  bool has_room(std::size_t bytes) const {
    return memory_bytes_ == 0 || memory_bytes_ + bytes <= memory_limit_bytes_;
  }
  static std::size_t memory_of(const ProducerRecord& record);

  // Closes every open batch now: they are due.
  void close_all();
  // Whoever waits for memory waits for what is open: it is due without lingering.
  void hurry();

  // Moves out all closed batches, and open ones that are due at `now` and whose slot is sendable,
  // or that were opened before `too_old` (whoever takes those lets them fail). Due ones that are
  // not sendable are deferred: next_due() speaks of nothing but the end of their delivery timeout
  // until they were asked for again.
  using Sendable = std::function<bool(Slot)>;
  std::vector<DraftBatch> take(Instant now, Instant too_old, const Sendable& sendable);
  // When take() would find something; Instant::max(): not before another append.
  Instant next_due() const { return next_due_; }

  // Keeps the builder of a batch that was encoded for the next batch of its slot: it knows how
  // large its buffer should be.
  void give_back(Slot slot, record::BatchBuilder builder);
  void release(std::size_t bytes);

  std::size_t memory_bytes() const { return memory_bytes_; }
  PartitionId partition_of(Slot slot) const { return partitions_[slot].id; }
  const std::string& topic_of(Slot slot) const { return *partitions_[slot].topic; }
  // Id of the batch that was opened last; 0: none yet.
  std::uint64_t newest_batch() const { return next_id_ - 1; }
  std::size_t open_batches() const { return open_.size(); }

 private:
  struct Topic {
    std::vector<Slot> slots;
    StickyPartitioner sticky;
    bool known = true;
  };
  struct Partition {
    const std::string* topic = nullptr;  // key in topics_
    Topic* owner = nullptr;
    PartitionId id;
    std::optional<DraftBatch> open;
    bool urgent = false;    // do not linger
    bool deferred = false;  // due, and waiting for its turn
    record::BatchBuilder spare;
  };

  Topic* find(std::string_view name);
  Result<Slot> choose(Topic& topic, const ProducerRecord& record) const;
  Status check_size(std::size_t bytes) const;
  DraftBatch& open(Partition& partition, Slot slot);
  void close(Partition& partition);
  Instant due_at(const Partition& partition) const;

  const ProducerConfig config_;
  const Clock& clock_;
  const std::size_t memory_limit_bytes_;
  std::uint32_t sticky_start_;

  std::map<std::string, Topic, std::less<>> topics_;
  const std::string* last_name_ = nullptr;  // of the topic that was found last
  Topic* last_topic_ = nullptr;
  std::vector<Partition> partitions_;  // by slot
  std::vector<Slot> open_;             // slots with an open batch, oldest first
  std::vector<DraftBatch> closed_;
  std::uint64_t next_id_ = 1;
  std::size_t memory_bytes_ = 0;
  Instant next_due_ = Instant::max();
};

}  // namespace penstock::client
