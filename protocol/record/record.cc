#include "protocol/record/record.h"

#include <string>

#include "base/assert.h"
#include "base/coding.h"
#include "protocol/record/layout.h"
#include "protocol/record/record_header.h"

namespace penstock::record {
namespace {

// A record without the batch's share of it.
struct Fields {
  std::int64_t timestamp_delta = 0;
  std::int64_t offset_delta = 0;
  std::optional<ByteView> key;
  std::optional<ByteView> value;
  HeadersView headers;
};

bool read_headers(ByteReader& from, HeadersView& out) {
  std::int64_t count;
  if (!from.read_zigzag(count) || count < 0) return false;
  if (static_cast<std::uint64_t>(count) > from.remaining() / layout::kMinRecordHeaderBytes) {
    return false;
  }
  const ByteView encoded = from.rest();
  HeaderView header;
  for (std::int64_t i = 0; i < count; ++i) {
    if (!read_header(from, header)) return false;
  }
  out = HeadersView(static_cast<std::int32_t>(count),
                    encoded.first(encoded.size() - from.remaining()));
  return true;
}

// What is wrong with the record's bytes; null when nothing is. `body` is what its length spans.
const char* read_fields(ByteView body, Fields& out) {
  ByteReader reader(body);
  std::int8_t attributes;  // no bit is assigned; readers ignore them, as those of the batch
  if (!reader.read_be(attributes)) return "it has no attributes";
  if (!reader.read_zigzag(out.timestamp_delta)) return "its timestamp is malformed";
  if (!reader.read_zigzag(out.offset_delta)) return "its offset is malformed";
  if (!read_nullable(reader, out.key)) return "its key is malformed or too long";
  if (!read_nullable(reader, out.value)) return "its value is malformed or too long";
  if (!read_headers(reader, out.headers)) return "its headers are malformed or too many";
  if (reader.remaining() > 0) return "bytes are left over behind its headers";
  return nullptr;
}

// Modulo 2^64, as every implementation of the format computes it.
Timestamp add(Timestamp base, std::int64_t delta) {
  return Timestamp(static_cast<std::int64_t>(static_cast<std::uint64_t>(base.ms()) +
                                             static_cast<std::uint64_t>(delta)));
}

[[gnu::cold]] std::unexpected<Error> malformed(Offset base, std::int32_t left, const char* why) {
  return fail(Errc::kInvalidBatch, "batch at base offset " + std::to_string(base.value()) +
                                       ", record with " + std::to_string(left) + " to go: " + why);
}

}  // namespace

std::vector<HeaderView> HeadersView::decode() const {
  std::vector<HeaderView> headers(static_cast<std::size_t>(count_));
  ByteReader reader(encoded_);
  for (HeaderView& header : headers) {
    PENSTOCK_ASSERT(read_header(reader, header), "headers were checked by their iterator");
  }
  return headers;
}

Bytes encode_headers(std::span<const HeaderView> headers) {
  std::size_t size = 0;
  for (const HeaderView& header : headers) size += header_size(header);
  Bytes encoded(size);
  std::byte* at = encoded.data();
  for (const HeaderView& header : headers) at = write_header(at, header);
  return encoded;
}

Result<Records> Records::open(const BatchView& batch, const DecompressLimits& limits) {
  Records records;
  records.base_offset_ = batch.base_offset();
  records.base_timestamp_ = batch.base_timestamp();
  if (batch.timestamp_type() == TimestampType::kLogAppendTime) {
    records.append_time_ = batch.max_timestamp();
  }
  records.left_ = batch.record_count();
  records.max_offset_delta_ = batch.last_offset_delta();
  records.rest_ = batch.records();
  if (batch.codec() != Codec::kNone && records.left_ > 0) {
    PENSTOCK_TRY(decompress(batch.codec(), batch.records(), limits, records.decompressed_));
    records.rest_ = records.decompressed_;
  }
  return records;
}

Result<std::optional<RecordView>> Records::next() {
  if (left_ == 0) {
    if (rest_.empty()) return std::nullopt;
    return malformed(base_offset_, left_, "bytes are left over behind the last record");
  }
  ByteReader reader(rest_);
  std::int64_t length;
  ByteView body;
  if (!reader.read_zigzag(length) || length < 0 ||
      !reader.read_bytes(static_cast<std::size_t>(length), body)) {
    return malformed(base_offset_, left_, "it runs past the end of the batch");
  }
  Fields fields;
  if (const char* const why = read_fields(body, fields); why != nullptr) {
    return malformed(base_offset_, left_, why);
  }
  if (fields.offset_delta <= previous_offset_delta_ || fields.offset_delta > max_offset_delta_) {
    return malformed(base_offset_, left_, "its offset is out of order or behind the batch's last");
  }
  previous_offset_delta_ = static_cast<std::int32_t>(fields.offset_delta);
  --left_;
  rest_ = reader.rest();
  return RecordView{
      .offset = base_offset_ + fields.offset_delta,
      .timestamp = append_time_ ? *append_time_ : add(base_timestamp_, fields.timestamp_delta),
      .key = fields.key,
      .value = fields.value,
      .headers = fields.headers};
}

}  // namespace penstock::record
