#include "client/consumer_core.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "client/limits.h"

namespace penstock::client {

ConsumerCore::ConsumerCore(const ConsumerConfig& config, Backoff backoff, Rng rng)
    : config_(config),
      backoff_(backoff),
      rng_(rng),
      salt_(static_cast<std::uint32_t>(rng_.below(1U << 16))) {}

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
  count_sources();
}

void ConsumerCore::add(Seat seat, SeatStart start) {
  if (seat >= seats_.size()) seats_.resize(seat + 1);
  State& state = seats_[seat];
  const bool listed = state.listed;
  state = State();
  state.listed = listed;
  state.place = std::move(start);
  state.generation = next_generation_++;
  list(seat);
  count_sources();
}

void ConsumerCore::drop(Seat seat) {
  State& state = seats_[seat];
  state.place.topic.clear();
  state.dropped = true;
  state.stopped = true;
  state.retry_at = Instant::max();
  state.generation = next_generation_++;  // an answer that is under way says nothing
  state.under_way = false;
  const auto is_its = [seat](const auto& one) { return one.seat == seat; };
  std::erase_if(errors_, is_its);
  std::erase_if(resets_, is_its);
  count_sources();
}

void ConsumerCore::count_sources() {
  std::set<BrokerId> sources;
  for (const State& state : seats_) {
    if (!state.dropped) sources.insert(source(state, Instant::max()));
  }
  sources_ = sources.size();
}

BrokerId ConsumerCore::source(const State& state, Instant now) const {
  const auto& replicas = state.place.replicas;
  const bool leader_works = state.place.leader != kNoBroker && !state.seeks_leader;
  const bool wants_leader = state.check_leader || state.leader_until > now;
  if (config_.read_from == ReadFrom::kLeader || replicas.empty()) return state.place.leader;
  if (wants_leader && leader_works) return state.place.leader;
  const auto partition = static_cast<std::uint32_t>(state.place.id.partition.value());
  return replicas[(salt_ + partition + state.turn) % replicas.size()];
}

void ConsumerCore::supersede(Seat seat) {
  State& state = seats_[seat];
  if (!state.under_way || state.stopped) return;
  state.generation = next_generation_++;
  state.under_way = false;
  list(seat);
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
  state.reached = false;
  state.behind_end_since.reset();
  state.failures = 0;
  state.damaged_at = Offset(-1);
  state.retry_at = Instant::min();
  std::erase_if(errors_, [&](const SeatError& error) { return error.seat == seat; });
  list(seat);
}

void ConsumerCore::seek(Seat seat, const SeatStart& to) {
  seats_[seat].place = to;
  seek(seat, to.position);
  count_sources();
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
    state.place.replicas = known.replicas;
    list(seat);
    if (known.leader_epoch < state.place.leader_epoch) continue;
    const bool same_epoch = known.leader_epoch == state.place.leader_epoch;
    // A broker that has not heard of the leader yet says "none": no reason to leave one that works.
    const bool works = state.place.leader != kNoBroker && !state.seeks_leader;
    if (same_epoch && known.leader == kNoBroker && works) continue;
    if (same_epoch && known.leader == state.place.leader) continue;
    state.place.leader = known.leader;
    state.place.leader_epoch = known.leader_epoch;
    if (known.leader == kNoBroker) continue;
    if (!state.stopped) state.retry_at = Instant::min();
    state.failures = 0;
    state.seeks_leader = false;
    state.searches = 0;
    state.search_at = Instant::min();
    if (config_.read_from == ReadFrom::kLeader) supersede(seat);
  }
  count_sources();
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
  return !state.paused && !state.stopped && !state.under_way && source(state, now) != kNoBroker &&
         state.retry_at <= now;
}

std::vector<BrokerId> ConsumerCore::brokers_with_work(Instant now) const {
  std::set<BrokerId> brokers;
  for (const Seat seat : order_) {
    const State& state = seats_[seat];
    const BrokerId from = source(state, now);
    if (is_ready(state, now) && has_capacity(from, now)) brokers.insert(from);
  }
  return {brokers.begin(), brokers.end()};
}

// Such that two fetches to every broker fit into the memory limit: no broker waits for another.
std::size_t ConsumerCore::largest_fetch() const {
  const std::size_t share = config_.memory_limit_bytes / (2 * std::max<std::size_t>(sources_, 1));
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

  FetchPlan plan{
      .id = next_plan_, .broker = id, .any_replica = config_.read_from == ReadFrom::kAnyReplica};
  PlanUnderWay under_way{.broker = id, .sent = now};
  plan.max_bytes = std::min(largest_fetch(), std::max(free, kMinFetchBytes));
  for (std::size_t turns = order_.size(); turns > 0 && plan.parts.size() < kMaxPartitionsPerRequest;
       --turns) {
    const Seat seat = order_.front();
    order_.pop_front();
    State& state = seats_[seat];
    state.listed = false;
    if (!is_ready(state, now) || source(state, now) != id) {
      // Those that wait for something that lists them again are left out meanwhile.
      if (!state.paused && !state.stopped && !state.under_way) list(seat);
      continue;
    }
    state.under_way = true;
    plan.may_wait = plan.may_wait && state.answered && !state.check_leader;
    const bool from_replica = id != state.place.leader;
    const std::size_t max_bytes = std::min(config_.partition_fetch_bytes, plan.max_bytes);
    plan.parts.push_back({.seat = seat,
                          .id = state.place.id,
                          .leader_epoch = from_replica ? Term(-1) : state.place.leader_epoch,
                          .offset = state.place.position,
                          .max_bytes = max_bytes});
    under_way.parts.push_back({seat, state.generation, from_replica});
    under_way.reserved_bytes = std::min(plan.max_bytes, under_way.reserved_bytes + max_bytes);
  }
  if (plan.parts.empty()) return std::nullopt;
  ++next_plan_;
  ++brokers_[id].fetches;
  brokers_[id].connecting_since.reset();
  reserved_bytes_ += under_way.reserved_bytes;
  under_way.may_wait = plan.may_wait;
  plans_.emplace(plan.id, std::move(under_way));
  return plan;
}

std::vector<ConsumerCore::SeatError> ConsumerCore::take_errors() {
  return std::exchange(errors_, {});
}
std::vector<ConsumerCore::Reset> ConsumerCore::take_resets() { return std::exchange(resets_, {}); }
std::set<std::string> ConsumerCore::take_stale_topics() { return std::exchange(stale_topics_, {}); }
std::set<BrokerId> ConsumerCore::take_deserted() { return std::exchange(deserted_, {}); }

}  // namespace penstock::client
