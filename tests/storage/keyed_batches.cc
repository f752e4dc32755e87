#include "tests/storage/keyed_batches.h"

#include <utility>

#include "base/assert.h"
#include "protocol/record/record.h"
#include "protocol/record/sequence.h"

namespace penstock::storage {
namespace {

constexpr std::int64_t kEpochMs = 1'700'000'000'000;

std::optional<ByteView> view(const std::optional<std::string>& text) {
  return text ? std::optional<ByteView>(as_bytes(*text)) : std::nullopt;
}

std::optional<std::string> text(const std::optional<ByteView>& bytes) {
  return bytes ? std::optional<std::string>(as_text(*bytes)) : std::nullopt;
}

}  // namespace

KeyedRecord put(std::string key, std::string value, std::int64_t at_ms) {
  return {std::move(key), std::move(value), Timestamp(kEpochMs + at_ms)};
}
KeyedRecord tombstone(std::string key, std::int64_t at_ms) {
  return {std::move(key), std::nullopt, Timestamp(kEpochMs + at_ms)};
}
KeyedRecord keyless(std::string value, std::int64_t at_ms) {
  return {std::nullopt, std::move(value), Timestamp(kEpochMs + at_ms)};
}

Bytes keyed_batch(Offset base, Term epoch, const std::vector<KeyedRecord>& records,
                  record::BuilderOptions options) {
  record::BatchBuilder builder(options);
  for (const KeyedRecord& record : records) {
    builder.append(record.timestamp, view(record.key), view(record.value));
  }
  Bytes batch = *builder.build();
  record::assign_position(batch, base, epoch);
  return batch;
}

std::vector<PlacedRecord> records_of(ByteView batch) {
  const auto parsed = record::BatchView::parse(batch);
  PENSTOCK_ASSERT(parsed && parsed->verify_crc(), "the batch is right");
  auto records = record::Records::open(*parsed);
  PENSTOCK_ASSERT(records.has_value(), "its records are right");
  std::vector<PlacedRecord> all;
  while (true) {
    const auto next = records->next();
    PENSTOCK_ASSERT(next.has_value(), "its records are right");
    if (!*next) return all;
    const record::RecordView& record = **next;
    all.push_back({record.offset, {text(record.key), text(record.value), record.timestamp}});
  }
}

std::string show(ByteView batches) {
  std::string out;
  for (ByteView rest = batches; !rest.empty();) {
    const auto batch = record::BatchView::parse(rest);
    if (!batch) return out + batch.error().to_string();
    if (!batch->verify_crc()) return out + "bad checksum";
    out += "[" + std::to_string(batch->base_offset().value()) + ".." +
           std::to_string(batch->last_offset().value()) + "] e" +
           std::to_string(batch->leader_epoch().value());
    if (batch->producer_id() != record::kNoProducer) {
      out += " p" + std::to_string(batch->producer_id());
    }
    if (batch->is_control()) out += " control";
    for (const auto& [offset, record] : records_of(batch->bytes())) {
      if (batch->is_control()) break;
      out += " " + std::to_string(offset.value()) + ":" + record.key.value_or("~") + "=" +
             record.value.value_or("-");
    }
    out += "\n";
    rest = rest.subspan(batch->size());
  }
  return out;
}

}  // namespace penstock::storage
