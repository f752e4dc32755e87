// TickQueue: wakes the replicas of one shard when consensus has something to do by the clock.
//
// One timer for all of them; who waits for nothing (an only voter, a learner without a leader) is
// not listed, so an idle shard never wakes. Deadlines are put off to the next slot, so that the
// heartbeats of hundreds of groups to one broker leave in a few frames and not each in its own. A
// deadline that moves back is left where it is and looked at again then. Threads: the shard's.
// Lifetime: partitions may go while they are listed; stop() before the shard goes.
#pragma once

#include <cstdint>
#include <memory>
#include <queue>
#include <vector>

#include "base/clock.h"
#include "base/task.h"

namespace penstock::broker {

class Partition;

class TickQueue {
 public:
  TickQueue(asio::any_io_executor shard, const Clock& clock) : clock_(clock), timer_(shard) {}

  std::int64_t now_ms() const { return clock_.steady_ns() / 1'000'000; }
  // The first moment not before `due_ms`, and not now, at which somebody may be woken.
  std::int64_t slot_of(std::int64_t due_ms) const;
  // Partition::tick_due(at_ms) is called then. `at_ms`: a slot.
  void add(std::weak_ptr<Partition> partition, std::int64_t at_ms);
  // What the timer does; public for tests, whose clock is not the timer's.
  void run_due();
  void stop();

 private:
  struct Due {
    std::int64_t at_ms;
    std::weak_ptr<Partition> partition;
    bool operator>(const Due& other) const { return at_ms > other.at_ms; }
  };
  void arm();

  const Clock& clock_;
  asio::steady_timer timer_;
  std::int64_t armed_for_ms_ = 0;  // 0: not armed
  bool running_ = false;           // who is woken lists itself again: armed once for all
  bool stopped_ = false;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> line_;
};

}  // namespace penstock::broker
