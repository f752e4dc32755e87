#include "broker/producers/producer_table.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/assert.h"
#include "protocol/record/sequence.h"

namespace penstock::broker {

using record::sequence_after;
using record::sequence_distance;

Error refusal(const NumberedBatch& batch, const RefusedBatch& refused) {
  std::string text = "producer " + std::to_string(batch.producer) + " of epoch " +
                     std::to_string(batch.epoch) + " sends sequence " +
                     std::to_string(batch.first_sequence);
  switch (refused.code) {
    case Errc::kOutOfOrderSequence:
      text += "; " + std::to_string(refused.expected_sequence) + " is expected";
      break;
    case Errc::kProducerFenced:
      text += "; the partition knows epoch " + std::to_string(refused.epoch);
      break;
    default:
      text += ": " + std::string(info(refused.code).meaning);
      break;
  }
  return {refused.code, std::move(text)};
}

ProducerTable::ProducerTable(ProducerTableOptions options)
    : options_(options), producers_(options) {}

// --- looking

std::optional<ProducerTable::Latest> ProducerTable::latest(std::int64_t producer) const {
  if (const auto found = latest_.find(producer); found != latest_.end()) {
    const NumberedBatch& last = *at(found->second).batch.numbers;
    return Latest{last.epoch, sequence_after(last.first_sequence, last.records)};
  }
  const KnownProducer* const known = producers_.find(producer);
  if (known == nullptr) return std::nullopt;
  return Latest{known->epoch, known->next_sequence()};
}

// Newest first: what is repeated is what was sent last.
std::optional<RepeatedBatch> ProducerTable::find(const NumberedBatch& batch) const {
  const auto newest = latest_.find(batch.producer);
  for (std::uint64_t number = newest == latest_.end() ? 0 : newest->second; number >= first_number_;
       number = at(number).before) {
    const PlacedBatch& one = at(number).batch;
    if (one.numbers->epoch != batch.epoch) return std::nullopt;
    const auto behind = sequence_distance(one.numbers->first_sequence, batch.first_sequence);
    if (behind + batch.records > one.numbers->records) continue;
    const Offset base = one.base + behind;
    return RepeatedBatch{.base = base, .end = base + batch.records, .committed = false};
  }
  const KnownProducer* const known = producers_.find(batch.producer);
  if (known == nullptr || known->epoch != batch.epoch) return std::nullopt;
  const auto base = known->find(batch.first_sequence, batch.records);
  if (!base) return std::nullopt;
  return RepeatedBatch{.base = *base, .end = *base + batch.records, .committed = true};
}

Verdict ProducerTable::check(const NumberedBatch& batch) const {
  PENSTOCK_ASSERT(batch.records >= 1 && batch.records <= kMaxRunRecords, "numbers_of() says so");
  const auto known = latest(batch.producer);
  if (!known && batch.first_sequence != 0) return RefusedBatch{.code = Errc::kUnknownProducer};
  if (known && batch.epoch < known->epoch) {
    return RefusedBatch{.code = Errc::kProducerFenced, .epoch = known->epoch};
  }
  const bool is_same_epoch = known && batch.epoch == known->epoch;
  const std::int32_t expected = is_same_epoch ? known->next_sequence : 0;
  const RefusedBatch out_of_order{.code = Errc::kOutOfOrderSequence,
                                  .epoch = known ? known->epoch : batch.epoch,
                                  .expected_sequence = expected};
  if (batch.first_sequence != expected) {
    const std::int64_t behind = sequence_distance(batch.first_sequence, expected);
    // Ahead; or with records that are there and others that are not, which no producer sends.
    const bool is_old = is_same_epoch && behind <= record::kMaxSequenceDistance;
    if (!is_old || batch.records > behind) return out_of_order;
    if (const auto found = find(batch)) return *found;
    return RefusedBatch{
        .code = Errc::kDuplicateSequence, .epoch = known->epoch, .expected_sequence = expected};
  }
  const bool fits = known || producers_.has_room_for(latest_.size() + 1);
  if (!fits || uncommitted_.size() >= kMaxUncommittedBatches) {
    return RefusedBatch{.code = Errc::kOverloaded, .expected_sequence = expected};
  }
  return NewBatch{};
}

// --- following the log

void ProducerTable::appended(const PlacedBatch& batch) {
  if (batch.end <= end_) return;
  end_ = batch.end;
  if (batch.base < applied_) return;
  if (batch.numbers || batch.broker_time) {
    std::uint64_t before = 0;
    if (batch.numbers) {
      before = std::exchange(latest_[batch.numbers->producer], first_number_ + uncommitted_.size());
    }
    uncommitted_.push_back({batch, before});
  }
  settle();
}

void ProducerTable::committed(Offset up_to) {
  committed_ = std::max(committed_, up_to);
  settle();
}

void ProducerTable::settle() {
  const Offset to = std::min(committed_, end_);
  while (!uncommitted_.empty() && uncommitted_.front().batch.end <= to) {
    const PlacedBatch& first = uncommitted_.front().batch;
    producers_.apply(first);
    if (first.numbers) {
      const auto last = latest_.find(first.numbers->producer);
      if (last->second == first_number_) latest_.erase(last);
    }
    uncommitted_.pop_front();
    ++first_number_;
  }
  applied_ = std::max(applied_, to);
}

void ProducerTable::truncated(Offset to) {
  end_ = std::min(end_, to);
  while (!uncommitted_.empty() && uncommitted_.back().batch.base >= to) {
    const Uncommitted& last = uncommitted_.back();
    if (last.batch.numbers) {
      const auto latest = latest_.find(last.batch.numbers->producer);
      if (last.before >= first_number_) {
        latest->second = last.before;
      } else {
        latest_.erase(latest);
      }
    }
    uncommitted_.pop_back();
  }
}

void ProducerTable::reset(Offset start) {
  *this = ProducerTable(options_);
  applied_ = committed_ = end_ = start;
}

}  // namespace penstock::broker
