// PartitionObserver: what partitions report for metrics; implemented by the server.
//
// Threads: called on the partition's shard; one observer may serve several shards.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/types.h"
#include "storage/compaction.h"

namespace penstock::broker {

class PartitionObserver {
 public:
  virtual ~PartitionObserver() = default;
  virtual void appended(std::uint64_t bytes, std::int64_t records, std::int64_t took_ns) = 0;
  // Batches that were in the log already, and not appended again.
  virtual void repeated(std::uint32_t /*batches*/) {}
  // `queued_ns`: from the first append that waits for the flush to its begin on the disk pool.
  virtual void flushed(std::int64_t queued_ns, std::int64_t took_ns) = 0;
  virtual void checkpointed(std::int64_t took_ns) = 0;
  virtual void read(std::uint64_t bytes, bool from_disk) = 0;
  virtual void retention_freed(std::uint64_t bytes) = 0;
  virtual void scrubbed(std::uint64_t /*bytes*/) {}
  // A pass of key compaction is over.
  virtual void compacted(const storage::CompactionFigures&) {}
  // ... and was not finished: damage, a full disk, or the log was cut meanwhile.
  virtual void compaction_failed() {}
  // Now; it was another number before.
  virtual void damage_changed(const TopicPartition&, std::size_t /*ranges*/) {}
};

}  // namespace penstock::broker
