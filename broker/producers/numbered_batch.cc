#include "broker/producers/numbered_batch.h"

#include <string>

#include "broker/producers/limits.h"
#include "protocol/record/sequence.h"

namespace penstock::broker {

Result<std::optional<NumberedBatch>> numbers_of(const record::BatchView& batch) {
  const std::int64_t producer = batch.producer_id();
  const std::int16_t epoch = batch.producer_epoch();
  const std::int32_t sequence = batch.base_sequence();
  // What consensus writes is nobody's. Writers without a number have left all kinds of epochs and
  // sequences: without a producer they mean nothing.
  if (batch.is_control() || producer == record::kNoProducer) return std::nullopt;
  if (producer < 0 || epoch < 0 || sequence < 0) {
    return fail(Errc::kInvalidBatch, "producer " + std::to_string(producer) + ", epoch " +
                                         std::to_string(epoch) + ", sequence " +
                                         std::to_string(sequence) +
                                         ": a numbered batch has all three, none negative");
  }
  const std::int64_t records = std::int64_t{batch.last_offset_delta()} + 1;
  if (records > kMaxRunRecords) {
    return fail(Errc::kInvalidBatch,
                "a numbered batch of " + std::to_string(records) + " records is too long");
  }
  return NumberedBatch{producer, epoch, sequence, static_cast<std::int32_t>(records)};
}

std::optional<Timestamp> broker_time_of(const record::BatchView& batch) {
  const bool stamped =
      batch.is_control() || batch.timestamp_type() == record::TimestampType::kLogAppendTime;
  if (!stamped || batch.max_timestamp() < Timestamp(0)) return std::nullopt;
  return batch.max_timestamp();
}

}  // namespace penstock::broker
