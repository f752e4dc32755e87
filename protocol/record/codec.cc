#include "protocol/record/codec.h"

#include <algorithm>
#include <array>
#include <string>

#include "protocol/record/codec_formats.h"
#include "protocol/record/limits.h"

namespace penstock::record {
namespace {

constexpr std::array<std::string_view, 5> kNames = {"none", "gzip", "snappy", "lz4", "zstd"};

Status compress_as(Codec codec, ByteView input, Bytes& out) {
  switch (codec) {
    case Codec::kNone:
      out.insert(out.end(), input.begin(), input.end());
      return {};
    case Codec::kGzip:
      return gzip_compress(input, out);
    case Codec::kSnappy:
      return snappy_compress(input, out);
    case Codec::kLz4:
      return lz4_compress(input, out);
    case Codec::kZstd:
      return zstd_compress(input, out);
  }
  return fail(Errc::kUnsupportedCompression);
}

Status decompress_as(Codec codec, ByteView input, BoundedOutput& out) {
  switch (codec) {
    case Codec::kNone: {
      PENSTOCK_TRY_ASSIGN(const MutableByteView room, out.room_for(input.size()));
      std::ranges::copy(input, room.begin());
      return out.advance(input.size());
    }
    case Codec::kGzip:
      return gzip_decompress(input, out);
    case Codec::kSnappy:
      return snappy_decompress(input, out);
    case Codec::kLz4:
      return lz4_decompress(input, out);
    case Codec::kZstd:
      return zstd_decompress(input, out);
  }
  return fail(Errc::kUnsupportedCompression);
}

}  // namespace

std::string_view name(Codec codec) {
  const auto bits = static_cast<std::size_t>(codec);
  return bits < kNames.size() ? kNames[bits] : "unknown";
}

Result<Codec> codec_from_name(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  if (found != kNames.end()) return static_cast<Codec>(found - kNames.begin());
  return fail(Errc::kInvalidArgument, "unknown compression '" + std::string(name) +
                                          "': use none, gzip, snappy, lz4 or zstd");
}

Result<Codec> codec_from_bits(unsigned bits) {
  if (bits < kNames.size()) return static_cast<Codec>(bits);
  return fail(Errc::kUnsupportedCompression,
              "compression codec number " + std::to_string(bits) + " is not known");
}

std::size_t decompressed_limit(std::size_t input_size, const DecompressLimits& limits) {
  const std::size_t by_ratio =
      limits.max_ratio != 0 && input_size > limits.max_bytes / limits.max_ratio
          ? limits.max_bytes
          : input_size * limits.max_ratio;
  return std::min(limits.max_bytes, std::max(limits.ratio_floor_bytes, by_ratio));
}

Status compress(Codec codec, ByteView input, Bytes& out) {
  if (input.size() > kMaxBatchBytes) {
    return fail(Errc::kBatchTooLarge,
                "records of " + std::to_string(input.size()) + " bytes fit no batch");
  }
  const std::size_t before = out.size();
  Status status = compress_as(codec, input, out);
  if (!status) out.resize(before);
  return status;
}

Status decompress(Codec codec, ByteView input, const DecompressLimits& limits, Bytes& out) {
  if (codec == Codec::kNone) {
    // Nothing expands, so only the absolute limit means something.
    BoundedOutput copy(out, limits.max_bytes);
    return decompress_as(codec, input, copy);
  }
  if (input.empty()) return fail(Errc::kInvalidBatch, "compressed records are empty");
  if (input.size() > kMaxBatchBytes) {
    return fail(Errc::kInvalidBatch,
                "compressed records of " + std::to_string(input.size()) + " bytes fit no batch");
  }
  const std::size_t before = out.size();
  BoundedOutput bounded(out, decompressed_limit(input.size(), limits));
  Status status = decompress_as(codec, input, bounded);
  if (!status) {
    out.resize(before);
    return fail(std::move(status).error().context(name(codec)));
  }
  bounded.finish();
  return {};
}

}  // namespace penstock::record
