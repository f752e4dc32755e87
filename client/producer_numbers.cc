// What a ProducerCore does for numbered batches: Sequences decides, the queues follow.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "client/producer_core.h"
#include "protocol/record/numbers.h"

namespace penstock::client {

// --- who writes

void ProducerCore::identify(record::ProducerIdentity identity) {
  if (!sequences_) return;
  no_identity_.reset();
  sequences_->identify(identity);
  take_settled(nullptr);
}

void ProducerCore::fence(const Error& error) {
  if (!sequences_) return;
  sequences_->fence(error);
  take_settled(nullptr);
}

void ProducerCore::end_if_fenced() {
  if (!sequences_->fenced()) return;
  for (Queue& own : queues_) {
    for (Batch& batch : std::exchange(own.waiting, {})) {
      give_up(std::move(batch), *sequences_->fenced());
    }
  }
}

// --- sending

// What goes again is at the front, in its order; new ones go when nothing does.
std::size_t ProducerCore::may_go(Slot slot) const {
  const Queue& own = queues_[slot];
  if (own.waiting.empty() || !sequences_) return own.waiting.size();
  const auto is_new = [](const Batch& batch) { return batch.key == 0; };
  if (const auto again = sequences_->next_again(slot)) {
    PENSTOCK_ASSERT(own.waiting.front().key == again->key, "what goes again waits in its order");
    if (again->alone) return 1;
    const auto first_new = std::ranges::find_if(own.waiting, is_new);
    return static_cast<std::size_t>(std::distance(own.waiting.begin(), first_new));
  }
  if (!sequences_->may_send_new(slot)) return 0;
  return std::min(own.waiting.size(), record::kRememberedBatches - sequences_->open(slot));
}

void ProducerCore::number(Slot slot, std::vector<Batch>& batches) {
  std::vector<Outgoing> outgoing;
  for (Batch& batch : batches) {
    if (batch.key == 0) batch.key = next_key_++;
    outgoing.push_back({.key = batch.key, .records = batch.records});
  }
  const std::vector<Stamp> stamps = sequences_->send(slot, outgoing);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    Batch& batch = batches[i];
    if (batch.numbers == stamps[i]) continue;
    // Bytes that were sent before may still be on their way to a socket.
    if (batch.unsent.empty()) {
      const ByteView sent = batch.bytes.view();
      batch.unsent.assign(sent.begin(), sent.end());
    }
    record::assign_numbers(batch.unsent, stamps[i].producer, stamps[i].first_sequence);
    batch.numbers = stamps[i];
  }
}

// --- how parts end

void ProducerCore::part_ended(PartUnderWay& part, const Error& error, Stage stage) {
  std::vector<BatchKey> keys;
  for (const Batch& batch : part.batches) keys.push_back(batch.key);
  sequences_->failed(part.slot, keys, error, stage);
  take_settled(&part);
}

void ProducerCore::take_settled(PartUnderWay* part) {
  for (SettledBatch& settled : sequences_->take_settled()) {
    const auto take_from = [&](auto& batches) {
      const auto found = std::ranges::find(batches, settled.key, &Batch::key);
      if (found == batches.end()) return false;
      Batch batch = std::move(*found);
      batches.erase(found);
      tell(std::move(batch), settled.fate, settled.error);
      return true;
    };
    const bool is_here = part != nullptr && part->slot == settled.slot && take_from(part->batches);
    if (!is_here) take_from(queues_[settled.slot].waiting);
  }
  end_if_fenced();
}

void ProducerCore::tell(Batch batch, Fate fate, const Error& error) {
  switch (fate) {
    case Fate::kDurable:
      deliver(std::move(batch), kUnknownOffset, {});
      break;
    case Fate::kNotWritten:
      batch.doubt.reset();
      give_up(std::move(batch), error);
      break;
    case Fate::kUnknown:
      if (!batch.doubt) batch.doubt = error;
      give_up(std::move(batch), error);
      break;
  }
}

void ProducerCore::abandon(const Batch& batch) {
  if (!sequences_ || batch.key == 0) return;
  static_cast<void>(sequences_->abandon(batch.slot, batch.key));
  take_settled(nullptr);
}

}  // namespace penstock::client
