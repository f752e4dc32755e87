// ScrubQueue: reads everything that the partitions of one shard hold, slowly and over and over, so
// that damage is found while other copies are good.
//
// Partitions take turns by pass: whose last one is oldest comes first. Threads, lifetime: as
// PacedQueue.
#pragma once

#include "broker/partition/paced_queue.h"

namespace penstock::broker {

class ScrubQueue final : public PacedQueue {
 public:
  // `bytes_per_second`: this shard's share of the broker's rate (limits.h).
  ScrubQueue(asio::any_io_executor shard, asio::any_io_executor background, const Clock& clock,
             std::uint64_t bytes_per_second);

 private:
  std::optional<Piece> next_piece() override;
  std::shared_ptr<Partition> next_due();
};

}  // namespace penstock::broker
