// A producer's batch on its way: first a draft that still takes records, then encoded and queued.
//
// Lifetime: the encoded bytes are shared; whoever writes them to a socket holds them until the
// write has completed, whatever became of the batch meanwhile. There is no pool that they could
// return to early.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "client/instant.h"
#include "client/producer.h"
#include "protocol/record/builder.h"
#include "protocol/record/sequence.h"

namespace penstock::client {

// Dense number of a partition within one producer; never reused.
using Slot = std::uint32_t;

// Names one record whose caller waits for its outcome; 0: nobody does.
using Ticket = std::uint64_t;

// Who is to be told what became of a batch's records.
struct Ledger {
  std::vector<std::uint64_t> tags;                        // of each record, in order
  std::vector<std::pair<std::uint32_t, Ticket>> waiting;  // index of record; in order

  // Takes the records [count, end) out of this ledger.
  Ledger split_off(std::uint32_t count);
};

struct DraftBatch {
  std::uint64_t id = 0;  // in the order in which batches of a producer were opened
  Slot slot = 0;
  record::BatchBuilder builder;
  Ledger ledger;
  Instant created;
  std::size_t memory_bytes = 0;  // charged to the producer's limit
};

// What stands in the header of a numbered batch.
struct Numbers {
  record::ProducerIdentity producer;
  std::int32_t first_sequence = 0;
  friend bool operator==(const Numbers&, const Numbers&) = default;
};

struct Batch {
  std::uint64_t id = 0;
  Slot slot = 0;
  Bytes unsent;  // until it is sent for the first time; then `bytes`
  SharedBytes bytes;
  Ledger ledger;
  std::uint32_t records = 0;
  Instant created;
  std::size_t memory_bytes = 0;
  bool last_part = true;  // of the batch with this id, which may have been split
  bool alone = false;     // goes into a request without another batch of its partition

  // History, for an honest outcome.
  std::uint32_t attempts = 0;
  std::optional<Error> doubt;  // the first attempt that may have written it
  bool reported = false;       // its outcome was told while it was still under way
  // Of the batch with this id, if it was split: where this part begins.
  std::uint32_t first_record = 0;

  // Of a producer that numbers its batches; 0 and none until it is sent for the first time.
  std::uint64_t key = 0;
  std::optional<Numbers> numbers;

  auto order() const { return std::pair(id, first_record); }
  std::size_t size() const { return unsent.empty() ? bytes.size() : unsent.size(); }
};

// What became of a batch: each of its records has the same fate.
struct BatchOutcome {
  std::uint64_t id = 0;
  Slot slot = 0;
  Ledger ledger;
  std::uint32_t records = 0;
  std::size_t bytes = 0;  // as sent
  bool last_part = true;
  Offset base_offset;
  Receipt receipt;
  std::shared_ptr<const Error> error;  // null: delivered
  bool may_be_twice = false;           // an attempt before the one that was answered may be there
};

}  // namespace penstock::client
