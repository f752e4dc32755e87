// BatchView: a record batch as it lies in memory, checked and read without copying.
//
// Format: RecordBatch v2: 61-byte big-endian header, CRC-32C over bytes 21 to the end, records
// behind it (docs/protocol.md, "Record batch"). Bytes 0..20 (base offset, length, leader epoch,
// magic, CRC) are outside the CRC: whoever stores or sends a batch protects them beside it.
// Lifetime: a view borrows the bytes.
// Failure: parse() checks structure only (kInvalidBatch); verify_crc() the bytes (kBadChecksum).
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"
#include "protocol/record/codec.h"

namespace penstock::record {

inline constexpr std::size_t kHeaderSize = 61;
// Base offset and length field: a batch is kLengthPrefixSize + length field bytes long.
inline constexpr std::size_t kLengthPrefixSize = 12;
inline constexpr std::size_t kMinLengthField = kHeaderSize - kLengthPrefixSize;
// Bytes 0..20, which the batch's own CRC does not cover.
inline constexpr std::size_t kUncheckedPrefixSize = 21;
inline constexpr std::int8_t kMagic = 2;

enum class TimestampType : std::uint8_t { kCreateTime = 0, kLogAppendTime = 1 };

class BatchView {
 public:
  // The batch at the front of `bytes`, which may hold more behind it. kInvalidBatch when fewer
  // bytes are there than the header says, or when a field contradicts another.
  static Result<BatchView> parse(ByteView bytes);

  // Length of the whole batch whose first kLengthPrefixSize bytes are `prefix`; kInvalidBatch when
  // it cannot be.
  static Result<std::size_t> total_size(ByteView prefix);

  ByteView bytes() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }

  Offset base_offset() const;
  Offset last_offset() const { return base_offset() + last_offset_delta(); }
  // First offset behind the batch.
  Offset end_offset() const { return last_offset() + 1; }
  std::int32_t last_offset_delta() const;
  Term leader_epoch() const;
  std::uint32_t crc() const;
  std::int16_t attributes() const;
  Codec codec() const;  // valid: parse() refuses unknown ones
  TimestampType timestamp_type() const;
  bool is_control() const;
  bool is_transactional() const;
  bool has_delete_horizon() const;
  Timestamp base_timestamp() const;
  Timestamp max_timestamp() const;
  std::int64_t producer_id() const;
  std::int16_t producer_epoch() const;
  std::int32_t base_sequence() const;
  std::int32_t record_count() const;
  // Behind the header; compressed unless codec() is kNone.
  ByteView records() const { return bytes_.subspan(kHeaderSize); }

  Status verify_crc() const;

 private:
  explicit BatchView(ByteView bytes) : bytes_(bytes) {}
  ByteView bytes_;
};

// What a broker writes into a batch on append: neither is covered by the CRC.
void assign_position(MutableByteView batch, Offset base_offset, Term leader_epoch);

// Sets timestamp type LogAppendTime and max timestamp, and recomputes the CRC.
void assign_append_time(MutableByteView batch, Timestamp now);

}  // namespace penstock::record
