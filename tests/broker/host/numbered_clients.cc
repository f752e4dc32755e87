#include "tests/broker/host/numbered_clients.h"

#include "base/assert.h"
#include "protocol/record/builder.h"

namespace penstock::broker {

Bytes numbered_batch(std::int64_t producer, std::int16_t epoch, std::int32_t sequence,
                     std::int32_t records, Timestamp at) {
  record::BatchBuilder builder(
      {.producer_id = producer, .producer_epoch = epoch, .base_sequence = sequence});
  for (std::int32_t i = 0; i < records; ++i) {
    const std::string value =
        std::to_string(producer) + " says " + std::to_string(sequence + i) + " for the first time";
    builder.append(at, std::nullopt, as_bytes(value));
  }
  auto batch = builder.build();
  PENSTOCK_ASSERT(batch.has_value(), "small batches are built");
  return *std::move(batch);
}

NumberedClients::NumberedClients(Cluster& cluster, int producers) : cluster_(cluster) {
  for (int i = 0; i < producers; ++i) producers_.emplace_back().id = 100 + i;
  cluster.on_committed = [this](ByteView batch) { committed(batch); };
}

void NumberedClients::violation(const Producer& producer, const std::string& what) {
  if (!wrong_.empty()) return;
  wrong_ = "producer " + std::to_string(producer.id) + " at sequence " +
           std::to_string(producer.next) + ": " + what;
}

void NumberedClients::committed(ByteView bytes) {
  const auto batch = record::BatchView::parse(bytes);
  const auto numbers = numbers_of(*batch);
  if (!numbers || !*numbers) return;
  auto& places = places_[(*numbers)->producer];
  const auto expected = static_cast<std::int32_t>(places.size());
  for (std::int32_t i = 0; i < (*numbers)->records; ++i) {
    const std::int32_t sequence = (*numbers)->first_sequence + i;
    if (sequence != expected + i && wrong_.empty()) {
      wrong_ = "producer " + std::to_string((*numbers)->producer) + ": sequence " +
               std::to_string(sequence) + " is committed at " +
               std::to_string(batch->base_offset().value() + i) + " where " +
               std::to_string(expected + i) + " belongs: a record twice, or out of order";
    }
    places.emplace(sequence, batch->base_offset() + i);
  }
}

void NumberedClients::look_for_answer(Producer& producer) {
  const auto [to, term, base, end] = *producer.sent;
  Member& member = cluster_.members().at(to);
  const bool leads =
      member.is_up() && member->role() == raft::Role::kLeader && member->term() == term;
  if (!leads) {
    producer.sent.reset();  // nobody will answer: again
    return;
  }
  // A dying disk may keep the judge from looking at once.
  if (member->committed() < end || cluster_.committed_end() < end) return;
  const auto& places = places_[producer.id];
  for (std::int32_t i = 0; i < producer.records; ++i) {
    const auto found = places.find(producer.next + i);
    if (found == places.end() || found->second != base + i) {
      violation(producer, "acknowledged at " + std::to_string(base.value()) +
                              ", and not what is committed there");
    }
  }
  ++acknowledged_;
  producer.next += producer.records;
  producer.records = 0;
  producer.sent.reset();
}

void NumberedClients::send(Producer& producer, Member& member) {
  if (producer.records == 0) {
    producer.records = static_cast<std::int32_t>(1 + cluster_.rng.below(4));
    producer.at = cluster_.clock.wall();
  }
  Bytes batch = numbered_batch(producer.id, 0, producer.next, producer.records, producer.at);
  const auto part = member->check_producers(batch);
  if (!part) {
    if (part.error().code() == Errc::kInvalidBatch) violation(producer, "not judged at all");
    return;
  }
  if (part->refused) {
    if (part->refused->code() != Errc::kOverloaded) violation(producer, part->refused->message());
    return;
  }
  const Term term = member->term();
  if (const auto there = part->repeated_as_one()) {
    ++repeated_;
    producer.sent = Sent{member.id, term, there->base, there->end};
    return;
  }
  const auto appended = member->append(batch);
  if (appended) producer.sent = Sent{member.id, term, appended->base_offset, appended->end};
  cluster_.drain(member);
}

void NumberedClients::step(Member& member) {
  Producer& producer = producers_[cluster_.rng.below(producers_.size())];
  if (producer.sent) look_for_answer(producer);
  // Some hear nothing and send again while the first copy is under way.
  if (producer.sent && !cluster_.rng.one_in(4)) return;
  if (member.is_up() && member->is_ready()) send(producer, member);
}

bool NumberedClients::settle(std::int64_t ms) {
  return cluster_.run_until(
      [&] {
        bool done = true;
        for (Producer& producer : producers_) {
          if (producer.sent) look_for_answer(producer);
          if (producer.records == 0) continue;
          done = false;
          Member* const leader = cluster_.leader();
          if (!producer.sent && leader != nullptr) send(producer, *leader);
        }
        return done;
      },
      ms);
}

}  // namespace penstock::broker
