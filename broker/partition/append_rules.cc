#include "broker/partition/append_rules.h"

#include <algorithm>
#include <string>

#include "base/assert.h"
#include "broker/producers/numbered_batch.h"
#include "protocol/record/record.h"
#include "protocol/record/sequence.h"

namespace penstock::broker {
namespace {

using record::BatchView;
using record::Codec;

constexpr std::int16_t kKnownAttributeBits = 0x7f;

std::unexpected<Error> invalid(std::string why) {
  return fail(Errc::kInvalidBatch, std::move(why));
}

Status check_header(const BatchView& batch) {
  if (batch.base_offset() != Offset(0)) {
    return invalid("base offset is " + std::to_string(batch.base_offset().value()) +
                   "; producers send 0 and the broker assigns it");
  }
  if (batch.is_control()) return invalid("control batches are the broker's own");
  if (batch.is_transactional()) return invalid("transactions are not offered");
  if (batch.has_delete_horizon() || (batch.attributes() & ~kKnownAttributeBits) != 0) {
    return invalid("attribute bits are set that producers do not use");
  }
  if (batch.timestamp_type() != record::TimestampType::kCreateTime) {
    return invalid("producers send timestamp type CreateTime; the topic decides");
  }
  PENSTOCK_TRY(numbers_of(batch));
  if (batch.record_count() < 1) return invalid("the batch holds no record");
  if (batch.record_count() != batch.last_offset_delta() + 1) {
    return invalid("record count is " + std::to_string(batch.record_count()) +
                   ", last offset delta " + std::to_string(batch.last_offset_delta()));
  }
  return {};
}

Status check_codec(const BatchView& batch, const AppendRules& rules) {
  if (!rules.required_codec || batch.codec() == *rules.required_codec) return {};
  // A producer that compresses falls back to none where compression gains nothing.
  if (batch.codec() == Codec::kNone && *rules.required_codec != Codec::kNone) return {};
  return fail(Errc::kUnsupportedCompression,
              "the topic takes compression=" + std::string(record::name(*rules.required_codec)) +
                  ", not " + std::string(record::name(batch.codec())));
}

std::size_t payload_bytes(const record::RecordView& record) {
  return (record.key ? record.key->size() : 0) + (record.value ? record.value->size() : 0) +
         record.headers.encoded().size();
}

// Decodes every record: their number, offsets, sizes, and the largest timestamp, on which lookups
// by time and retention rely, are what the header says.
Status check_records(const BatchView& batch, const AppendRules& rules) {
  PENSTOCK_TRY_ASSIGN(auto records, record::Records::open(batch));
  Offset expected = batch.base_offset();
  std::optional<Timestamp> largest;
  while (true) {
    PENSTOCK_TRY_ASSIGN(const auto record, records.next());
    if (!record) break;
    if (record->offset != expected) {
      return invalid("record " + std::to_string(expected.value()) + " has the offset delta " +
                     std::to_string(record->offset.value()));
    }
    expected = expected + 1;
    if (payload_bytes(*record) > rules.max_record_bytes) {
      return fail(Errc::kRecordTooLarge, "record " + std::to_string(record->offset.value()) +
                                             " of the batch has " +
                                             std::to_string(payload_bytes(*record)) +
                                             " bytes; the topic's max_record_bytes is " +
                                             std::to_string(rules.max_record_bytes));
    }
    if (rules.requires_keys && !record->key) {
      return fail(Errc::kKeyRequired, "record " + std::to_string(record->offset.value()) +
                                          " of the batch has no key; the topic is compacted "
                                          "(cleanup), and takes records with a key only");
    }
    largest = std::max(largest.value_or(record->timestamp), record->timestamp);
  }
  if (largest != batch.max_timestamp()) {
    return invalid("max timestamp is " + std::to_string(batch.max_timestamp().ms()) +
                   ", the records' largest is " +
                   std::to_string(largest.value_or(Timestamp()).ms()));
  }
  return {};
}

Status check_batch(const BatchView& batch, const AppendRules& rules) {
  if (batch.size() > rules.max_batch_bytes) {
    return fail(Errc::kBatchTooLarge, "the batch has " + std::to_string(batch.size()) +
                                          " bytes; the topic's max_batch_bytes is " +
                                          std::to_string(rules.max_batch_bytes));
  }
  PENSTOCK_TRY(
      batch.verify_crc());  // first: a field that was damaged on the way is no client's bug
  PENSTOCK_TRY(check_header(batch));
  PENSTOCK_TRY(check_codec(batch, rules));
  return check_records(batch, rules);
}

Error in_batch(std::uint32_t number, Error error) {
  return std::move(error).context("batch " + std::to_string(number) + " of the request");
}

}  // namespace

Result<CheckedBatches> check_batches(ByteView bytes, const AppendRules& rules) {
  CheckedBatches checked;
  if (bytes.empty()) return invalid("the partition's part of the attachment is empty");
  while (!bytes.empty()) {
    const auto batch = BatchView::parse(bytes);
    if (!batch) return fail(in_batch(checked.batches, batch.error()));
    if (Status status = check_batch(*batch, rules); !status) {
      return fail(in_batch(checked.batches, std::move(status).error()));
    }
    ++checked.batches;
    checked.records += batch->record_count();
    if (batch->producer_id() != record::kNoProducer) ++checked.numbered;
    bytes = bytes.subspan(batch->size());
  }
  return checked;
}

void stamp_append_time(MutableByteView batches, Timestamp now) {
  while (!batches.empty()) {
    const auto size = BatchView::total_size(batches);
    PENSTOCK_ASSERT(size && *size <= batches.size(), "batches passed check_batches()");
    record::assign_append_time(batches.first(*size), now);
    batches = batches.subspan(*size);
  }
}

}  // namespace penstock::broker
