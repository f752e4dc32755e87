// FlushQueue: group commit for the partitions of one shard.
//
// A partition that has unflushed records is flushed at once when a place on the disk is free. While
// all are taken it waits in line, and its flush, once begun, covers everything appended until then.
// Invariants: at most `max_under_way` flushes at a time; a partition is in line or under way at
// most once; order of arrival. Threads: the shard's; the fdatasync itself runs on the disk pool.
// Lifetime: outlives every flush under way (the shard drains before it goes).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include "base/clock.h"
#include "base/task.h"

namespace penstock::broker {

class Partition;

class FlushQueue {
 public:
  FlushQueue(asio::any_io_executor shard, asio::any_io_executor disk, const Clock& clock,
             std::size_t max_under_way)
      : shard_(std::move(shard)),
        disk_(std::move(disk)),
        clock_(clock),
        max_under_way_(max_under_way) {}

  // Precondition: not in line and not under way.
  void add(std::shared_ptr<Partition> dirty);

 private:
  struct Waiting {
    std::shared_ptr<Partition> partition;
    std::int64_t since_ns;
  };
  void begin_next();
  void run(Waiting next);

  asio::any_io_executor shard_;
  asio::any_io_executor disk_;
  const Clock& clock_;
  const std::size_t max_under_way_;
  std::size_t under_way_ = 0;
  std::deque<Waiting> line_;
};

}  // namespace penstock::broker
