#include "client/batch_split.h"

#include "base/assert.h"
#include "protocol/record/batch.h"
#include "protocol/record/limits.h"

namespace penstock::client {
namespace {

// What this process compressed itself is decompressed whatever its ratio.
constexpr record::DecompressLimits kOwnBatch{.max_bytes = record::kMaxBatchBytes,
                                             .max_ratio = record::kMaxBatchBytes,
                                             .ratio_floor_bytes = 0};

Result<SharedBytes> encode(record::Records& records, std::uint32_t count, record::Codec codec) {
  record::BatchBuilder builder({.codec = codec});
  for (std::uint32_t i = 0; i < count; ++i) {
    PENSTOCK_TRY_ASSIGN(const auto record, records.next());
    if (!record) return fail(Errc::kInternal, "a batch holds fewer records than were put into it");
    builder.append(record->timestamp, record->key, record->value, record->headers.decode());
  }
  PENSTOCK_TRY_ASSIGN(Bytes bytes, builder.build());
  return SharedBytes(std::move(bytes));
}

}  // namespace

Result<std::pair<Batch, Batch>> split(Batch batch) {
  PENSTOCK_ASSERT(batch.records >= 2, "one record cannot be split");
  PENSTOCK_TRY_ASSIGN(const auto view, record::BatchView::parse(batch.bytes.view()));
  PENSTOCK_TRY_ASSIGN(auto records, record::Records::open(view, kOwnBatch));

  Batch second = batch;
  batch.records /= 2;
  second.records -= batch.records;
  second.first_record += batch.records;
  second.ledger = batch.ledger.split_off(batch.records);
  PENSTOCK_TRY_ASSIGN(batch.bytes, encode(records, batch.records, view.codec()));
  PENSTOCK_TRY_ASSIGN(second.bytes, encode(records, second.records, view.codec()));
  second.memory_bytes = batch.memory_bytes / 2;
  batch.memory_bytes -= second.memory_bytes;
  batch.last_part = false;
  return std::pair(std::move(batch), std::move(second));
}

}  // namespace penstock::client
