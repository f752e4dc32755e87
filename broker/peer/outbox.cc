#include "broker/peer/outbox.h"

#include <utility>

#include "broker/peer/limits.h"

namespace penstock::broker {

Lane Outbox::lane_of(const GroupMessage& message) {
  return message.message.attachment.empty() ? Lane::kUrgent : Lane::kBulk;
}

bool Outbox::add(GroupMessage message) {
  const std::uint64_t size = message.message.attachment.size();
  Queue& queue = this->queue(lane_of(message));
  const bool fits = queue.size() < kMaxWaitingMessages && bytes_ + size <= kMaxWaitingBytes;
  if (!fits) {
    ++dropped_;
    return false;
  }
  bytes_ += size;
  queue.push_back(std::move(message));
  return true;
}

std::vector<GroupMessage> Outbox::take(Lane lane) {
  Queue& queue = this->queue(lane);
  std::vector<GroupMessage> taken;
  std::uint64_t size = 0;
  while (!queue.empty() && taken.size() < kMaxMessagesPerExchange) {
    const std::uint64_t next = queue.front().message.attachment.size();
    if (!taken.empty() && size + next > kMaxExchangeBytes) break;
    size += next;
    taken.push_back(std::move(queue.front()));
    queue.pop_front();
  }
  bytes_ -= size;
  return taken;
}

void Outbox::clear(Lane lane) {
  Queue& queue = this->queue(lane);
  dropped_ += queue.size();
  for (const GroupMessage& message : queue) bytes_ -= message.message.attachment.size();
  queue.clear();
}

}  // namespace penstock::broker
