#include "protocol/record/builder.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "base/assert.h"
#include "base/coding.h"
#include "protocol/record/crc32c.h"
#include "protocol/record/layout.h"
#include "protocol/record/limits.h"
#include "protocol/record/record_header.h"

namespace penstock::record {
namespace {

// Everything of a record behind its length that does not depend on its place in the batch.
std::size_t content_size(const std::optional<ByteView>& key, const std::optional<ByteView>& value,
                         std::span<const HeaderView> headers) {
  std::size_t size =
      1 + nullable_size(key) + nullable_size(value) + zigzag_size(std::ssize(headers));
  for (const HeaderView& header : headers) size += header_size(header);
  return size;
}

std::int64_t subtract(Timestamp a, Timestamp b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a.ms()) -
                                   static_cast<std::uint64_t>(b.ms()));
}

}  // namespace

BatchBuilder::BatchBuilder(BuilderOptions options) : options_(options) {}

std::size_t BatchBuilder::max_record_size(const std::optional<ByteView>& key,
                                          const std::optional<ByteView>& value,
                                          std::span<const HeaderView> headers) {
  constexpr std::size_t kMaxOffsetDeltaBytes = 5;
  const std::size_t body =
      content_size(key, value, headers) + kMaxVarintBytes + kMaxOffsetDeltaBytes;
  return zigzag_size(static_cast<std::int64_t>(body)) + body;
}

std::byte* BatchBuilder::grow_by(std::size_t size) {
  if (used_ + size > buffer_.size()) {
    const std::size_t at_least = std::max(used_ + size, expected_size_);
    buffer_.resize(std::max({at_least, buffer_.size() * 2, kFirstBuilderBytes}));
  }
  return buffer_.data() + used_;
}

void BatchBuilder::append(Timestamp timestamp, const std::optional<ByteView>& key,
                          const std::optional<ByteView>& value,
                          std::span<const HeaderView> headers) {
  PENSTOCK_ASSERT(count_ < std::numeric_limits<std::int32_t>::max(), "a batch counts in int32");
  if (count_ == 0) first_timestamp_ = max_timestamp_ = timestamp;
  max_timestamp_ = std::max(max_timestamp_, timestamp);
  const std::int64_t timestamp_delta = subtract(timestamp, first_timestamp_);
  const auto body = static_cast<std::int64_t>(content_size(key, value, headers) +
                                              zigzag_size(timestamp_delta) + zigzag_size(count_));
  // The slack is what write_varint may want at the end.
  std::byte* const begin =
      grow_by(zigzag_size(body) + static_cast<std::size_t>(body) + kMaxVarintBytes);
  std::byte* at = write_zigzag(begin, body);
  *at++ = std::byte{0};
  at = write_zigzag(at, timestamp_delta);
  at = write_zigzag(at, count_);
  at = write_nullable(at, key);
  at = write_nullable(at, value);
  at = write_zigzag(at, std::ssize(headers));
  for (const HeaderView& header : headers) at = write_header(at, header);
  used_ += static_cast<std::size_t>(at - begin);
  ++count_;
}

void BatchBuilder::append(const Record& record) {
  const auto view = [](const std::optional<Bytes>& bytes) {
    return bytes ? std::optional<ByteView>(*bytes) : std::nullopt;
  };
  std::vector<HeaderView> headers;
  headers.reserve(record.headers.size());
  for (const Header& header : record.headers) headers.push_back({header.key, view(header.value)});
  append(record.timestamp, view(record.key), view(record.value), headers);
}

Result<Bytes> BatchBuilder::build() {
  PENSTOCK_ASSERT(!empty(), "a batch has a record");
  Result<Bytes> batch = encode();
  reset();
  return batch;
}

Result<Bytes> BatchBuilder::encode() {
  if (used_ > kMaxBatchBytes) {
    return fail(Errc::kBatchTooLarge,
                "records of " + std::to_string(used_) + " bytes fit no batch");
  }
  if (options_.codec != Codec::kNone) {
    Bytes batch(kHeaderSize);
    PENSTOCK_TRY(
        compress(options_.codec, ByteView(buffer_).first(used_).subspan(kHeaderSize), batch));
    const std::size_t readable = decompressed_limit(batch.size() - kHeaderSize, DecompressLimits());
    if (batch.size() < used_ && used_ - kHeaderSize <= readable) {
      if (batch.capacity() - batch.size() > kMaxBuilderSlackBytes) batch.shrink_to_fit();
      write_batch_header(batch, options_.codec);
      return batch;
    }
  }
  Bytes batch = take_plain();
  write_batch_header(batch, Codec::kNone);
  return batch;
}

// The records with space for the header in front, in a buffer of about their size.
Bytes BatchBuilder::take_plain() {
  if (buffer_.capacity() - used_ > kMaxBuilderSlackBytes) {
    return Bytes(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(used_));
  }
  buffer_.resize(used_);
  return std::exchange(buffer_, {});
}

void BatchBuilder::write_batch_header(MutableByteView batch, Codec codec) const {
  std::byte* const at = batch.data();
  store_be<std::int64_t>(at + layout::kBaseOffset, 0);
  store_be(at + layout::kLength, static_cast<std::int32_t>(batch.size() - kLengthPrefixSize));
  store_be<std::int32_t>(at + layout::kLeaderEpoch, -1);
  store_be(at + layout::kMagicByte, kMagic);
  store_be(at + layout::kAttributes,
           static_cast<std::int16_t>(static_cast<int>(codec) |
                                     (options_.control ? layout::kControlBit : 0)));
  store_be(at + layout::kLastOffsetDelta, count_ - 1);
  store_be(at + layout::kBaseTimestamp, first_timestamp_.ms());
  store_be(at + layout::kMaxTimestamp, max_timestamp_.ms());
  store_be(at + layout::kProducerId, options_.producer_id);
  store_be(at + layout::kProducerEpoch, options_.producer_epoch);
  store_be(at + layout::kBaseSequence, options_.base_sequence);
  store_be(at + layout::kRecordCount, count_);
  store_be(at + layout::kCrc, crc32c(batch.subspan(kUncheckedPrefixSize)));
}

void BatchBuilder::reset() {
  // Half of the slack, so that a next batch that is a little larger neither grows nor gets copied.
  expected_size_ = std::min(used_, kMaxBatchBytes) + kMaxBuilderSlackBytes / 2;
  if (buffer_.capacity() > expected_size_ + kMaxBuilderSlackBytes) buffer_ = {};
  used_ = kHeaderSize;
  count_ = 0;
}

}  // namespace penstock::record
