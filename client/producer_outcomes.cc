// How batches leave a ProducerCore: delivered, given up, or taken apart to find what is to blame.
#include <utility>

#include "client/batch_split.h"
#include "client/producer_core.h"

namespace penstock::client {

BatchOutcome ProducerCore::outcome_of(Batch& batch) {
  return {.id = batch.id,
          .slot = batch.slot,
          .ledger = std::move(batch.ledger),
          .records = batch.records,
          .bytes = batch.size(),
          .last_part = batch.last_part,
          .base_offset = {},
          .receipt = {},
          .error = nullptr};
}

void ProducerCore::deliver(Batch batch, Offset base_offset, const Receipt& receipt) {
  released_bytes_ += batch.memory_bytes;
  if (batch.reported) return;  // as unknown: nothing that was said has become wrong
  BatchOutcome outcome = outcome_of(batch);
  outcome.base_offset = base_offset;
  outcome.receipt = receipt;
  // What is numbered is written once.
  outcome.may_be_twice = batch.doubt.has_value() && batch.key == 0;
  outcomes_.push_back(std::move(outcome));
}

void ProducerCore::give_up(Batch batch, const Error& error) {
  released_bytes_ += batch.memory_bytes;
  if (batch.reported) return;
  BatchOutcome outcome = outcome_of(batch);
  outcome.error = std::make_shared<const Error>(final_error(error, batch.doubt));
  outcomes_.push_back(std::move(outcome));
}

// Several batches: each is tried alone. One batch: its halves are. One record: it is to blame.
void ProducerCore::split_or_give_up(Queue& own, std::vector<Batch> batches, const Error& error) {
  if (batches.size() > 1) {
    for (Batch& batch : batches) batch.alone = true;
    requeue(own, std::move(batches));
    return;
  }
  Batch& batch = batches.front();
  if (batch.records < 2 || batch.reported) {
    abandon(batch);
    give_up(std::move(batch), error);
    return;
  }
  batch.alone = true;
  Batch whole = batch;
  auto halves = split(std::move(batch));
  if (!halves) {
    abandon(whole);
    give_up(std::move(whole), error);
    return;
  }
  if (sequences_) {
    halves->second.key = next_key_++;
    sequences_->split(whole.slot, whole.key, halves->first.records, halves->second.key);
  }
  halves->first.numbers.reset();  // they are encoded anew
  halves->second.numbers.reset();
  std::vector<Batch> parts;
  parts.push_back(std::move(halves->first));
  parts.push_back(std::move(halves->second));
  requeue(own, std::move(parts));
}

}  // namespace penstock::client
