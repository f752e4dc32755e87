// What time does to a ConsumerCore: leaders and replicas that are silent, and when to look again.
#include <algorithm>
#include <utility>

#include "client/consumer_core.h"
#include "client/limits.h"

namespace penstock::client {

void ConsumerCore::tick(Instant now) {
  look_at_silent_plans(now);
  for (const Seat seat : order_) {
    State& state = seats_[seat];
    if (state.paused || state.stopped || state.under_way) continue;
    const auto from = brokers_.find(source(state, now));
    const bool hangs = from != brokers_.end() && from->second.connecting_since &&
                       *from->second.connecting_since + kSilencePatience <= now;
    if (hangs && from->first != state.place.leader) distrust_replica(state, now);
    if (hangs || state.seeks_leader || state.place.leader == kNoBroker) look_for_leader(state, now);
  }
}

void ConsumerCore::look_for_leader(State& state, Instant now) {
  if (state.search_at > now) return;
  stale_topics_.insert(state.place.topic);
  const Instant later = now + backoff_.pause(++state.searches, rng_);
  state.search_at = std::min(later, now + kMaxLeaderSearchPause);
}

// Reading twice does no harm: whoever is silent is not waited for when there is somebody else.
void ConsumerCore::look_at_silent_plans(Instant now) {
  for (auto& [id, plan] : plans_) {
    const auto wait = plan.may_wait ? config_.max_wait : std::chrono::milliseconds(0);
    if (plan.sent + wait + kSilencePatience > now) continue;
    bool wanted = false;
    for (const PartUnderWay& part : plan.parts) {
      const bool is_live =
          part.seat < seats_.size() && seats_[part.seat].generation == part.generation;
      if (!is_live) continue;
      State& state = seats_[part.seat];
      look_for_leader(state, now);
      if (part.from_replica) {
        distrust_replica(state, now);
        supersede(part.seat);
      } else {
        wanted = true;
      }
    }
    if (!wanted && !std::exchange(plan.deserted, true)) deserted_.insert(plan.broker);
  }
}

std::optional<Error> ConsumerCore::want_of_leader() const {
  for (const State& state : seats_) {
    if (state.paused || state.stopped || state.place.leader != kNoBroker) continue;
    return no_leader(state.place.topic, state.place.id.partition, state.place.replicas);
  }
  return std::nullopt;
}

Instant ConsumerCore::next_deadline(Instant now) const {
  Instant next = Instant::max();
  const auto at = [&](Instant due) {
    if (due > now) next = std::min(next, due);
  };
  for (const Seat seat : order_) {
    const State& state = seats_[seat];
    if (state.paused || state.stopped || state.under_way) continue;
    at(state.retry_at);
    if (state.seeks_leader || state.place.leader == kNoBroker) at(state.search_at);
    const auto from = brokers_.find(source(state, now));
    if (from == brokers_.end()) continue;
    at(from->second.throttled_until);
    if (from->second.connecting_since) {
      at(*from->second.connecting_since + kSilencePatience);
      at(state.search_at);
    }
  }
  for (const auto& [id, plan] : plans_) {
    const auto wait = plan.may_wait ? config_.max_wait : std::chrono::milliseconds(0);
    at(plan.sent + wait + kSilencePatience);
    for (const PartUnderWay& part : plan.parts) {
      if (part.seat < seats_.size()) at(seats_[part.seat].search_at);
    }
  }
  return next;
}

}  // namespace penstock::client
