// Compression of a batch's records: none, gzip, snappy, lz4, zstd, in the framings of RecordBatch
// v2.
//
// Format: gzip RFC 1952; snappy in xerial blocks (raw snappy accepted when reading); lz4 as LZ4
// frames with 64 KiB blocks; zstd plain frames. Failure: decompression writes into a buffer that
// never grows past the limits, whatever the input's headers claim: kDecompressionLimit; malformed
// input: kInvalidBatch; `out` is then as it was. Threads: any; zstd keeps its contexts thread by
// thread (limits.h says how much).
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace penstock::record {

enum class Codec : std::uint8_t { kNone = 0, kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };

std::string_view name(Codec codec);                    // "none", "gzip", ...
Result<Codec> codec_from_name(std::string_view name);  // kInvalidArgument names the known ones
Result<Codec> codec_from_bits(unsigned bits);          // kUnsupportedCompression

// The defaults are what readers hold to, so writers must: BatchBuilder leaves records uncompressed
// that would not fit them.
struct DecompressLimits {
  std::size_t max_bytes = 16U << 20;         // absolute, of one batch
  std::size_t max_ratio = 100;               // output bytes per input byte ...
  std::size_t ratio_floor_bytes = 1U << 20;  // ... once the output is larger than this
};

// The most that `input_size` compressed bytes may become.
std::size_t decompressed_limit(std::size_t input_size, const DecompressLimits& limits);

// Appends the compressed form of `input` to `out`.
Status compress(Codec codec, ByteView input, Bytes& out);

// Appends the decompressed form of `input` to `out`.
Status decompress(Codec codec, ByteView input, const DecompressLimits& limits, Bytes& out);

}  // namespace penstock::record
