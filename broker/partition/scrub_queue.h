// ScrubQueue: reads everything that the partitions of one shard hold, slowly and over and over, so
// that damage is found while other copies are good.
//
// One piece at a time, on the background pool, and so much time between pieces that the rate is
// kept; partitions take turns by pass: whose last one is oldest comes first. Nothing is remembered
// over a restart. Threads: the shard's; the reading runs on the background pool. Lifetime:
// partitions may go while they are listed; stop() before the shard goes.
#pragma once

#include <cstdint>
#include <list>
#include <memory>

#include "base/clock.h"
#include "base/task.h"

namespace penstock::broker {

class Partition;

class ScrubQueue {
 public:
  // `bytes_per_second`: this shard's share of the broker's rate (limits.h).
  ScrubQueue(asio::any_io_executor shard, asio::any_io_executor background, const Clock& clock,
             std::uint64_t bytes_per_second);

  // Precondition: not listed.
  void add(std::weak_ptr<Partition> partition);
  // What the timer does; public for tests, whose clock is not the timer's.
  void run_due();
  // No further piece is begun; the one under way completes.
  void stop();

 private:
  using Line = std::list<std::weak_ptr<Partition>>;
  void arm(std::int64_t wait_ms);
  std::shared_ptr<Partition> next_due();
  void read_piece(std::shared_ptr<Partition> partition);

  asio::any_io_executor shard_;
  asio::any_io_executor background_;
  const Clock& clock_;
  const std::uint64_t bytes_per_second_;
  asio::steady_timer timer_;
  std::int64_t not_before_ms_;
  bool armed_ = false;
  bool under_way_ = false;
  bool stopped_ = false;
  Line line_;
};

}  // namespace penstock::broker
