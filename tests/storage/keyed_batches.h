// Batches of keyed records, written and shown as text: "0 e1: 0 a=1, 2 b=-, 3 ~=x" is a batch that
// begins at offset 0, was appended in epoch 1, and holds a=1 at offset 0, a tombstone of b at 2,
// and a record without a key at 3.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/types.h"
#include "protocol/record/builder.h"

namespace penstock::storage {

struct KeyedRecord {
  std::optional<std::string> key;
  std::optional<std::string> value;
  Timestamp timestamp = Timestamp(1'700'000'000'000);
  friend bool operator==(const KeyedRecord&, const KeyedRecord&) = default;
};

KeyedRecord put(std::string key, std::string value, std::int64_t at_ms = 0);
KeyedRecord tombstone(std::string key, std::int64_t at_ms = 0);
KeyedRecord keyless(std::string value, std::int64_t at_ms = 0);

// A batch of `records` that stands at `base`.
Bytes keyed_batch(Offset base, Term epoch, const std::vector<KeyedRecord>& records,
                  record::BuilderOptions options = {});

// One line a batch: [first offset..last offset], "e" and the epoch, "p" and the producer if it has
// one, "control"; then its records.
std::string show(ByteView batches);

// Of a batch whose bytes are right.
struct PlacedRecord {
  Offset offset;
  KeyedRecord record;
};
std::vector<PlacedRecord> records_of(ByteView batch);

}  // namespace penstock::storage
