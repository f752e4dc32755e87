#include "client/consumer_core.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "client/limits.h"

namespace penstock::client {

ConsumerCore::ConsumerCore(const ConsumerConfig& config, Backoff backoff, Rng rng)
    : config_(config), backoff_(backoff), rng_(rng) {}

void ConsumerCore::assign(std::vector<SeatStart> seats) {
  seats_.clear();
  order_.clear();
  errors_.clear();
  resets_.clear();
  for (SeatStart& start : seats) {
    State& state = seats_.emplace_back();
    state.place = std::move(start);
    state.generation = next_generation_++;
    list(static_cast<Seat>(seats_.size() - 1));
  }
  count_leaders();
}

void ConsumerCore::count_leaders() {
  std::set<BrokerId> leaders;
  for (const State& state : seats_) leaders.insert(state.place.leader);
  leaders_ = leaders.size();
}

void ConsumerCore::list(Seat seat) {
  State& state = seats_[seat];
  if (state.listed) return;
  state.listed = true;
  order_.push_back(seat);
}

void ConsumerCore::seek(Seat seat, Offset to) {
  State& state = seats_[seat];
  state.place.position = to;
  state.generation = next_generation_++;
  state.stopped = false;
  state.under_way = false;  // the answer to the fetch under way is dropped by its generation
  state.answered = false;
  state.failures = 0;
  state.damaged_at = Offset(-1);
  state.retry_at = Instant::min();
  std::erase_if(errors_, [&](const SeatError& error) { return error.seat == seat; });
  list(seat);
}

void ConsumerCore::seek(Seat seat, const SeatStart& to) {
  seats_[seat].place = to;
  seek(seat, to.position);
  count_leaders();
}

bool ConsumerCore::is_current(const Reset& reset) const {
  return reset.seat < seats_.size() && seats_[reset.seat].generation == reset.generation;
}

void ConsumerCore::reset_done(const Reset& reset, Result<Offset> to, Instant now) {
  if (!is_current(reset)) return;
  State& state = seats_[reset.seat];
  if (to) {
    seek(reset.seat, *to);
  } else if (to.error().retriable()) {
    // Fetching again finds the same answer and asks for another reset.
    state.stopped = false;
    retry_later(state, now);
    list(reset.seat);
  } else {
    stop(reset.seat, state, std::move(to).error());
  }
}

void ConsumerCore::pause(Seat seat) { seats_[seat].paused = true; }

void ConsumerCore::resume(Seat seat) {
  seats_[seat].paused = false;
  list(seat);
}

void ConsumerCore::place(const TopicMetadata& topic) {
  for (Seat seat = 0; seat < seats_.size(); ++seat) {
    State& state = seats_[seat];
    if (state.place.topic != topic.name) continue;
    if (state.place.id.topic != topic.id || !topic.has(state.place.id.partition)) {
      stop(seat, state, Error(Errc::kUnknownTopic, "the topic was deleted, and created again"));
      continue;
    }
    const auto& known =
        topic.partitions[static_cast<std::size_t>(state.place.id.partition.value())];
    if (known.leader != state.place.leader) state.retry_at = Instant::min();
    state.place.leader = known.leader;
    state.place.leader_epoch = known.leader_epoch;
    list(seat);
  }
  count_leaders();
}

void ConsumerCore::topic_gone(const std::string& topic, const Error& error) {
  for (Seat seat = 0; seat < seats_.size(); ++seat) {
    if (seats_[seat].place.topic == topic) stop(seat, seats_[seat], error);
  }
}

bool ConsumerCore::has_capacity(BrokerId id, Instant now) const {
  const auto it = brokers_.find(id);
  return it == brokers_.end() ||
         (it->second.fetches < kMaxFetchesPerBroker && it->second.throttled_until <= now);
}

bool ConsumerCore::is_ready(const State& state, Instant now) const {
  return !state.paused && !state.stopped && !state.under_way && state.place.leader != kNoBroker &&
         state.retry_at <= now;
}

void ConsumerCore::tick(Instant now) {
  for (const Seat seat : order_) {
    State& state = seats_[seat];
    const bool is_wanted = !state.paused && !state.stopped && !state.under_way;
    if (!is_wanted || state.place.leader != kNoBroker || state.retry_at > now) continue;
    stale_topics_.insert(state.place.topic);
    retry_later(state, now);
  }
}

std::vector<BrokerId> ConsumerCore::brokers_with_work(Instant now) const {
  std::set<BrokerId> brokers;
  for (const Seat seat : order_) {
    const State& state = seats_[seat];
    if (is_ready(state, now) && has_capacity(state.place.leader, now)) {
      brokers.insert(state.place.leader);
    }
  }
  return {brokers.begin(), brokers.end()};
}

// Such that two fetches to every broker fit into the memory limit: no broker waits for another.
std::size_t ConsumerCore::largest_fetch() const {
  const std::size_t share = config_.memory_limit_bytes / (2 * std::max<std::size_t>(leaders_, 1));
  return std::max(std::min(config_.fetch_bytes, share), kMinFetchBytes);
}

std::optional<FetchPlan> ConsumerCore::next_fetch(BrokerId id, std::size_t held_bytes,
                                                  Instant now) {
  if (!has_capacity(id, now)) return std::nullopt;
  const std::size_t used = held_bytes + reserved_bytes_;
  const std::size_t free = config_.memory_limit_bytes - std::min(config_.memory_limit_bytes, used);
  // Whatever the limit: with nothing in memory there is room for one fetch.
  if (used > 0 && free < kMinFetchBytes) {
    starved_ = true;
    return std::nullopt;
  }

  FetchPlan plan{.id = next_plan_, .broker = id, .max_bytes = 0, .may_wait = true, .parts = {}};
  PlanUnderWay under_way{
      .broker = id, .reserved_bytes = 0, .sent = now, .may_wait = true, .parts = {}};
  plan.max_bytes = std::min(largest_fetch(), std::max(free, kMinFetchBytes));
  for (std::size_t turns = order_.size(); turns > 0 && plan.parts.size() < kMaxPartitionsPerRequest;
       --turns) {
    const Seat seat = order_.front();
    order_.pop_front();
    State& state = seats_[seat];
    state.listed = false;
    if (!is_ready(state, now) || state.place.leader != id) {
      // Those that wait for something that lists them again are left out meanwhile.
      if (!state.paused && !state.stopped && !state.under_way) list(seat);
      continue;
    }
    state.under_way = true;
    plan.may_wait = plan.may_wait && state.answered;
    const std::size_t max_bytes = std::min(config_.partition_fetch_bytes, plan.max_bytes);
    plan.parts.push_back({.seat = seat,
                          .id = state.place.id,
                          .leader_epoch = state.place.leader_epoch,
                          .offset = state.place.position,
                          .max_bytes = max_bytes});
    under_way.parts.emplace_back(seat, state.generation);
    under_way.reserved_bytes = std::min(plan.max_bytes, under_way.reserved_bytes + max_bytes);
  }
  if (plan.parts.empty()) return std::nullopt;
  ++next_plan_;
  ++brokers_[id].fetches;
  reserved_bytes_ += under_way.reserved_bytes;
  under_way.may_wait = plan.may_wait;
  plans_.emplace(plan.id, std::move(under_way));
  return plan;
}

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
  const auto [seat, generation] = plan.parts[part];
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
    dispositions[i] = take_part(plan.parts[i].first, *state, answers[i], now);
    nothing = nothing && dispositions[i] == Disposition::kEmpty;
  }
  if (!nothing || !plan.may_wait || now - plan.sent >= config_.max_wait / 2) return dispositions;
  for (const auto& [seat, generation] : plan.parts) {
    if (seat < seats_.size() && seats_[seat].generation == generation) {
      seats_[seat].retry_at = now + kEmptyFetchPause;
    }
  }
  return dispositions;
}

Disposition ConsumerCore::take_part(Seat seat, State& state, const FetchedPart& part, Instant now) {
  if (part.error) {
    part_failed(seat, state, part, now);
    return Disposition::kDrop;
  }
  state.answered = true;
  state.failures = 0;
  if (part.bytes == 0) return Disposition::kEmpty;
  state.place.position = part.next;
  return Disposition::kKeep;
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

void ConsumerCore::part_failed(Seat seat, State& state, const FetchedPart& part, Instant now) {
  const Error& error = *part.error;
  switch (error.code()) {
    case Errc::kOffsetOutOfRange:
      out_of_range(seat, state, part);
      break;
    case Errc::kUnknownTopic:
    case Errc::kUnknownPartition:
    case Errc::kNotLeader:
    case Errc::kStaleEpoch:
      stale_topics_.insert(state.place.topic);
      retry_later(state, now);
      break;
    case Errc::kBadChecksum:
    case Errc::kInvalidBatch:
      on_damage(seat, state.place.position, error, now);
      break;
    default:
      if (error.retriable()) {
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
    // Whatever ended the request: asking again is harmless, and the broker may come back.
    if (error.code() == Errc::kConnectionLost) stale_topics_.insert(state->place.topic);
    retry_later(*state, now);
  }
}

void ConsumerCore::on_unreachable(BrokerId id, Instant now) {
  for (State& state : seats_) {
    if (state.place.leader != id || !is_ready(state, now)) continue;
    stale_topics_.insert(state.place.topic);
    retry_later(state, now);
  }
}

void ConsumerCore::on_throttle(BrokerId id, Instant until) {
  Broker& own = brokers_[id];
  own.throttled_until = std::max(own.throttled_until, until);
}

Instant ConsumerCore::next_deadline(Instant now) const {
  Instant next = Instant::max();
  for (const Seat seat : order_) {
    const State& state = seats_[seat];
    if (state.paused || state.stopped || state.under_way) continue;
    if (state.retry_at > now) next = std::min(next, state.retry_at);
    const auto leader = brokers_.find(state.place.leader);
    if (leader != brokers_.end() && leader->second.throttled_until > now) {
      next = std::min(next, leader->second.throttled_until);
    }
  }
  return next;
}

std::vector<ConsumerCore::SeatError> ConsumerCore::take_errors() {
  return std::exchange(errors_, {});
}
std::vector<ConsumerCore::Reset> ConsumerCore::take_resets() { return std::exchange(resets_, {}); }
std::set<std::string> ConsumerCore::take_stale_topics() { return std::exchange(stale_topics_, {}); }

}  // namespace penstock::client
