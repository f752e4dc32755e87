// CheckpointQueue: writes the checkpoints that bound recovery, for the partitions of one shard.
//
// A partition joins with its first append after a checkpoint and leaves when a checkpoint covers
// all of it; the timer runs only while somebody is listed, so an idle shard never wakes. Threads:
// the shard's; the writing runs on the background pool. Lifetime: as FlushQueue; stop() before the
// shard goes.
#pragma once

#include <list>
#include <memory>

#include "base/clock.h"
#include "base/task.h"

namespace penstock::broker {

class Partition;

class CheckpointQueue {
 public:
  CheckpointQueue(asio::any_io_executor shard, asio::any_io_executor background, const Clock& clock)
      : shard_(shard), background_(std::move(background)), clock_(clock), timer_(shard) {}

  // Precondition: not listed.
  void add(std::shared_ptr<Partition> dirty);
  // No further checkpoint is begun; those under way complete.
  void stop();

 private:
  void arm();
  void begin_due();
  void run(std::shared_ptr<Partition> partition);

  asio::any_io_executor shard_;
  asio::any_io_executor background_;
  const Clock& clock_;
  asio::steady_timer timer_;
  bool armed_ = false;
  bool stopped_ = false;
  std::size_t under_way_ = 0;
  std::list<std::shared_ptr<Partition>> listed_;
};

}  // namespace penstock::broker
