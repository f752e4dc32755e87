// Integers to and from bytes: big-endian (RecordBatch), little-endian (our own files and frames),
// varints.
//
// Format: varints are protobuf's; signed ones are zig-zag, as RecordBatch v2 wants them.
// Failure: the readers never read past their view; they return false and leave the output
// unspecified.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>

#include "base/bytes.h"

namespace penstock {

template <std::integral T>
T load_be(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::big ? value : std::byteswap(value);
}
template <std::integral T>
void store_be(std::byte* to, T value) {
  if constexpr (std::endian::native != std::endian::big) value = std::byteswap(value);
  std::memcpy(to, &value, sizeof value);
}
template <std::integral T>
T load_le(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::little ? value : std::byteswap(value);
}
template <std::integral T>
void store_le(std::byte* to, T value) {
  if constexpr (std::endian::native != std::endian::little) value = std::byteswap(value);
  std::memcpy(to, &value, sizeof value);
}

constexpr std::uint64_t zigzag_encode(std::int64_t v) {
  return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
}
constexpr std::int64_t zigzag_decode(std::uint64_t v) {
  return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1);
}

inline constexpr std::size_t kMaxVarintBytes = 10;

constexpr std::size_t varint_size(std::uint64_t v) {
  return (static_cast<std::size_t>(std::bit_width(v | 1)) + 6) / 7;
}
constexpr std::size_t zigzag_size(std::int64_t v) { return varint_size(zigzag_encode(v)); }

// Writes at `to`, which has room for kMaxVarintBytes; returns the end of what was written.
inline std::byte* write_varint(std::byte* to, std::uint64_t v) {
  while (v >= 0x80) {
    *to++ = static_cast<std::byte>(v | 0x80);
    v >>= 7;
  }
  *to++ = static_cast<std::byte>(v);
  return to;
}
inline std::byte* write_zigzag(std::byte* to, std::int64_t v) {
  return write_varint(to, zigzag_encode(v));
}

// Consumes from the front of a view. Each read returns false when the bytes do not suffice.
class ByteReader {
 public:
  explicit ByteReader(ByteView view) : rest_(view) {}

  ByteView rest() const { return rest_; }
  std::size_t remaining() const { return rest_.size(); }

  template <std::integral T>
  bool read_be(T& out) {
    if (rest_.size() < sizeof(T)) return false;
    out = load_be<T>(rest_.data());
    rest_ = rest_.subspan(sizeof(T));
    return true;
  }
  template <std::integral T>
  bool read_le(T& out) {
    if (rest_.size() < sizeof(T)) return false;
    out = load_le<T>(rest_.data());
    rest_ = rest_.subspan(sizeof(T));
    return true;
  }
  bool read_bytes(std::size_t size, ByteView& out) {
    if (rest_.size() < size) return false;
    out = rest_.first(size);
    rest_ = rest_.subspan(size);
    return true;
  }
  // False also for a varint that is longer than ten bytes or overflows 64 bits.
  bool read_varint(std::uint64_t& out) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < rest_.size() && i < kMaxVarintBytes; ++i) {
      const auto b = std::to_integer<std::uint64_t>(rest_[i]);
      if (i == kMaxVarintBytes - 1 && b > 1) return false;
      value |= (b & 0x7f) << (7 * i);
      if (b < 0x80) {
        out = value;
        rest_ = rest_.subspan(i + 1);
        return true;
      }
    }
    return false;
  }
  bool read_zigzag(std::int64_t& out) {
    std::uint64_t raw;
    if (!read_varint(raw)) return false;
    out = zigzag_decode(raw);
    return true;
  }

 private:
  ByteView rest_;
};

}  // namespace penstock
