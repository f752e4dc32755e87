#include "protocol/record/batch.h"

#include <limits>
#include <string>

#include "base/assert.h"
#include "base/coding.h"
#include "protocol/record/crc32c.h"
#include "protocol/record/layout.h"

namespace penstock::record {
namespace {

std::unexpected<Error> invalid(std::string why) {
  return fail(Errc::kInvalidBatch, std::move(why));
}

std::string is(const char* field, std::int64_t value) {
  return std::string(field) + " is " + std::to_string(value);
}

}  // namespace

Result<std::size_t> BatchView::total_size(ByteView prefix) {
  if (prefix.size() < kLengthPrefixSize) {
    return invalid(is("batch length cannot be read: bytes left", std::ssize(prefix)));
  }
  const auto length = load_be<std::int32_t>(prefix.data() + layout::kLength);
  if (length < static_cast<std::int32_t>(kMinLengthField)) {
    return invalid(is("batch length", length) + ", below the header's 49");
  }
  return kLengthPrefixSize + static_cast<std::size_t>(length);
}

Result<BatchView> BatchView::parse(ByteView bytes) {
  PENSTOCK_TRY_ASSIGN(const std::size_t size, total_size(bytes));
  if (bytes.size() < size) {
    return invalid(is("batch size", static_cast<std::int64_t>(size)) + ", but only " +
                   std::to_string(bytes.size()) + " bytes are there");
  }
  const BatchView batch(bytes.first(size));

  // Before anything behind it: other versions place their fields differently.
  const auto magic = load_be<std::int8_t>(bytes.data() + layout::kMagicByte);
  if (magic != kMagic) return invalid(is("batch format version (magic)", magic) + ", not 2");

  if (const auto codec = codec_from_bits(batch.attributes() & layout::kCodecMask); !codec) {
    return fail(codec.error());
  }
  const std::int64_t base = batch.base_offset().value();
  const std::int64_t last_delta = batch.last_offset_delta();
  const std::int64_t count = batch.record_count();
  if (base < 0) return invalid(is("base offset", base));
  if (last_delta < 0) return invalid(is("last offset delta", last_delta));
  if (base >= std::numeric_limits<std::int64_t>::max() - last_delta) {
    return invalid(is("base offset", base) + ", too large for its records");
  }
  if (count < 0 || count > last_delta + 1) {
    return invalid(is("record count", count) + ", but the last offset delta is " +
                   std::to_string(last_delta));
  }
  if (count == 0 && !batch.records().empty()) {
    return invalid("record count is 0, but bytes stand behind the header");
  }
  const auto room = batch.records().size();
  const bool compressed = batch.codec() != Codec::kNone;
  if (static_cast<std::size_t>(count) * (compressed ? 0 : layout::kMinRecordBytes) > room ||
      (count > 0 && room == 0)) {
    return invalid(is("record count", count) + ", too many for " + std::to_string(room) + " bytes");
  }
  return batch;
}

Offset BatchView::base_offset() const {
  return Offset(load_be<std::int64_t>(bytes_.data() + layout::kBaseOffset));
}
std::int32_t BatchView::last_offset_delta() const {
  return load_be<std::int32_t>(bytes_.data() + layout::kLastOffsetDelta);
}
Term BatchView::leader_epoch() const {
  return Term(load_be<std::int32_t>(bytes_.data() + layout::kLeaderEpoch));
}
std::uint32_t BatchView::crc() const {
  return load_be<std::uint32_t>(bytes_.data() + layout::kCrc);
}
std::int16_t BatchView::attributes() const {
  return load_be<std::int16_t>(bytes_.data() + layout::kAttributes);
}
Codec BatchView::codec() const { return static_cast<Codec>(attributes() & layout::kCodecMask); }
TimestampType BatchView::timestamp_type() const {
  return (attributes() & layout::kLogAppendTimeBit) != 0 ? TimestampType::kLogAppendTime
                                                         : TimestampType::kCreateTime;
}
bool BatchView::is_control() const { return (attributes() & layout::kControlBit) != 0; }
bool BatchView::is_transactional() const { return (attributes() & layout::kTransactionalBit) != 0; }
bool BatchView::has_delete_horizon() const {
  return (attributes() & layout::kDeleteHorizonBit) != 0;
}
Timestamp BatchView::base_timestamp() const {
  return Timestamp(load_be<std::int64_t>(bytes_.data() + layout::kBaseTimestamp));
}
Timestamp BatchView::max_timestamp() const {
  return Timestamp(load_be<std::int64_t>(bytes_.data() + layout::kMaxTimestamp));
}
std::int64_t BatchView::producer_id() const {
  return load_be<std::int64_t>(bytes_.data() + layout::kProducerId);
}
std::int16_t BatchView::producer_epoch() const {
  return load_be<std::int16_t>(bytes_.data() + layout::kProducerEpoch);
}
std::int32_t BatchView::base_sequence() const {
  return load_be<std::int32_t>(bytes_.data() + layout::kBaseSequence);
}
std::int32_t BatchView::record_count() const {
  return load_be<std::int32_t>(bytes_.data() + layout::kRecordCount);
}

Status BatchView::verify_crc() const {
  const std::uint32_t actual = crc32c(bytes_.subspan(kUncheckedPrefixSize));
  if (actual == crc()) return {};
  return fail(Errc::kBadChecksum, "batch at base offset " + std::to_string(base_offset().value()) +
                                      " of " + std::to_string(size()) + " bytes says CRC-32C " +
                                      std::to_string(crc()) + ", its bytes give " +
                                      std::to_string(actual));
}

void assign_position(MutableByteView batch, Offset base_offset, Term leader_epoch) {
  PENSTOCK_ASSERT(batch.size() >= kHeaderSize, "a batch has a whole header");
  store_be(batch.data() + layout::kBaseOffset, base_offset.value());
  store_be(batch.data() + layout::kLeaderEpoch, leader_epoch.value());
}

void assign_append_time(MutableByteView batch, Timestamp now) {
  PENSTOCK_ASSERT(batch.size() >= kHeaderSize, "a batch has a whole header");
  std::byte* const attributes = batch.data() + layout::kAttributes;
  store_be(attributes, static_cast<std::int16_t>(load_be<std::int16_t>(attributes) |
                                                 layout::kLogAppendTimeBit));
  store_be(batch.data() + layout::kMaxTimestamp, now.ms());
  store_be(batch.data() + layout::kCrc, crc32c(batch.subspan(kUncheckedPrefixSize)));
}

}  // namespace penstock::record
