// What answers to fetches, and their failures, mean to a ConsumerCore.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "client/consumer_core.h"
#include "client/limits.h"

namespace penstock::client {

ConsumerCore::PlanUnderWay ConsumerCore::end_plan(std::uint64_t id) {
  const auto it = plans_.find(id);
  PENSTOCK_ASSERT(it != plans_.end(), "a plan ends once");
  PlanUnderWay plan = std::move(it->second);
  plans_.erase(it);
  --brokers_[plan.broker].fetches;
  reserved_bytes_ -= plan.reserved_bytes;
  return plan;
}

ConsumerCore::State* ConsumerCore::live(const PlanUnderWay& plan, std::size_t part) {
  const auto [seat, generation, from_replica] = plan.parts[part];
  if (seat >= seats_.size() || seats_[seat].generation != generation) return nullptr;
  seats_[seat].under_way = false;
  list(seat);
  return &seats_[seat];
}

std::vector<Disposition> ConsumerCore::on_answer(std::uint64_t id,
                                                 std::span<const FetchedPart> answers,
                                                 Instant now) {
  const PlanUnderWay plan = end_plan(id);
  std::vector<Disposition> dispositions(plan.parts.size(), Disposition::kDrop);
  bool nothing = true;
  for (std::size_t i = 0; i < plan.parts.size(); ++i) {
    State* const state = live(plan, i);
    if (state == nullptr) continue;
    if (i >= answers.size()) {
      retry_later(*state, now);
      continue;
    }
    dispositions[i] = take_part(plan.parts[i], *state, answers[i], now);
    nothing = nothing && dispositions[i] == Disposition::kEmpty;
  }
  if (!nothing || !plan.may_wait || now - plan.sent >= config_.max_wait / 2) return dispositions;
  for (const auto& [seat, generation, from_replica] : plan.parts) {
    if (seat < seats_.size() && seats_[seat].generation == generation) {
      seats_[seat].retry_at = now + kEmptyFetchPause;
    }
  }
  return dispositions;
}

Disposition ConsumerCore::take_part(const PartUnderWay& under_way, State& state,
                                    const FetchedPart& part, Instant now) {
  if (part.error) {
    part_failed(under_way, state, part, now);
    return Disposition::kDrop;
  }
  state.answered = true;
  state.failures = 0;
  state.behind_end_since.reset();
  if (!under_way.from_replica) state.seeks_leader = false;
  note_replica_answer(state, under_way.from_replica, part.bytes, now);
  if (part.bytes == 0) return Disposition::kEmpty;
  state.place.position = part.next;
  state.reached = true;
  return Disposition::kKeep;
}

// A replica that is cut off has nothing new for ever, and does not know it: from time to time the
// leader is asked whether it has.
void ConsumerCore::note_replica_answer(State& state, bool from_replica, std::size_t bytes,
                                       Instant now) {
  if (state.check_leader && !from_replica) {
    state.check_leader = false;
    state.quiet_since.reset();
    if (bytes > 0) distrust_replica(state, now);
  } else if (!from_replica || bytes > 0) {
    state.quiet_since.reset();
  } else if (!state.quiet_since) {
    state.quiet_since = now;
  } else if (now - *state.quiet_since >= kReplicaQuietTime) {
    state.check_leader = true;
  }
}

// The leader is read for a while, and another replica afterwards.
void ConsumerCore::distrust_replica(State& state, Instant now) {
  ++state.turn;
  state.leader_until = now + kReplicaPenalty;
}

void ConsumerCore::retry_later(State& state, Instant now) {
  state.retry_at = now + backoff_.pause(++state.failures, rng_);
}

void ConsumerCore::stop(Seat seat, State& state, Error error) {
  if (state.stopped && state.retry_at == Instant::max()) return;  // reported already
  state.stopped = true;
  state.retry_at = Instant::max();
  state.generation = next_generation_++;
  state.under_way = false;
  errors_.push_back(
      {seat, std::move(error).context(state.place.topic + "/" +
                                      std::to_string(state.place.id.partition.value()))});
}

void ConsumerCore::out_of_range(Seat seat, State& state, const FetchedPart& part) {
  if (config_.on_out_of_range == OnOutOfRange::kFail) {
    stop(seat, state,
         Error(Errc::kOffsetOutOfRange, "position " + std::to_string(state.place.position.value()) +
                                            ": " + part.error->message() +
                                            "; seek() to where reading shall go on"));
    return;
  }
  state.stopped = true;
  const bool to_beginning = config_.on_out_of_range == OnOutOfRange::kBeginning;
  resets_.push_back({.seat = seat,
                     .generation = state.generation,
                     .to = to_beginning ? StartAt::beginning() : StartAt::end()});
}

// A new leader learns what is committed when its first record is; until then its high watermark may
// lie below what was read from the one before it.
bool ConsumerCore::is_behind_end(State& state, const FetchedPart& part, Instant now) {
  const bool says_where = part.high_watermark > Offset(0) || part.log_start > Offset(0);
  const bool beyond = says_where && state.place.position > part.high_watermark;
  if (!beyond || !state.reached) return false;
  if (!state.behind_end_since) state.behind_end_since = now;
  return now - *state.behind_end_since < kBehindEndPatience;
}

void ConsumerCore::seek_leader(State& state) {
  state.seeks_leader = true;
  stale_topics_.insert(state.place.topic);
}

void ConsumerCore::part_failed(const PartUnderWay& under_way, State& state, const FetchedPart& part,
                               Instant now) {
  const Seat seat = under_way.seat;
  const Error& error = *part.error;
  if (under_way.from_replica) {
    // Whatever it is, the leader decides.
    distrust_replica(state, now);
    stale_topics_.insert(state.place.topic);
    retry_later(state, now);
    return;
  }
  switch (error.code()) {
    case Errc::kOffsetOutOfRange:
      if (is_behind_end(state, part, now)) {
        retry_later(state, now);
      } else {
        out_of_range(seat, state, part);
      }
      break;
    case Errc::kUnknownTopic:
    case Errc::kUnknownPartition:
    case Errc::kNotLeader:
    case Errc::kStaleEpoch:
      seek_leader(state);
      retry_later(state, now);
      break;
    case Errc::kBadChecksum:
    case Errc::kInvalidBatch:
      on_damage(seat, state.place.position, error, now);
      break;
    default:
      if (error.retriable()) {
        seek_leader(state);
        retry_later(state, now);
      } else {
        stop(seat, state, error);
      }
  }
}

void ConsumerCore::on_damage(Seat seat, Offset from, const Error& error, Instant now) {
  State& state = seats_[seat];
  const std::uint32_t damages = state.damaged_at == from ? state.damages + 1 : 1;
  // What was found behind the damage is found again, or not reached any more.
  seek(seat, from);
  state.reached = true;
  if (config_.read_from == ReadFrom::kAnyReplica) distrust_replica(state, now);
  if (damages > kMaxChecksumRetries) {
    stop(seat, state, error);
    return;
  }
  state.damaged_at = from;
  state.damages = damages;
  state.failures = damages - 1;
  retry_later(state, now);
}

void ConsumerCore::on_failure(std::uint64_t id, const Error& error, Instant now) {
  const PlanUnderWay plan = end_plan(id);
  for (std::size_t i = 0; i < plan.parts.size(); ++i) {
    State* const state = live(plan, i);
    if (state == nullptr) continue;
    // Whatever ended the request: asking again is harmless, and the broker may come back. Overload
    // alone says nothing about who leads.
    if (plan.parts[i].from_replica) {
      distrust_replica(*state, now);
    } else if (error.code() != Errc::kOverloaded && plan.broker == state->place.leader) {
      seek_leader(*state);
    }
    retry_later(*state, now);
  }
}

void ConsumerCore::on_unreachable(BrokerId id, Instant now) {
  brokers_[id].connecting_since.reset();
  for (State& state : seats_) {
    if (source(state, now) != id || !is_ready(state, now)) continue;
    if (id != state.place.leader) {
      distrust_replica(state, now);
    } else {
      seek_leader(state);
    }
    retry_later(state, now);
  }
}

void ConsumerCore::on_connecting(BrokerId id, Instant now) {
  Broker& own = brokers_[id];
  if (!own.connecting_since) own.connecting_since = now;
}

void ConsumerCore::on_throttle(BrokerId id, Instant until) {
  Broker& own = brokers_[id];
  own.throttled_until = std::max(own.throttled_until, until);
}

}  // namespace penstock::client
