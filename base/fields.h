// FieldWriter and FieldReader: the fields of which records and snapshots of state machines are
// made.
//
// Format: integers little-endian; counts, lengths and numbers as varints; texts and lists with
// their length in front; identifiers as 16 bytes. Failure: the first field that is not there, or is
// none that a writer would have written, spoils the reader: everything after it reads as empty, and
// is_good() says so. A count is never larger than the bytes that are left, so that no hostile one
// costs memory.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/coding.h"
#include "base/types.h"

namespace penstock {

// Each call gives back the writer as what it is, so that one with more kinds of fields can be
// derived from it.
class FieldWriter {
 public:
  FieldWriter() = default;
  explicit FieldWriter(Bytes begin) : bytes_(std::move(begin)) {}

  template <typename Self, std::integral T>
  auto& integer(this Self&& self, T value) {
    std::byte raw[sizeof(T)];
    store_le(raw, value);
    return self.raw(raw);
  }
  auto& count(this auto&& self, std::uint64_t value) {
    std::byte raw[kMaxVarintBytes];
    return self.raw({raw, write_varint(raw, value)});
  }
  // Never below 0.
  auto& number(this auto&& self, std::int32_t value) {
    return self.count(static_cast<std::uint32_t>(value));
  }
  auto& raw(this auto&& self, ByteView value) {
    self.bytes_.insert(self.bytes_.end(), value.begin(), value.end());
    return self;
  }
  auto& text(this auto&& self, std::string_view value) {
    return self.count(value.size()).raw(as_bytes(value));
  }
  auto& uuid(this auto&& self, const Uuid& id) { return self.raw(id.bytes); }
  auto& offset(this auto&& self, Offset value) { return self.integer(value.value()); }
  auto& term(this auto&& self, Term value) { return self.integer(value.value()); }
  auto& timestamp(this auto&& self, Timestamp value) { return self.integer(value.ms()); }

  const Bytes& bytes() const { return bytes_; }
  Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

class FieldReader {
 public:
  explicit FieldReader(ByteView bytes) : from_(bytes) {}

  template <std::integral T>
  T integer() {
    T value{};
    good_ = good_ && from_.read_le(value);
    return good_ ? value : T{};
  }
  // Of elements that take a byte each at least.
  std::size_t count() {
    const std::uint64_t value = varint();
    good_ = good_ && value <= from_.remaining();
    return good_ ? value : 0;
  }
  std::string text() {
    const std::size_t size = count();
    ByteView raw;
    good_ = good_ && from_.read_bytes(size, raw);
    return good_ ? std::string(as_text(raw)) : std::string();
  }
  Uuid uuid() {
    Uuid id;
    ByteView raw;
    good_ = good_ && from_.read_bytes(id.bytes.size(), raw);
    if (good_) std::ranges::copy(raw, id.bytes.begin());
    return id;
  }
  Offset offset() { return Offset(integer<std::int64_t>()); }
  Term term() { return Term(integer<std::int32_t>()); }
  Timestamp timestamp() { return Timestamp(integer<std::int64_t>()); }
  // From 0 to the largest that a partition or a broker may have.
  std::int32_t number() {
    const std::uint64_t value = varint();
    good_ = good_ && value <= std::numeric_limits<std::int32_t>::max();
    return good_ ? static_cast<std::int32_t>(value) : 0;
  }

  // A field was read that means nothing.
  void spoil() { good_ = false; }
  bool is_good() const { return good_; }
  bool is_complete() const { return good_ && from_.remaining() == 0; }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    good_ = good_ && from_.read_varint(value);
    return good_ ? value : 0;
  }

  ByteReader from_;
  bool good_ = true;
};

}  // namespace penstock
