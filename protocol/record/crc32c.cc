#include "protocol/record/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

#include "base/coding.h"

namespace penstock::record {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;  // reflected
// From here on ISA-L's folding wins over eight bytes an instruction, its start-up cost included.
constexpr std::size_t kFoldingBytes = 256;
// ISA-L takes its length as int; a multiple of every folding width.
constexpr std::size_t kMaxFoldingStep = 1U << 30;

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

// tables[k][b]: what byte b contributes when k more bytes follow in its group of eight.
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t b = 0; b < 256; ++b) {
    std::uint32_t crc = b;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][b] = crc;
  }
  for (std::size_t k = 1; k < tables.size(); ++k) {
    for (std::size_t b = 0; b < 256; ++b) {
      const std::uint32_t shorter = tables[k - 1][b];
      tables[k][b] = (shorter >> 8) ^ tables[0][shorter & 0xff];
    }
  }
  return tables;
}
constexpr Tables kTables = make_tables();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t extend_sse42(ByteView bytes, std::uint32_t state) {
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t wide = state;
  for (; left >= 8; at += 8, left -= 8) wide = _mm_crc32_u64(wide, load_le<std::uint64_t>(at));
  auto narrow = static_cast<std::uint32_t>(wide);
  for (; left > 0; ++at, --left) narrow = _mm_crc32_u8(narrow, std::to_integer<std::uint8_t>(*at));
  return narrow;
}

bool detect_sse42() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.2") != 0;
}
// False until set: what runs before it takes the portable way, with the same result.
const bool kHasSse42 = detect_sse42();
#endif

// Picks its instructions by itself, and has a portable version of its own.
std::uint32_t extend_folding(ByteView bytes, std::uint32_t state) {
  while (!bytes.empty()) {
    const ByteView step = bytes.first(std::min(bytes.size(), kMaxFoldingStep));
    // The signature lacks a const; the buffer is only read.
    auto* const data =
        const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(step.data()));
    state = crc32_iscsi(data, static_cast<int>(step.size()), state);
    bytes = bytes.subspan(step.size());
  }
  return state;
}

}  // namespace

std::uint32_t crc32c_portable(ByteView bytes, std::uint32_t crc) {
  std::uint32_t state = ~crc;
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    const std::uint64_t group = load_le<std::uint64_t>(at) ^ state;
    state = kTables[7][group & 0xff] ^ kTables[6][(group >> 8) & 0xff] ^
            kTables[5][(group >> 16) & 0xff] ^ kTables[4][(group >> 24) & 0xff] ^
            kTables[3][(group >> 32) & 0xff] ^ kTables[2][(group >> 40) & 0xff] ^
            kTables[1][(group >> 48) & 0xff] ^ kTables[0][group >> 56];
  }
  for (; left > 0; ++at, --left) {
    state = (state >> 8) ^ kTables[0][(state ^ std::to_integer<std::uint32_t>(*at)) & 0xff];
  }
  return ~state;
}

std::uint32_t crc32c(ByteView bytes, std::uint32_t crc) {
  if (bytes.size() >= kFoldingBytes) return ~extend_folding(bytes, ~crc);
#if defined(__x86_64__)
  if (kHasSse42) return ~extend_sse42(bytes, ~crc);
#endif
  return crc32c_portable(bytes, crc);
}

}  // namespace penstock::record
