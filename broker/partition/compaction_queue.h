// CompactionQueue: compacts the partitions of one shard whose topics ask for it, one pass at a
// time, so that one key map is in memory.
//
// The one that would gain most comes first. Threads, lifetime: as PacedQueue.
#pragma once

#include "base/random.h"
#include "broker/partition/paced_queue.h"
#include "storage/compaction.h"

namespace penstock::broker {

class CompactionQueue final : public PacedQueue {
 public:
  struct Limits {
    std::uint64_t bytes_per_second = 1;  // read and written; this shard's share
    std::size_t map_bytes = 0;           // of a pass
    std::uint64_t seed = 0;              // of the passes' hashes
  };
  CompactionQueue(asio::any_io_executor shard, asio::any_io_executor background, const Clock& clock,
                  const Limits& limits);

 private:
  std::optional<Piece> next_piece() override;
  bool begin_pass();

  const std::size_t map_bytes_;
  Rng rng_;
  // The pass that is under way.
  std::weak_ptr<Partition> partition_;
  std::optional<storage::CompactionTicket> pass_;
};

}  // namespace penstock::broker
