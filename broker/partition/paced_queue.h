// PacedQueue: work on the disk, in pieces, for the partitions of one shard: one piece at a time, on
// the background pool, and so much time between pieces that a rate is kept.
//
// Which piece is next is for its users to say (ScrubQueue, CompactionQueue). Nothing is remembered
// over a restart. Threads: the shard's; pieces run on the background pool. Lifetime: partitions may
// go while they are listed; stop() before the shard goes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/task.h"

namespace penstock::broker {

class Partition;

class PacedQueue {
 public:
  struct Pace {
    std::uint64_t bytes_per_second = 1;
    std::chrono::milliseconds start_delay;  // the first piece, from now on
    std::chrono::milliseconds idle_period;  // the next look when nothing is due
  };

  virtual ~PacedQueue() = default;

  // Precondition: not listed.
  void add(std::weak_ptr<Partition> partition);
  // What the timer does; public for tests, whose clock is not the timer's.
  void run_due();
  // No further piece is begun; the one under way completes.
  void stop();

 protected:
  PacedQueue(asio::any_io_executor shard, asio::any_io_executor background, const Clock& clock,
             const Pace& pace);

  // On the shard again: returns the bytes that count.
  using Completion = std::function<std::uint64_t()>;
  // On the pool.
  using Piece = std::function<Completion()>;
  // None: nothing is due. An empty one: look again at once.
  virtual std::optional<Piece> next_piece() = 0;

  std::int64_t now_ms() const { return clock_.steady_ns() / 1'000'000; }
  // Those that are still there; the ones for which `stays` says no are listed no longer.
  template <typename Stays>
  void visit(Stays stays) {
    std::erase_if(line_, [&](const std::weak_ptr<Partition>& one) {
      const std::shared_ptr<Partition> partition = one.lock();
      return !partition || !stays(partition);
    });
  }

 private:
  void arm(std::int64_t wait_ms);
  void run(Piece piece);

  asio::any_io_executor shard_;
  asio::any_io_executor background_;
  const Clock& clock_;
  const Pace pace_;
  asio::steady_timer timer_;
  std::int64_t not_before_ms_;
  bool armed_ = false;
  bool under_way_ = false;
  bool stopped_ = false;
  std::list<std::weak_ptr<Partition>> line_;
};

}  // namespace penstock::broker
