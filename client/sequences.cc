#include "client/sequences.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "client/limits.h"

namespace penstock::client {
namespace {

using record::ProducerIdentity;

bool is_newer(const ProducerIdentity& a, const ProducerIdentity& b) {
  return a.id != b.id || a.epoch > b.epoch;
}

}  // namespace

// --- who writes

bool Sequences::wants_identity() const { return !fenced_ && (!identity_ || renewing_); }

void Sequences::identify(ProducerIdentity identity) {
  if (identity_ && !is_newer(identity, *identity_)) return;  // an answer that came late
  identity_ = identity;
  renewing_ = false;
  for (auto& [slot, own] : partitions_) {
    if (own.needs_epoch && own.parts == 0) renew(slot, own);
  }
}

void Sequences::fence(const Error& error) {
  if (!fenced_) fenced_ = error;
  for (auto& [slot, own] : partitions_) {
    for (Open& batch : own.open) {
      if (batch.under_way || batch.abandoned) continue;
      settle(slot, batch, batch.in_doubt ? Fate::kUnknown : Fate::kNotWritten, *fenced_);
    }
    std::erase_if(own.open, [](const Open& one) { return one.abandoned && !one.under_way; });
  }
}

// --- sending

bool Sequences::may_send_new(Slot slot) const {
  if (fenced_ || !identity_) return false;
  const auto found = partitions_.find(slot);
  if (found == partitions_.end()) return true;
  const Partition& own = found->second;
  return !own.draining && !own.needs_epoch && !own.alone && own.parts < kMaxPartsInFlight &&
         own.open.size() < record::kRememberedBatches &&
         std::ranges::all_of(own.open, &Open::under_way);
}

std::optional<Sequences::Again> Sequences::next_again(Slot slot) const {
  const auto found = partitions_.find(slot);
  if (fenced_ || found == partitions_.end()) return std::nullopt;
  const Partition& own = found->second;
  if (own.draining || own.needs_epoch || own.parts >= kMaxPartsInFlight) return std::nullopt;
  if (own.alone && own.parts > 0) return std::nullopt;
  const auto next = std::ranges::find(own.open, false, &Open::under_way);
  if (next == own.open.end()) return std::nullopt;
  return Again{.key = next->key, .alone = own.alone};
}

std::vector<Stamp> Sequences::send(Slot slot, std::span<const Outgoing> batches) {
  PENSTOCK_ASSERT(!fenced_ && identity_ && !batches.empty(), "it may be sent");
  Partition& own = partition(slot);
  if (own.open.empty() && own.identity != *identity_) {
    own.identity = *identity_;
    own.next = 0;
  }
  std::vector<Stamp> stamps;
  for (const Outgoing& batch : batches) {
    auto next = std::ranges::find(own.open, false, &Open::under_way);
    if (next == own.open.end()) {
      // Halves of a batch that was split may be more: they go one by one.
      PENSTOCK_ASSERT(own.open.size() < record::kRememberedBatches, "what brokers remember");
      own.open.push_back({.key = batch.key, .records = batch.records, .first = own.next});
      own.next = record::sequence_after(own.next, batch.records);
      next = std::prev(own.open.end());
    }
    PENSTOCK_ASSERT(next->key == batch.key, "batches of a partition go in their order");
    next->under_way = true;
    stamps.push_back({own.identity, next->first});
  }
  ++own.parts;
  return stamps;
}

// --- how parts ended

Sequences::Open* Sequences::find(Partition& own, BatchKey key) {
  const auto found = std::ranges::find(own.open, key, &Open::key);
  return found == own.open.end() ? nullptr : &*found;
}

void Sequences::end_part(Partition& own, Batches batches) {
  PENSTOCK_ASSERT(own.parts > 0, "a part ends once");
  --own.parts;
  for (const BatchKey key : batches) {
    if (Open* const batch = find(own, key)) batch->under_way = false;
  }
}

void Sequences::delivered(Slot slot, Batches batches) {
  Partition& own = partition(slot);
  end_part(own, batches);
  own.alone = false;
  for (const BatchKey key : batches) {
    const auto found = std::ranges::find(own.open, key, &Open::key);
    if (found == own.open.end()) continue;
    // There is no gap before it, so what was abandoned there is in the log.
    const auto before = std::distance(own.open.begin(), found);
    own.open.erase(found);
    std::deque<Open> kept;
    for (std::ptrdiff_t i = 0; i < std::ssize(own.open); ++i) {
      Open& one = own.open[static_cast<std::size_t>(i)];
      if (i >= before || !one.abandoned || one.under_way) kept.push_back(one);
    }
    own.open = std::move(kept);
  }
  drained(slot, own);
}

void Sequences::failed(Slot slot, Batches batches, const Error& error, Stage stage) {
  Partition& own = partition(slot);
  end_part(own, batches);
  own.why = error;
  own.draining = true;
  const Errc code = stage == Stage::kAnswered ? error.code() : Errc::kOk;
  const Verdict verdict = judge(error, stage);
  if (code == Errc::kDuplicateSequence) {
    duplicate(slot, own, batches, error);
  } else {
    for (const BatchKey key : batches) {
      Open* const batch = find(own, key);
      if (batch != nullptr && verdict.may_be_written) batch->in_doubt = true;
    }
    if (code == Errc::kProducerFenced) {
      fence(error);
    } else if (code == Errc::kUnknownProducer) {
      own.needs_epoch = true;
    } else if (code == Errc::kOutOfOrderSequence) {
      out_of_order(own, batches);
    } else if (verdict.next == NextStep::kGiveUp) {
      give_up(slot, own, batches, error);
    } else if (verdict.next == NextStep::kSplit) {
      own.alone = true;
    }
  }
  if (fenced_) fence(*fenced_);
  drained(slot, own);
}

// Something before it is on its way still, or goes again: then so does this. Otherwise the broker
// misses what it had: only a batch that is alone is meant as a whole by that answer.
void Sequences::out_of_order(Partition& own, Batches batches) {
  const bool is_first = !own.open.empty() && own.open.front().key == batches.front();
  if (!is_first) return;
  if (batches.size() > 1) {
    own.alone = true;
  } else {
    own.needs_epoch = true;
  }
}

// It has been sent before, and is there; or else somebody else writes under this number.
void Sequences::duplicate(Slot slot, Partition& own, Batches batches, const Error& error) {
  for (const BatchKey key : batches) {
    Open* const batch = find(own, key);
    if (batch == nullptr) continue;
    if (!batch->in_doubt) own.needs_epoch = true;
    if (!batch->abandoned) {
      settle(slot, *batch, batch->in_doubt ? Fate::kDurable : Fate::kNotWritten, error);
    }
    std::erase_if(own.open, [&](const Open& one) { return one.key == key; });
  }
}

void Sequences::give_up(Slot slot, Partition& own, Batches batches, const Error& error) {
  for (const BatchKey key : batches) {
    Open* const batch = find(own, key);
    if (batch == nullptr || batch->abandoned) continue;
    settle(slot, *batch, batch->in_doubt ? Fate::kUnknown : Fate::kNotWritten, error);
  }
}

void Sequences::settle(Slot slot, Open& batch, Fate fate, const Error& error) {
  batch.abandoned = true;
  settled_.push_back({.slot = slot, .key = batch.key, .fate = fate, .error = error});
}

// --- gaps and epochs: when nothing is under way

void Sequences::drained(Slot slot, Partition& own) {
  if (own.parts > 0) return;
  own.draining = false;
  close_gaps(own);
  if (own.open.empty()) own.alone = false;
  if (own.needs_epoch) renew(slot, own);
}

void Sequences::close_gaps(Partition& own) {
  const auto gap = std::ranges::find(own.open, true, &Open::abandoned);
  if (gap == own.open.end()) return;
  // Certainly a gap, and nothing behind it was taken for the very reason.
  const bool is_certain =
      std::none_of(gap, own.open.end(), [](const Open& one) { return one.in_doubt; });
  // What is before it keeps its numbers, which need not be the ones just before: some in between
  // may be delivered.
  const auto at = static_cast<std::size_t>(std::distance(own.open.begin(), gap));
  const std::int32_t first = gap->first;
  std::erase_if(own.open, &Open::abandoned);
  if (is_certain) {
    number_again(own, at, first);
  } else {
    own.needs_epoch = true;
  }
}

void Sequences::number_again(Partition& own, std::size_t from, std::int32_t first) {
  own.next = first;
  for (std::size_t i = from; i < own.open.size(); ++i) {
    own.open[i].first = own.next;
    own.next = record::sequence_after(own.next, own.open[i].records);
  }
}

void Sequences::renew(Slot slot, Partition& own) {
  const Error why = own.why.value_or(Error(Errc::kUnknownProducer));
  for (Open& batch : own.open) {
    if (batch.in_doubt && !batch.abandoned) settle(slot, batch, Fate::kUnknown, why);
  }
  std::erase_if(own.open, &Open::abandoned);
  if (!is_newer(*identity_, own.identity)) {
    if (naming_ == Naming::kUnnamed && identity_->epoch < record::kMaxProducerEpoch) {
      ++identity_->epoch;
    } else {
      renewing_ = true;
      return;
    }
  }
  own.identity = *identity_;
  own.needs_epoch = false;
  number_again(own, 0, 0);
}

// --- what the producer does to open batches

std::optional<Fate> Sequences::abandon(Slot slot, BatchKey key) {
  Partition& own = partition(slot);
  Open* const batch = find(own, key);
  if (batch == nullptr || batch->abandoned) return std::nullopt;
  batch->abandoned = true;
  batch->in_doubt = batch->in_doubt || batch->under_way;
  const Fate fate = batch->in_doubt ? Fate::kUnknown : Fate::kNotWritten;
  if (own.parts > 0) own.draining = own.draining || !batch->under_way;
  drained(slot, own);
  return fate;
}

void Sequences::split(Slot slot, BatchKey key, std::uint32_t first_records, BatchKey second) {
  Partition& own = partition(slot);
  const auto found = std::ranges::find(own.open, key, &Open::key);
  PENSTOCK_ASSERT(found != own.open.end() && !found->under_way, "it is to go again");
  PENSTOCK_ASSERT(first_records > 0 && first_records < found->records, "both have records");
  Open rest = *found;
  rest.key = second;
  rest.records -= first_records;
  rest.first = record::sequence_after(rest.first, first_records);
  found->records = first_records;
  own.open.insert(std::next(found), rest);
}

void Sequences::reset(Slot slot) {
  const auto found = partitions_.find(slot);
  if (found == partitions_.end()) return;
  PENSTOCK_ASSERT(found->second.open.empty() && found->second.parts == 0, "all of it has ended");
  partitions_.erase(found);
}

std::vector<SettledBatch> Sequences::take_settled() { return std::exchange(settled_, {}); }

std::size_t Sequences::open(Slot slot) const {
  const auto found = partitions_.find(slot);
  return found == partitions_.end() ? 0 : found->second.open.size();
}

}  // namespace penstock::client
