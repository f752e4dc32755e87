// The producers of the model and their requests.
#include <algorithm>

#include "base/coding.h"
#include "protocol/record/sequence.h"
#include "tests/broker/producers/model_world.h"

namespace penstock::broker::model {
namespace {

constexpr std::size_t kReplicas = 3;
constexpr std::size_t kLiving = 7;
constexpr std::int64_t kDelivery = 250;  // then a producer gives a batch up
constexpr std::int64_t kPatience = 40;   // then it takes an answer for lost
constexpr std::int64_t kNetwork = 320;   // nothing arrives later than that
constexpr std::int64_t kSilence = 700;   // longer than both together
constexpr std::int64_t kExpiry = 1'500;
constexpr int kSteps = 4'000;

// Only its header matters here, and that says what the numbers say.
Bytes with_numbers(const NumberedBatch& numbers) {
  static const Bytes kOne = stored({1, 0, 0, 1}, Offset(0));
  Bytes bytes = kOne;
  store_be(bytes.data() + 23, numbers.records - 1);
  store_be(bytes.data() + 43, numbers.producer);
  store_be(bytes.data() + 51, numbers.epoch);
  store_be(bytes.data() + 53, numbers.first_sequence);
  return bytes;
}

}  // namespace

World::World(std::uint64_t seed, Tally& tally)
    : rng_(seed),
      tally_(tally),
      options_{.max_producers = 6, .expiry_ms = kExpiry, .min_silence_ms = kSilence},
      stamps_batches_(rng_.one_in(2)),
      has_large_batches_(rng_.one_in(2)) {
  for (std::size_t i = 0; i < kReplicas; ++i) replicas_.emplace_back(options_);
  elect();
}

// --- producers

Producer World::new_producer() {
  Producer producer;
  if (rng_.one_in(2)) {
    producer.name = rng_.one_in(2) ? "ann" : "bob";
    auto& [id, epoch] = names_.try_emplace(producer.name, 0, std::int16_t{-1}).first->second;
    if (id == 0) id = next_id_++;
    producer.id = id;
    producer.epoch = ++epoch;
  } else {
    producer.id = next_id_++;
  }
  return producer;
}

Sent* World::find(Producer& producer, std::uint64_t payload) {
  const auto found = std::ranges::find(producer.open, payload, &Sent::payload);
  return found == producer.open.end() ? nullptr : &*found;
}

void World::settle(Producer& producer, std::uint64_t payload, Fate fate) {
  fates_[payload] = fate;
  if (fate == Fate::kUnknown) ++tally_.unknown;
  if (fate == Fate::kDelivered) ++tally_.delivered;
  std::erase_if(producer.open, [&](const Sent& one) { return one.payload == payload; });
}

void World::stop(Producer& producer, Fate without_doubt) {
  for (const Sent& one : std::vector<Sent>(producer.open)) {
    settle(producer, one.payload, one.doubt || one.under_way ? Fate::kUnknown : without_doubt);
  }
  producer.stopped = true;
}

// What may be in the log is not sent again under another number.
void World::new_epoch(Producer& producer) {
  for (const Sent& one : std::vector<Sent>(producer.open)) {
    if (one.doubt || one.under_way) settle(producer, one.payload, Fate::kUnknown);
  }
  if (!producer.name.empty()) {
    auto& [id, epoch] = names_.at(producer.name);
    if (epoch != producer.epoch) return stop(producer, Fate::kFailed);  // fenced by the controller
    ++epoch;
  }
  ++producer.epoch;
  producer.next_sequence = 0;
  for (Sent& one : producer.open) {
    one.numbers.epoch = producer.epoch;
    one.numbers.first_sequence = producer.next_sequence;
    producer.next_sequence = record::sequence_after(producer.next_sequence, one.numbers.records);
  }
}

void World::time_out(std::size_t index) {
  Producer& producer = producers_[index];
  for (Request& request : requests_) {
    if (request.producer != index || request.given_up || request.sent + kPatience > now_) continue;
    lose(request);
  }
  const bool is_over = std::ranges::any_of(
      producer.open, [&](const Sent& one) { return one.created + kDelivery <= now_; });
  if (!is_over || producer.requests > 0) return;
  for (const Sent& one : std::vector<Sent>(producer.open)) {
    if (one.created + kDelivery > now_) continue;
    settle(producer, one.payload, one.doubt ? Fate::kUnknown : Fate::kFailed);
  }
  new_epoch(producer);
}

void World::send(std::size_t index) {
  Producer& producer = producers_[index];
  const bool goes_again =
      std::ranges::any_of(producer.open, [](const Sent& one) { return !one.under_way; });
  if (goes_again && producer.requests > 0) return;  // all of it comes back first
  if (producer.requests >= 5) return;
  if (!goes_again && !healed_ && producer.open.size() < 10) {
    for (std::uint64_t count = 1 + rng_.below(3); count > 0; --count) {
      const std::int64_t most = has_large_batches_ ? std::int64_t{1} << 26 : 20;
      const auto records =
          static_cast<std::int32_t>(1 + rng_.below(static_cast<std::uint64_t>(most)));
      producer.open.push_back(
          {.payload = next_payload_,
           .numbers = {producer.id, producer.epoch, producer.next_sequence, records},
           .created = now_});
      fates_[next_payload_++] = Fate::kOpen;
      producer.next_sequence = record::sequence_after(producer.next_sequence, records);
    }
  }
  while (producer.requests < 5) {
    Request request;
    request.producer = index;
    request.to = leader_;
    request.sent = now_;
    // With large batches, so late ones would be half of all sequences behind.
    const bool is_late = !has_large_batches_ && rng_.one_in(12);
    request.arrives = now_ + static_cast<std::int64_t>(is_late ? rng_.below(kNetwork) : 0);
    if (rng_.one_in(10)) request.to = rng_.below(kReplicas);  // somebody who led once
    const std::size_t most = producer.alone ? 1 : 1 + rng_.below(3);
    for (Sent& one : producer.open) {
      if (one.under_way || request.payloads.size() == most) continue;
      one.under_way = true;
      request.payloads.push_back(one.payload);
      request.batches = request.batches + with_numbers(one.numbers);
    }
    if (request.payloads.empty()) return;
    producer.alone = false;
    ++producer.requests;
    requests_.push_back(std::move(request));
    if (rng_.one_in(3)) return;
  }
}

void World::step_producers() {
  if (alive_.size() < kLiving && !healed_ && rng_.one_in(40)) {
    producers_.push_back(new_producer());
    alive_.push_back(producers_.size() - 1);
  }
  if (alive_.empty()) return;
  const std::size_t index = alive_[rng_.below(alive_.size())];
  Producer& producer = producers_[index];
  time_out(index);
  if (!healed_ && producer.open.empty() && producer.silent_until <= now_ && rng_.one_in(30)) {
    producer.silent_until = now_ + (rng_.one_in(3) ? 2 * kExpiry : kPatience);
  }
  if (!healed_ && rng_.one_in(200)) stop(producer, Fate::kFailed);  // its process ended
  if (producer.stopped) {
    std::erase(alive_, index);
    return;
  }
  if (producer.silent_until <= now_) send(index);
}

// --- requests

void World::lose(Request& request) {
  if (request.given_up) return;
  request.given_up = true;
  Producer& producer = producers_[request.producer];
  --producer.requests;
  for (const std::uint64_t payload : request.payloads) {
    Sent* const sent = find(producer, payload);
    if (sent == nullptr) continue;
    sent->under_way = false;
    sent->doubt = true;
  }
}

void World::refuse(Request& request, Errc code) {
  if (request.given_up) return;
  request.given_up = true;
  Producer& producer = producers_[request.producer];
  --producer.requests;
  for (const std::uint64_t payload : request.payloads) {
    if (Sent* const sent = find(producer, payload)) sent->under_way = false;
  }
  switch (code) {
    case Errc::kProducerFenced:
      return stop(producer, Fate::kFailed);
    case Errc::kUnknownProducer:
      return new_epoch(producer);
    case Errc::kDuplicateSequence:
      for (const std::uint64_t payload : request.payloads) {
        if (find(producer, payload)) settle(producer, payload, Fate::kDelivered);
      }
      return;
    case Errc::kOutOfOrderSequence:
      producer.alone = true;
      return;
    default:
      return;
  }
}

void World::receive(Request& request) {
  Replica& at = replicas_[request.to];
  // One that has not committed anything of its term does not know yet what is committed.
  const auto opening = std::ranges::find(at.log, at.term, &Entry::term);
  if (!at.leads || opening == at.log.end() || opening->batch.end > at.committed) {
    return refuse(request, Errc::kNotReady);
  }
  for (std::size_t i = 0; i < request.payloads.size(); ++i) {
    const auto batch = record::BatchView::parse(
        ByteView(request.batches).subspan(i * (request.batches.size() / request.payloads.size())));
    const NumberedBatch numbers = **numbers_of(*batch);
    if (i == 0) judge(at, numbers, request.payloads[i], at.table.check(numbers));
  }
  auto part = check_part(at.table, request.batches);
  if (!part) return complain("a part does not parse: " + part.error().to_string());
  if (part->refused) {
    const Errc code = part->refused->code();
    if (code == Errc::kProducerFenced && !request.given_up) ++tally_.fenced;
    if (code == Errc::kUnknownProducer && !request.given_up) ++tally_.unknown_producers;
    if (code == Errc::kOutOfOrderSequence) ++tally_.out_of_order;
    if (code == Errc::kOverloaded) ++tally_.overloaded;
    return refuse(request, code);
  }
  std::size_t number = 0;
  for (ByteView rest = request.batches; !rest.empty(); ++number) {
    const auto batch = record::BatchView::parse(rest);
    rest = rest.subspan(batch->size());
    Verdict& verdict = part->batches[number];
    const NumberedBatch numbers = **numbers_of(*batch);
    if (std::holds_alternative<NewBatch>(verdict)) {
      if (at.find(request.payloads[number])) complain("a batch of a part is written twice");
      const Offset base = at.end();
      const auto stamp = stamps_batches_ ? std::optional(Timestamp(now_)) : std::nullopt;
      append(at, {base, base + numbers.records, numbers, stamp}, request.payloads[number]);
      verdict = RepeatedBatch{base, base + numbers.records, false};
    }
  }
  request.verdicts = std::move(part->batches);
  request.in_log = true;
}

void World::answer_committed() {
  for (Request& request : requests_) {
    if (!request.in_log || request.given_up) continue;
    const Replica& at = replicas_[request.to];
    const Entry* const first = at.find(request.payloads.front());
    const Entry* const last = at.find(request.payloads.back());
    if (first == nullptr || last == nullptr || !at.leads) {
      lose(request);
      continue;
    }
    const bool done = std::ranges::all_of(request.verdicts, [&](const Verdict& one) {
      return std::get<RepeatedBatch>(one).end <= at.committed;
    });
    if (!done) continue;
    if (!healed_ && rng_.one_in(4)) {  // the answer gets lost
      lose(request);
      continue;
    }
    request.given_up = true;
    Producer& producer = producers_[request.producer];
    --producer.requests;
    for (std::size_t i = 0; i < request.payloads.size(); ++i) {
      if (!find(producer, request.payloads[i])) continue;
      told_[request.payloads[i]] = std::get<RepeatedBatch>(request.verdicts[i]).base;
      settle(producer, request.payloads[i], Fate::kDelivered);
    }
  }
  std::erase_if(requests_, [&](const Request& one) {
    return one.given_up && (one.received || one.sent + kNetwork <= now_);
  });
}

void World::step_requests() {
  answer_committed();
  if (requests_.empty()) return;
  // Mostly in order; sometimes one overtakes, and some come after their producer gave them up.
  std::vector<std::size_t> coming;
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    if (!requests_[i].received && requests_[i].arrives <= now_) coming.push_back(i);
  }
  if (coming.empty()) return;
  Request& request = requests_[coming[rng_.one_in(6) ? rng_.below(coming.size()) : 0]];
  if (!healed_ && rng_.one_in(12)) return lose(request);
  request.received = true;
  receive(request);
}

// --- a life

std::string World::live() {
  for (int step = 0; step < kSteps && wrong_.empty(); ++step) {
    now_ += static_cast<std::int64_t>(rng_.below(3));
    if (rng_.one_in(100)) now_ += kPatience;
    step_replicas();
    step_producers();
    step_requests();
  }
  healed_ = true;
  elect();
  for (int step = 0; step < 6'000 && wrong_.empty(); ++step) {
    ++now_;
    step_replicas();
    step_producers();
    step_requests();
    const bool idle = requests_.empty() && std::ranges::all_of(producers_, [](const Producer& one) {
                        return one.open.empty();
                      });
    if (idle) break;
  }
  if (wrong_.empty()) judge_end();
  for (const Replica& one : replicas_) {
    tally_.expired += one.table.producers().expired();
    tally_.evicted += one.table.producers().evicted();
  }
  return wrong_;
}

}  // namespace penstock::broker::model
