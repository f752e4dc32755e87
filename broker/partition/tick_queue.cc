#include "broker/partition/tick_queue.h"

#include <algorithm>
#include <chrono>

#include "broker/partition/limits.h"
#include "broker/partition/partition.h"

namespace penstock::broker {

std::int64_t TickQueue::slot_of(std::int64_t due_ms) const {
  const std::int64_t at_ms = std::max(due_ms, now_ms() + 1);
  return (at_ms + kTickSlotMs - 1) / kTickSlotMs * kTickSlotMs;
}

void TickQueue::add(std::weak_ptr<Partition> partition, std::int64_t at_ms) {
  line_.push({at_ms, std::move(partition)});
  arm();
}

void TickQueue::stop() {
  stopped_ = true;
  timer_.cancel();
  line_ = {};
}

void TickQueue::arm() {
  if (running_ || stopped_ || line_.empty()) return;
  const std::int64_t at_ms = line_.top().at_ms;
  if (armed_for_ms_ != 0 && armed_for_ms_ <= at_ms) return;
  armed_for_ms_ = std::max<std::int64_t>(at_ms, 1);
  // A millisecond is over when the next one begins.
  const std::int64_t wait_ms = std::max<std::int64_t>(at_ms - now_ms(), 0);
  timer_.expires_after(std::chrono::milliseconds(wait_ms + (wait_ms > 0 ? 1 : 0)));
  timer_.async_wait([this](boost::system::error_code error) {
    if (error) return;  // armed anew for an earlier time, or stopped
    armed_for_ms_ = 0;
    run_due();
  });
}

void TickQueue::run_due() {
  const std::int64_t now = now_ms();
  running_ = true;
  while (!line_.empty() && line_.top().at_ms <= now) {
    const Due due = line_.top();
    line_.pop();
    if (const auto partition = due.partition.lock()) partition->tick_due(due.at_ms);
  }
  running_ = false;
  arm();
}

}  // namespace penstock::broker
