// Payloads: the contents of bench records: never zeros, alike for alike seeds, and about as
// compressible as JSON events.
//
// Format: windows into one text of JSON-like fields with random values; record i begins where
// record i - 1 ended, so that neighbours differ. zstd and lz4 find the field names, not the values.
// Threads: immutable after construction. Lifetime: views borrow from the Payloads.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace penstock::bench {

class Payloads {
 public:
  // record_bytes <= kMaxRecordBytes (bench/limits.h).
  Payloads(std::uint64_t seed, std::size_t record_bytes);

  ByteView at(std::uint64_t index) const;

 private:
  std::size_t record_bytes_;
  std::size_t windows_;
  Bytes text_;
};

}  // namespace penstock::bench
