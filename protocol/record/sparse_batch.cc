#include "protocol/record/sparse_batch.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "base/assert.h"
#include "base/coding.h"
#include "protocol/record/codec.h"
#include "protocol/record/crc32c.h"
#include "protocol/record/layout.h"
#include "protocol/record/limits.h"
#include "protocol/record/sequence.h"

namespace penstock::record {
namespace {

std::int16_t with_codec(std::int16_t attributes, Codec codec) {
  return static_cast<std::int16_t>((attributes & ~layout::kCodecMask) | static_cast<int>(codec));
}

// Fills in what depends on the records behind the header, the checksum last.
void finish(MutableByteView batch, Codec codec, std::int32_t count) {
  std::byte* const at = batch.data();
  const auto attributes = load_be<std::int16_t>(at + layout::kAttributes);
  store_be(at + layout::kLength, static_cast<std::int32_t>(batch.size() - kLengthPrefixSize));
  store_be(at + layout::kAttributes, with_codec(attributes, codec));
  store_be(at + layout::kRecordCount, count);
  store_be(at + layout::kCrc, crc32c(batch.subspan(kUncheckedPrefixSize)));
}

Bytes header_of(const BatchView& original) {
  const ByteView header = original.bytes().first(kHeaderSize);
  return {header.begin(), header.end()};
}

}  // namespace

bool is_plain(const BatchView& batch) {
  return (batch.attributes() & ~(layout::kCodecMask | layout::kLogAppendTimeBit)) == 0;
}

bool is_bare(const BatchView& batch) {
  return batch.record_count() == 0 && is_plain(batch) && batch.producer_id() == kNoProducer;
}

Result<Bytes> with_records(const BatchView& original, ByteView kept, std::int32_t count,
                           Timestamp max_timestamp) {
  PENSTOCK_ASSERT(count > 0, "some of the records stay");
  if (kHeaderSize + kept.size() > kMaxBatchBytes) {
    return fail(Errc::kBatchTooLarge,
                "records of " + std::to_string(kept.size()) + " bytes fit no batch");
  }
  Bytes batch = header_of(original);
  if (original.timestamp_type() == TimestampType::kCreateTime) {
    store_be(batch.data() + layout::kMaxTimestamp, max_timestamp.ms());
  }
  const Codec codec = original.codec();
  if (codec != Codec::kNone) {
    PENSTOCK_TRY(compress(codec, kept, batch));
    const std::size_t size = batch.size() - kHeaderSize;
    if (size < kept.size() && kept.size() <= decompressed_limit(size, DecompressLimits())) {
      finish(batch, codec, count);
      return batch;
    }
    batch.resize(kHeaderSize);
  }
  batch.insert(batch.end(), kept.begin(), kept.end());
  finish(batch, Codec::kNone, count);
  return batch;
}

Bytes without_records(const BatchView& original) {
  Bytes batch = header_of(original);
  store_be(batch.data() + layout::kBaseTimestamp, Timestamp().ms());
  store_be(batch.data() + layout::kMaxTimestamp, Timestamp().ms());
  finish(batch, Codec::kNone, 0);
  return batch;
}

Bytes bare_batch(Offset begin, Offset end, Term epoch) {
  PENSTOCK_ASSERT(begin < end && end - begin - 1 <= std::numeric_limits<std::int32_t>::max(),
                  "offsets of a batch are int32");
  Bytes batch(kHeaderSize);
  std::byte* const at = batch.data();
  store_be(at + layout::kBaseOffset, begin.value());
  store_be(at + layout::kLeaderEpoch, epoch.value());
  store_be(at + layout::kMagicByte, kMagic);
  store_be(at + layout::kLastOffsetDelta, static_cast<std::int32_t>(end - begin - 1));
  store_be(at + layout::kBaseTimestamp, Timestamp().ms());
  store_be(at + layout::kMaxTimestamp, Timestamp().ms());
  store_be(at + layout::kProducerId, kNoProducer);
  store_be(at + layout::kProducerEpoch, kNoEpoch);
  store_be(at + layout::kBaseSequence, kNoSequence);
  finish(batch, Codec::kNone, 0);
  return batch;
}

}  // namespace penstock::record
