#include "client/accumulator.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "client/limits.h"

namespace penstock::client {

Accumulator::Accumulator(const ProducerConfig& config, const Clock& clock,
                         std::uint32_t sticky_start)
    : config_(config),
      clock_(clock),
      memory_limit_bytes_(config.memory_limit_bytes),
      sticky_start_(sticky_start) {}

const std::vector<Slot>& Accumulator::set_topic(std::string_view name, std::uint32_t partitions) {
  auto it = topics_.find(name);
  if (it == topics_.end()) {
    Topic fresh{.slots = {}, .sticky = StickyPartitioner(sticky_start_++), .known = true};
    it = topics_.emplace(std::string(name), std::move(fresh)).first;
  }
  Topic& topic = it->second;
  topic.known = true;
  for (std::size_t i = partitions; i < topic.slots.size(); ++i) {
    if (partitions_[topic.slots[i]].open) close(partitions_[topic.slots[i]]);
  }
  if (topic.slots.size() > partitions) topic.slots.resize(partitions);
  while (topic.slots.size() < partitions) {
    const auto slot = static_cast<Slot>(partitions_.size());
    Partition& partition = partitions_.emplace_back();
    partition.topic = &it->first;
    partition.owner = &topic;
    partition.id = PartitionId(static_cast<std::int32_t>(topic.slots.size()));
    partition.spare = record::BatchBuilder({.codec = config_.codec});
    topic.slots.push_back(slot);
  }
  return topic.slots;
}

void Accumulator::forget_topic(std::string_view name) {
  if (const auto it = topics_.find(name); it != topics_.end()) it->second.known = false;
}

Accumulator::Topic* Accumulator::find(std::string_view name) {
  if (last_name_ == nullptr || *last_name_ != name) {
    const auto it = topics_.find(name);
    if (it == topics_.end()) return nullptr;
    last_name_ = &it->first;
    last_topic_ = &it->second;
  }
  return last_topic_->known ? last_topic_ : nullptr;
}

Result<Slot> Accumulator::choose(Topic& topic, const ProducerRecord& record) const {
  const auto partitions = static_cast<std::uint32_t>(topic.slots.size());
  PartitionId partition;
  if (record.partition) {
    partition = *record.partition;
    if (partition.value() < 0 || static_cast<std::uint32_t>(partition.value()) >= partitions) {
      return fail(Errc::kUnknownPartition, std::string(record.topic) + " has partitions 0 to " +
                                               std::to_string(partitions - 1) + ", not " +
                                               std::to_string(partition.value()));
    }
  } else if (record.key) {
    partition = partition_of_key(*record.key, partitions);
  } else {
    partition = topic.sticky.current(partitions);
  }
  return topic.slots[static_cast<std::size_t>(partition.value())];
}

std::size_t Accumulator::memory_of(const ProducerRecord& record) {
  return record::BatchBuilder::max_record_size(record.key, record.value, record.headers) +
         kRecordOverheadBytes;
}

Status Accumulator::check_size(std::size_t bytes) const {
  const std::size_t limit = std::min(config_.max_record_bytes, memory_limit_bytes_);
  if (bytes <= limit) return {};
  return fail(Errc::kRecordTooLarge,
              "a record of " + std::to_string(bytes) + " bytes is over the producer's limit of " +
                  std::to_string(limit) + " (max_record_bytes, memory_limit_bytes)");
}

Result<Accumulator::Admission> Accumulator::append(const ProducerRecord& record,
                                                   Timestamp timestamp, Ticket ticket) {
  Topic* const topic = find(record.topic);
  if (topic == nullptr) return Admission::kTopicNotKnown;
  PENSTOCK_TRY_ASSIGN(const Slot slot, choose(*topic, record));
  const std::size_t memory = memory_of(record);
  const std::size_t size = memory - kRecordOverheadBytes;
  PENSTOCK_TRY(check_size(size));
  if (!has_room(memory)) return Admission::kMemoryFull;

  Partition& partition = partitions_[slot];
  if (partition.open && partition.open->builder.size() + size > config_.batch_bytes) {
    close(partition);
  }
  DraftBatch& batch = partition.open ? *partition.open : open(partition, slot);
  if (ticket != 0) {
    batch.ledger.waiting.emplace_back(static_cast<std::uint32_t>(batch.builder.record_count()),
                                      ticket);
    partition.urgent = true;
    if (!partition.deferred) next_due_ = std::min(next_due_, batch.created);
  }
  batch.builder.append(timestamp, record.key, record.value, record.headers);
  batch.ledger.tags.push_back(record.tag);
  batch.memory_bytes += memory;
  memory_bytes_ += memory;
  if (batch.builder.size() >= config_.batch_bytes) close(partition);
  return Admission::kAccepted;
}

DraftBatch& Accumulator::open(Partition& partition, Slot slot) {
  DraftBatch& batch = partition.open.emplace();
  batch.id = next_id_++;
  batch.slot = slot;
  batch.builder = std::exchange(partition.spare, record::BatchBuilder({.codec = config_.codec}));
  batch.created = now_of(clock_);
  batch.memory_bytes = kBatchOverheadBytes;
  memory_bytes_ += kBatchOverheadBytes;
  open_.push_back(slot);
  next_due_ = std::min(next_due_, due_at(partition));
  return batch;
}

void Accumulator::close(Partition& partition) {
  std::erase(open_, partition.open->slot);
  partition.owner->sticky.on_batch_closed(
      partition.id, static_cast<std::uint32_t>(partition.owner->slots.size()));
  closed_.push_back(*std::move(partition.open));
  partition.open.reset();
  partition.urgent = false;
  partition.deferred = false;
  next_due_ = Instant::min();
}

void Accumulator::close_all() {
  while (!open_.empty()) close(partitions_[open_.front()]);
}

void Accumulator::hurry() {
  for (const Slot slot : open_) {
    Partition& partition = partitions_[slot];
    partition.urgent = true;
    if (!partition.deferred) next_due_ = std::min(next_due_, due_at(partition));
  }
}

Instant Accumulator::due_at(const Partition& partition) const {
  return partition.urgent ? partition.open->created : partition.open->created + config_.linger;
}

std::vector<DraftBatch> Accumulator::take(Instant now, Instant too_old, const Sendable& sendable) {
  // A copy of the list: close() edits it.
  for (const Slot slot : std::vector<Slot>(open_)) {
    Partition& partition = partitions_[slot];
    const bool due = due_at(partition) <= now;
    const bool is_sendable = due && sendable(slot);
    if (is_sendable || partition.open->created <= too_old) {
      close(partition);
    } else {
      partition.deferred = due;
    }
  }
  next_due_ = Instant::max();
  for (const Slot slot : open_) {
    const Partition& partition = partitions_[slot];
    next_due_ =
        std::min(next_due_, partition.deferred ? partition.open->created + config_.delivery_timeout
                                               : due_at(partition));
  }
  return std::exchange(closed_, {});
}

void Accumulator::give_back(Slot slot, record::BatchBuilder builder) {
  partitions_[slot].spare = std::move(builder);
}

void Accumulator::release(std::size_t bytes) {
  PENSTOCK_ASSERT(bytes <= memory_bytes_, "released what was never charged");
  memory_bytes_ -= bytes;
}

}  // namespace penstock::client
