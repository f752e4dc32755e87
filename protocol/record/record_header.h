// The encoding of one record header: key length, key, value length or -1 for null, value.
//
// Internal to protocol/record: others use HeadersView and encode_headers().
#pragma once

#include "base/coding.h"
#include "protocol/record/record.h"

namespace penstock::record {

inline std::byte* write_raw(std::byte* to, ByteView bytes) {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

inline std::size_t nullable_size(const std::optional<ByteView>& bytes) {
  return bytes ? zigzag_size(static_cast<std::int64_t>(bytes->size())) + bytes->size()
               : zigzag_size(-1);
}
inline std::byte* write_nullable(std::byte* to, const std::optional<ByteView>& bytes) {
  if (!bytes) return write_zigzag(to, -1);
  return write_raw(write_zigzag(to, static_cast<std::int64_t>(bytes->size())), *bytes);
}
// False when the length is below -1 or runs past the end.
inline bool read_nullable(ByteReader& from, std::optional<ByteView>& out) {
  std::int64_t size;
  if (!from.read_zigzag(size)) return false;
  if (size == -1) {
    out.reset();
    return true;
  }
  ByteView bytes;
  if (size < 0 || !from.read_bytes(static_cast<std::size_t>(size), bytes)) return false;
  out = bytes;
  return true;
}

inline std::size_t header_size(const HeaderView& header) {
  return zigzag_size(static_cast<std::int64_t>(header.key.size())) + header.key.size() +
         nullable_size(header.value);
}
inline std::byte* write_header(std::byte* to, const HeaderView& header) {
  to = write_zigzag(to, static_cast<std::int64_t>(header.key.size()));
  return write_nullable(write_raw(to, as_bytes(header.key)), header.value);
}
// False also for a null key, which the format does not allow.
inline bool read_header(ByteReader& from, HeaderView& out) {
  std::optional<ByteView> key;
  if (!read_nullable(from, key) || !key) return false;
  out.key = as_text(*key);
  return read_nullable(from, out.value);
}

}  // namespace penstock::record
