// What a producer may append to a topic: a pure check over the bytes as they came.
//
// Invariants: bytes that passed consist of whole batches whose checksums are right and whose
// records every reader can decode, within the limits that readers have. One record that cannot be
// decoded would stop every consumer and the archive behind it for ever, so each is looked at, in
// compressed batches too; the memory for that is bounded by DecompressLimits and freed at once.
// Failure: kInvalidBatch, kBadChecksum, kBatchTooLarge, kRecordTooLarge, kUnsupportedCompression,
// kDecompressionLimit, kKeyRequired; the message says which batch of the request.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"
#include "protocol/record/batch.h"

namespace penstock::broker {

struct AppendRules {
  std::uint64_t max_batch_bytes = 1U << 20;
  std::uint64_t max_record_bytes = 1U << 20;
  std::optional<record::Codec> required_codec = std::nullopt;  // none: the producer's choice
  record::TimestampType timestamp_type = record::TimestampType::kCreateTime;
  bool requires_keys = false;  // the topic is compacted by key
};

struct CheckedBatches {
  std::uint32_t batches = 0;
  std::int64_t records = 0;
  std::uint32_t numbered = 0;  // batches that a producer has numbered
};

Result<CheckedBatches> check_batches(ByteView bytes, const AppendRules& rules);

// Stamps every batch with the broker's time (topics with timestamp_type append).
// Precondition: check_batches() passed.
void stamp_append_time(MutableByteView batches, Timestamp now);

}  // namespace penstock::broker
