// Snappy in xerial framing: 16-byte header, then blocks of a big-endian length and raw snappy.
#include <snappy.h>

#include <algorithm>
#include <array>

#include "base/coding.h"
#include "protocol/record/codec_formats.h"
#include "protocol/record/limits.h"

namespace penstock::record {
namespace {

constexpr std::array<char, 8> kXerialMagic = {'\x82', 'S', 'N', 'A', 'P', 'P', 'Y', '\0'};
constexpr std::int32_t kXerialVersion = 1;

std::unexpected<Error> malformed(const char* why) { return fail(Errc::kInvalidBatch, why); }

bool is_xerial(ByteView input) {
  return input.size() >= kXerialMagic.size() &&
         std::memcmp(input.data(), kXerialMagic.data(), kXerialMagic.size()) == 0;
}

void append_be32(Bytes& out, std::int32_t value) {
  std::array<std::byte, 4> raw;
  store_be(raw.data(), value);
  out.insert(out.end(), raw.begin(), raw.end());
}

Status decompress_block(ByteView block, BoundedOutput& out) {
  const auto* const input = reinterpret_cast<const char*>(block.data());
  std::size_t claimed = 0;
  if (!snappy::GetUncompressedLength(input, block.size(), &claimed)) {
    return malformed("a block has no length");
  }
  if (claimed > block.size() * kSnappyMaxRatio) {
    return malformed("a block claims more bytes than snappy can hold");
  }
  PENSTOCK_TRY_ASSIGN(const MutableByteView room, out.room_for(claimed));
  if (!snappy::RawUncompress(input, block.size(), reinterpret_cast<char*>(room.data()))) {
    return malformed("a block is damaged");
  }
  return out.advance(claimed);
}

}  // namespace

Status snappy_compress(ByteView input, Bytes& out) {
  const ByteView magic = std::as_bytes(std::span(kXerialMagic));
  out.insert(out.end(), magic.begin(), magic.end());
  append_be32(out, kXerialVersion);
  append_be32(out, kXerialVersion);  // lowest version of a reader that understands this
  while (!input.empty()) {
    const ByteView block = input.first(std::min(input.size(), kSnappyBlockBytes));
    input = input.subspan(block.size());
    const std::size_t begin = out.size();
    out.resize(begin + sizeof(std::int32_t) + snappy::MaxCompressedLength(block.size()));
    std::byte* const at = out.data() + begin;
    std::size_t size = 0;
    snappy::RawCompress(reinterpret_cast<const char*>(block.data()), block.size(),
                        reinterpret_cast<char*>(at + sizeof(std::int32_t)), &size);
    store_be(at, static_cast<std::int32_t>(size));
    out.resize(begin + sizeof(std::int32_t) + size);
  }
  return {};
}

Status snappy_decompress(ByteView input, BoundedOutput& out) {
  if (!is_xerial(input)) return decompress_block(input, out);
  ByteReader reader(input.subspan(kXerialMagic.size()));
  // Not looked at: there is one version only, and some writers have its bytes in the wrong order.
  ByteView versions;
  if (!reader.read_bytes(2 * sizeof kXerialVersion, versions)) {
    return malformed("the xerial header is cut off");
  }
  while (reader.remaining() > 0) {
    std::int32_t size = 0;
    ByteView block;
    if (!reader.read_be(size) || size <= 0 ||
        !reader.read_bytes(static_cast<std::size_t>(size), block)) {
      return malformed("a block is cut off");
    }
    PENSTOCK_TRY(decompress_block(block, out));
  }
  return {};
}

}  // namespace penstock::record
