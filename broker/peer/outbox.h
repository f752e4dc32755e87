// Outbox: what waits to be sent to one peer, in two lanes, so that a heartbeat never stands behind
// a megabyte of batches. Pure.
//
// Invariants: within a lane a group's messages keep their order; the bounds of limits.h hold: what
// comes beyond them is dropped and counted. Between the lanes nothing is ordered, which consensus
// does not need. Threads: one.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "broker/peer/peer_codec.h"

namespace penstock::broker {

// Own connection each.
enum class Lane : std::uint8_t { kUrgent, kBulk };
inline constexpr std::array kLanes = {Lane::kUrgent, Lane::kBulk};

class Outbox {
 public:
  // False: dropped.
  bool add(GroupMessage message);
  bool empty(Lane lane) const { return queue(lane).empty(); }
  // What fits into one exchange, oldest first; one message at least when there is one.
  std::vector<GroupMessage> take(Lane lane);
  // The peer cannot be reached: what waits in the lane now is of no use to it later.
  void clear(Lane lane);

  std::uint64_t waiting_bytes() const { return bytes_; }
  std::uint64_t dropped() const { return dropped_; }

  static Lane lane_of(const GroupMessage& message);

 private:
  using Queue = std::deque<GroupMessage>;
  Queue& queue(Lane lane) { return queues_[static_cast<std::size_t>(lane)]; }
  const Queue& queue(Lane lane) const { return queues_[static_cast<std::size_t>(lane)]; }

  std::array<Queue, kLanes.size()> queues_;
  std::uint64_t bytes_ = 0;  // of attachments
  std::uint64_t dropped_ = 0;
};

}  // namespace penstock::broker
