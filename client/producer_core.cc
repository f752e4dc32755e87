#include "client/producer_core.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/assert.h"
#include "client/limits.h"

namespace penstock::client {

ProducerCore::ProducerCore(const ProducerConfig& config, Backoff backoff, Rng rng)
    : config_(config), backoff_(backoff), rng_(rng) {}

ProducerCore::Queue& ProducerCore::queue(Slot slot) {
  if (slot >= queues_.size()) queues_.resize(slot + 1);
  return queues_[slot];
}

void ProducerCore::list(Slot slot) {
  Queue& own = queue(slot);
  if (own.listed || own.waiting.empty()) return;
  own.listed = true;
  order_.push_back(slot);
}

void ProducerCore::place(Slot slot, Target target, Instant now) {
  Queue& own = queue(slot);
  if (own.placed && own.target.id != target.id) {
    const Slot slots[] = {slot};
    remove(slots, Error(Errc::kUnknownTopic, target.topic + " was deleted, and created again"));
  }
  if (own.placed && own.target.id == target.id) {
    if (target.leader_epoch < own.target.leader_epoch) return;
    // A broker that has not heard of the leader yet says "none". As long as the leader does its
    // work, that is no reason to stop.
    const bool works = own.target.leader != kNoBroker && !own.seeks_leader && own.failures == 0;
    const bool same_epoch = target.leader_epoch == own.target.leader_epoch;
    if (target.leader == kNoBroker && same_epoch && works) target.leader = own.target.leader;
  }
  // A new leader, or a new topic of that name, is worth trying at once.
  const bool changed = own.gone || own.target.leader != target.leader ||
                       own.target.leader_epoch != target.leader_epoch;
  if (changed && target.leader != kNoBroker) {
    own.retry_at = now;
    own.failures = 0;
    own.seeks_leader = false;
  }
  own.target = std::move(target);
  own.placed = true;
  own.gone.reset();
}

void ProducerCore::remove(std::span<const Slot> slots, const Error& error) {
  for (const Slot slot : slots) {
    Queue& own = queue(slot);
    own.placed = false;
    own.gone = error;
    for (Batch& batch : std::exchange(own.waiting, {})) {
      abandon(batch);
      give_up(std::move(batch), error);
    }
  }
}

void ProducerCore::add(Batch batch) {
  const Slot slot = batch.slot;
  if (sequences_ && sequences_->fenced()) {
    give_up(std::move(batch), *sequences_->fenced());
    return;
  }
  if (const auto& gone = queue(slot).gone) {
    give_up(std::move(batch), *gone);
    return;
  }
  queue(slot).waiting.push_back(std::move(batch));
  list(slot);
}

bool ProducerCore::has_capacity(BrokerId id, Instant now) const {
  const auto it = brokers_.find(id);
  return it == brokers_.end() ||
         (it->second.calls < config_.max_in_flight_requests && it->second.throttled_until <= now);
}

bool ProducerCore::is_ready(Slot slot, Instant now) const {
  const Queue& own = queues_[slot];
  const bool may_leave =
      sequences_ ? sequences_->may_send_new(slot) || sequences_->next_again(slot) : own.parts == 0;
  return own.placed && may_leave && own.target.leader != kNoBroker && own.retry_at <= now;
}

bool ProducerCore::is_sendable(Slot slot, Instant now) const {
  if (slot >= queues_.size()) return false;
  const Queue& own = queues_[slot];
  if (own.gone) return true;
  if (own.placed && own.target.leader == kNoBroker) return own.waiting.empty() && own.parts == 0;
  // What goes again goes first.
  if (sequences_ && !sequences_->may_send_new(slot)) return false;
  return is_ready(slot, now) && has_capacity(own.target.leader, now);
}

std::vector<BrokerId> ProducerCore::brokers_with_work(Instant now) const {
  std::set<BrokerId> brokers;
  for (const Slot slot : order_) {
    const Queue& own = queues_[slot];
    if (!own.waiting.empty() && is_ready(slot, now) && has_capacity(own.target.leader, now)) {
      brokers.insert(own.target.leader);
    }
  }
  return {brokers.begin(), brokers.end()};
}

std::optional<ProduceCall> ProducerCore::next_call(BrokerId id, std::size_t max_bytes,
                                                   Instant now) {
  if (!has_capacity(id, now)) return std::nullopt;
  ProduceCall call{.id = next_call_, .broker = id, .parts = {}};
  Call under_way{.broker = id, .sent = now, .deserted = false, .parts = {}};
  std::size_t room = std::min(max_bytes, config_.max_request_bytes);
  for (std::size_t turns = order_.size(); turns > 0; --turns) {
    const Slot slot = order_.front();
    Queue& own = queues_[slot];
    const bool mine = is_ready(slot, now) && own.target.leader == id;
    if (mine && !take_part(slot, room, call.parts.empty(), call, under_way)) break;
    if (mine && !call.parts.empty()) room -= std::min(room, call.parts.back().bytes);
    order_.pop_front();
    own.listed = false;
    list(slot);
    if (call.parts.size() == kMaxPartitionsPerRequest) break;
  }
  if (call.parts.empty()) return std::nullopt;
  ++next_call_;
  ++requests_;
  ++broker(id).calls;
  broker(id).connecting_since.reset();
  calls_.emplace(call.id, std::move(under_way));
  return call;
}

// False when the slot's next batch does not fit any more. The first part always takes one.
bool ProducerCore::take_part(Slot slot, std::size_t room, bool first, ProduceCall& call,
                             Call& record) {
  Queue& own = queues_[slot];
  std::size_t left = may_go(slot);
  if (left == 0) return true;
  ProduceCall::Part part{.slot = slot,
                         .id = own.target.id,
                         .leader_epoch = own.target.leader_epoch,
                         .batches = {},
                         .bytes = 0};
  PartUnderWay under_way{.slot = slot, .leader_epoch = own.target.leader_epoch, .batches = {}};
  for (; left > 0; --left) {
    Batch& next = own.waiting.front();
    const bool fits = part.bytes + next.size() <= room;
    if (!fits && !(first && under_way.batches.empty())) break;
    if (next.alone && !under_way.batches.empty()) break;
    ++next.attempts;
    if (next.attempts > 1) ++retries_;
    const bool alone = next.alone;
    part.bytes += next.size();
    under_way.batches.push_back(std::move(next));
    own.waiting.pop_front();
    if (alone) break;
  }
  if (under_way.batches.empty()) return false;
  if (sequences_) number(slot, under_way.batches);
  for (Batch& batch : under_way.batches) {
    if (!batch.unsent.empty()) batch.bytes = SharedBytes(std::exchange(batch.unsent, {}));
    part.batches.push_back(batch.bytes);
  }
  ++own.parts;
  call.parts.push_back(std::move(part));
  record.parts.push_back(std::move(under_way));
  return true;
}

ProducerCore::Call ProducerCore::end_call(std::uint64_t id) {
  const auto it = calls_.find(id);
  PENSTOCK_ASSERT(it != calls_.end(), "a call ends once");
  Call call = std::move(it->second);
  calls_.erase(it);
  --broker(call.broker).calls;
  for (const PartUnderWay& part : call.parts) --queues_[part.slot].parts;
  return call;
}

void ProducerCore::on_answer(std::uint64_t id, std::span<const PartAnswer> answers, Instant now) {
  Call call = end_call(id);
  broker(call.broker).unreachable.reset();
  for (std::size_t i = 0; i < call.parts.size(); ++i) {
    if (i >= answers.size()) {
      part_failed(std::move(call.parts[i]),
                  Error(Errc::kInternal, "the answer leaves this part out"), Stage::kSent, now);
    } else if (answers[i].error) {
      part_failed(std::move(call.parts[i]), *answers[i].error, Stage::kAnswered, now);
    } else {
      part_delivered(std::move(call.parts[i]), answers[i]);
    }
  }
}

void ProducerCore::on_failure(std::uint64_t id, const Error& error, Stage stage, Instant now) {
  Call call = end_call(id);
  for (PartUnderWay& part : call.parts) part_failed(std::move(part), error, stage, now);
}

void ProducerCore::part_delivered(PartUnderWay part, const PartAnswer& answer) {
  Queue& own = queues_[part.slot];
  std::int64_t records = 0;
  for (const Batch& batch : part.batches) records += batch.records;
  own.failures = 0;
  own.seeks_leader = false;
  own.last_error.reset();
  if (sequences_) {
    std::vector<BatchKey> keys;
    for (const Batch& batch : part.batches) keys.push_back(batch.key);
    sequences_->delivered(part.slot, keys);
    take_settled(nullptr);
  }
  if (answer.batches.size() == part.batches.size()) {
    for (std::size_t i = 0; i < part.batches.size(); ++i) {
      deliver(std::move(part.batches[i]), answer.batches[i], answer.receipt);
    }
    list(part.slot);
    return;
  }
  if (answer.last_offset - answer.base_offset + 1 != records) {
    const Error error(Errc::kInternal, "the broker acknowledged offsets " +
                                           std::to_string(answer.base_offset.value()) + " to " +
                                           std::to_string(answer.last_offset.value()) + " for " +
                                           std::to_string(records) + " records");
    for (Batch& batch : part.batches) {
      batch.doubt = error;
      give_up(std::move(batch), error);
    }
    return;
  }
  Offset base = answer.base_offset;
  for (Batch& batch : part.batches) {
    const std::uint32_t count = batch.records;
    deliver(std::move(batch), base, answer.receipt);
    base = base + count;
  }
  list(part.slot);
}

void ProducerCore::part_failed(PartUnderWay part, const Error& error, Stage stage, Instant now) {
  Queue& own = queues_[part.slot];
  const Verdict verdict = judge(error, stage);
  if (verdict.may_be_written) {
    for (Batch& batch : part.batches) {
      if (!batch.doubt) batch.doubt = error;
    }
  }
  own.last_error = error;
  if (verdict.metadata_is_stale && own.placed) {
    // A leader that came meanwhile has not failed.
    own.seeks_leader = own.seeks_leader || part.leader_epoch == own.target.leader_epoch;
    stale_topics_.insert(own.target.topic);
  }
  NextStep next = own.gone ? NextStep::kGiveUp : verdict.next;
  if (sequences_) {
    part_ended(part, error, stage);
    // Whatever is left goes again, under the number of now.
    if (next == NextStep::kGiveUp && !own.gone) next = NextStep::kRetry;
    if (part.batches.empty()) return list(part.slot);
  }
  switch (next) {
    case NextStep::kRetry:
      // A newer leader that is known already has not failed: no pause.
      own.retry_at = own.target.leader_epoch > part.leader_epoch
                         ? now
                         : now + backoff_.pause(++own.failures, rng_);
      requeue(own, std::move(part.batches));
      break;
    case NextStep::kSplit:
      split_or_give_up(own, std::move(part.batches), error);
      break;
    case NextStep::kGiveUp:
      for (Batch& batch : part.batches) {
        abandon(batch);
        give_up(std::move(batch), error);
      }
      break;
  }
  list(part.slot);
}

// Requests may end in any order.
void ProducerCore::requeue(Queue& own, std::vector<Batch> batches) {
  for (auto it = batches.rbegin(); it != batches.rend(); ++it) {
    if (it->reported) {
      released_bytes_ += it->memory_bytes;
    } else {
      const auto behind = std::ranges::lower_bound(own.waiting, it->order(), {}, &Batch::order);
      own.waiting.insert(behind, std::move(*it));
    }
  }
}

void ProducerCore::on_throttle(BrokerId id, Instant until) {
  Broker& own = broker(id);
  own.throttled_until = std::max(own.throttled_until, until);
}

void ProducerCore::on_unreachable(BrokerId id, Error error) {
  broker(id).unreachable = std::move(error);
  broker(id).connecting_since.reset();
  for (const Slot slot : order_) {
    if (queues_[slot].target.leader != id) continue;
    queues_[slot].seeks_leader = true;
    stale_topics_.insert(queues_[slot].target.topic);
  }
}

void ProducerCore::on_connecting(BrokerId id, Instant now) {
  if (!broker(id).connecting_since) broker(id).connecting_since = now;
}

void ProducerCore::abort(const Error& reason) {
  for (Queue& own : queues_) {
    for (Batch& batch : std::exchange(own.waiting, {})) {
      const Error& why = own.last_error ? *own.last_error : reason;
      give_up(std::move(batch), Error(why).context("given up at close"));
    }
  }
  for (auto& [id, call] : calls_) {
    for (PartUnderWay& part : call.parts) {
      for (Batch& batch : part.batches) {
        if (batch.reported) continue;
        BatchOutcome outcome = outcome_of(batch);
        outcome.error = std::make_shared<const Error>(Errc::kCancelled,
                                                      "given up at close, sent and not answered");
        outcomes_.push_back(std::move(outcome));
        batch.reported = true;
      }
    }
  }
}

std::vector<BatchOutcome> ProducerCore::take_outcomes() { return std::exchange(outcomes_, {}); }
std::set<std::string> ProducerCore::take_stale_topics() { return std::exchange(stale_topics_, {}); }
std::set<BrokerId> ProducerCore::take_deserted() { return std::exchange(deserted_, {}); }
std::size_t ProducerCore::take_released_bytes() { return std::exchange(released_bytes_, 0); }

}  // namespace penstock::client
