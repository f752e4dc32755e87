// One record, and iteration over those of a batch.
//
// Lifetime: a RecordView borrows from the Records it came from (which owns decompressed bytes) or,
// for an uncompressed batch, from the batch itself. Failure: a malformed record ends the iteration
// with kInvalidBatch; what was returned before stays valid.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"
#include "protocol/record/batch.h"

namespace penstock::record {

struct HeaderView {
  std::string_view key;
  std::optional<ByteView> value;  // none: null
};

// The headers of one record, decoded as they are walked (they are rare).
class HeadersView {
 public:
  HeadersView() = default;
  HeadersView(std::int32_t count, ByteView encoded) : count_(count), encoded_(encoded) {}
  std::int32_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  // kInvalidBatch cannot happen for headers of a record that an iterator returned.
  std::vector<HeaderView> decode() const;
  // The headers as they stand in the record, behind their count.
  ByteView encoded() const { return encoded_; }

 private:
  std::int32_t count_ = 0;
  ByteView encoded_;
};

// What HeadersView(headers.size(), ...) takes: for headers that come from elsewhere than a batch.
Bytes encode_headers(std::span<const HeaderView> headers);

struct RecordView {
  Offset offset;
  Timestamp timestamp;
  std::optional<ByteView> key;    // none: null
  std::optional<ByteView> value;  // none: null, a tombstone
  HeadersView headers;
};

// The records of one batch in order. Control batches have records too; callers skip them by
// BatchView::is_control().
class Records {
 public:
  // Decompresses if need be. Does not check the CRC.
  static Result<Records> open(const BatchView& batch, const DecompressLimits& limits = {});

  Records(Records&&) = default;
  Records& operator=(Records&&) = default;

  // The next record; none at the end, which is reached after exactly record_count() records with no
  // bytes left over (anything else is kInvalidBatch).
  Result<std::optional<RecordView>> next();

  // The bytes of the records that next() has not returned yet: before a call less behind it, they
  // are the record as it stands.
  ByteView rest() const { return rest_; }

 private:
  Records() = default;

  Offset base_offset_;
  Timestamp base_timestamp_;
  std::optional<Timestamp> append_time_;  // set: stamps every record
  std::int32_t left_ = 0;
  std::int32_t max_offset_delta_ = 0;
  std::int32_t previous_offset_delta_ = -1;
  Bytes decompressed_;
  ByteView rest_;
};

// An owned record, where one must outlive its batch (tests, command line).
struct Header {
  std::string key;
  std::optional<Bytes> value;
  friend bool operator==(const Header&, const Header&) = default;
};
struct Record {
  std::optional<Bytes> key;
  std::optional<Bytes> value;
  Timestamp timestamp;
  std::vector<Header> headers;
  friend bool operator==(const Record&, const Record&) = default;
};

// 128-bit sums of record hashes: equal for two copies of a range in any order, and different,
// except with probability 2^-128, when a record was lost, added or altered. Addition is modulo
// 2^128.
struct Hash128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  Hash128& operator+=(const Hash128& other);
  std::string to_string() const;  // 32 hex digits, high half first
  static std::optional<Hash128> parse(std::string_view hex);
  friend bool operator==(const Hash128&, const Hash128&) = default;
};

// XXH3-128 over offset, leader epoch, timestamp, key, value and headers, each with its length or
// null mark, so that no two different records share an encoding.
Hash128 hash_record(const RecordView& record, Term leader_epoch);

}  // namespace penstock::record
