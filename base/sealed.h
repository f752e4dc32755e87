// Sealed bytes: a magic word of eight letters and a version in front, XXH3-64 over everything
// before behind; what snapshots of state machines are wrapped in.
//
// Format: magic, version (2 bytes, little-endian), body, checksum (8 bytes, little-endian).
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/fields.h"
#include "base/result.h"

namespace penstock {

inline constexpr std::size_t kSealMagicBytes = 8;

struct SealKind {
  std::string_view magic;  // kSealMagicBytes letters
  std::string_view what;   // it is, for error messages
  // Versions of the body that can be read.
  std::uint16_t oldest = 1;
  std::uint16_t newest = 1;
};

// A writer for the body; to be given to seal().
FieldWriter begin_sealed(const SealKind& kind, std::uint16_t version);
Bytes seal(FieldWriter fields);

struct Sealed {
  std::uint16_t version = 0;
  ByteView body;  // of the bytes that were opened
};
// kCorrupt: too short, altered, or another kind; kUnsupportedVersion: a newer release wrote it.
Result<Sealed> open_sealed(ByteView bytes, const SealKind& kind);

}  // namespace penstock
