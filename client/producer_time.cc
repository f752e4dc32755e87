// What time does to a ProducerCore: outcomes that are due, leaders that are silent, and when to
// look again.
#include <algorithm>
#include <utility>

#include "client/limits.h"
#include "client/producer_core.h"

namespace penstock::client {

void ProducerCore::tick(Instant now) {
  const Instant too_old = now - config_.delivery_timeout;
  // Those under way are older than those that wait: outcomes keep the order of the partition.
  expire_under_way(too_old);
  for (const Slot slot : order_) {
    Queue& own = queues_[slot];
    while (!own.waiting.empty() && own.waiting.front().created <= too_old) {
      const Error error = expiry_of(own, own.waiting.front());
      abandon(own.waiting.front());
      give_up(std::move(own.waiting.front()), error);
      own.waiting.pop_front();
    }
  }
  look_for_leaders(now);
}

void ProducerCore::expire_under_way(Instant too_old) {
  for (auto& [id, call] : calls_) {
    for (PartUnderWay& part : call.parts) {
      for (Batch& batch : part.batches) {
        if (batch.reported || batch.created > too_old) continue;
        const Error silence(Errc::kTimeout, "sent, and the broker has not answered yet");
        BatchOutcome outcome = outcome_of(batch);
        outcome.error =
            std::make_shared<const Error>(expired_error(delivery_timeout(), silence, silence));
        outcomes_.push_back(std::move(outcome));
        batch.reported = true;
        abandon(batch);
      }
    }
  }
}

// Others may know more than the brokers that are silent, cannot be reached, or lead no more.
void ProducerCore::look_for_leaders(Instant now) {
  for (const Slot slot : order_) {
    const Queue& own = queues_[slot];
    if (own.waiting.empty() || !own.placed || own.parts > 0) continue;
    const auto leader = brokers_.find(own.target.leader);
    const bool hangs = leader != brokers_.end() && leader->second.connecting_since &&
                       *leader->second.connecting_since + kSilencePatience <= now;
    if (own.target.leader == kNoBroker || own.seeks_leader || hangs) {
      stale_topics_.insert(own.target.topic);
    }
  }
  for (auto& [id, call] : calls_) {
    if (call.sent + kSilencePatience > now) continue;
    for (const PartUnderWay& part : call.parts) {
      if (queues_[part.slot].placed) stale_topics_.insert(queues_[part.slot].target.topic);
    }
    if (call.deserted || !is_deserted(call)) continue;
    call.deserted = true;
    deserted_.insert(call.broker);
  }
}

// A newer leader stands for a part of it: what the old one has not answered by now, it never will.
bool ProducerCore::is_deserted(const Call& call) const {
  return std::ranges::any_of(call.parts, [&](const PartUnderWay& part) {
    const Target& target = queues_[part.slot].target;
    return target.leader != kNoBroker && target.leader != call.broker &&
           target.leader_epoch > part.leader_epoch;
  });
}

Error ProducerCore::expiry_of(const Queue& own, const Batch& batch) const {
  std::optional<Error> why = own.last_error;
  const auto leader = brokers_.find(own.target.leader);
  if (!own.placed || own.target.leader == kNoBroker) {
    why = no_leader(own.target.topic, own.target.id.partition, own.target.replicas);
  } else if (leader != brokers_.end() && leader->second.unreachable) {
    why = leader->second.unreachable;
  } else if (sequences_ && sequences_->wants_identity() && no_identity_) {
    why = no_identity_;
  }
  return expired_error(delivery_timeout(), why, batch.doubt);
}

std::string ProducerCore::delivery_timeout() const {
  return "the delivery timeout of " + std::to_string(config_.delivery_timeout.count()) + " ms";
}

Instant ProducerCore::next_deadline(Instant now) const {
  Instant next = Instant::max();
  for (const Slot slot : order_) {
    const Queue& own = queues_[slot];
    if (own.waiting.empty()) continue;
    next = std::min(next, own.waiting.front().created + config_.delivery_timeout);
  }
  // Ends of pauses also where nothing waits here: what is still being collected may wait for them.
  for (const Queue& own : queues_) {
    const bool may_send =
        (sequences_ || own.parts == 0) && own.placed && own.target.leader != kNoBroker;
    if (may_send && own.retry_at > now) next = std::min(next, own.retry_at);
  }
  for (const auto& [id, own] : brokers_) {
    if (own.throttled_until > now) next = std::min(next, own.throttled_until);
    const Instant impatient = own.connecting_since.value_or(now) + kSilencePatience;
    if (own.connecting_since && impatient > now) next = std::min(next, impatient);
  }
  for (const auto& [id, call] : calls_) {
    if (call.sent + kSilencePatience > now) next = std::min(next, call.sent + kSilencePatience);
    for (const PartUnderWay& part : call.parts) {
      // In the order of their age: the first that has no outcome yet decides.
      const auto first = std::ranges::find(part.batches, false, &Batch::reported);
      if (first == part.batches.end()) continue;
      next = std::min(next, first->created + config_.delivery_timeout);
    }
  }
  return next;
}

}  // namespace penstock::client
