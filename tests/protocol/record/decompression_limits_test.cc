// A few bytes that want to become very many: refused in time, whatever their headers claim.
#include <gtest/gtest.h>
#include <lz4frame.h>
#include <snappy.h>
#include <zstd.h>

#include "base/coding.h"
#include "tests/protocol/record/sample_records.h"

namespace penstock::record {
namespace {

constexpr Codec kCompressing[] = {Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd};

class Bomb : public testing::TestWithParam<Codec> {
 protected:
  static Bytes packed_zeros(std::size_t size) {
    Bytes out;
    EXPECT_TRUE(compress(GetParam(), Bytes(size), out).has_value());
    return out;
  }
  // Decompressing it fails, and the buffer for it stayed within what the limits allow.
  static void expect_defused(ByteView bomb, const DecompressLimits& limits, std::size_t allowed) {
    Bytes out;
    const Status status = decompress(GetParam(), bomb, limits, out);
    ASSERT_FALSE(status.has_value());
    EXPECT_EQ(status.error().code(), Errc::kDecompressionLimit) << status.error().to_string();
    EXPECT_LE(out.capacity(), allowed + 1);
  }
};

INSTANTIATE_TEST_SUITE_P(Compressing, Bomb, testing::ValuesIn(kCompressing),
                         [](const auto& info) { return std::string(name(info.param)); });

TEST_P(Bomb, IsStoppedByTheAbsoluteLimit) {
  const Bytes bomb = packed_zeros(64U << 20);
  std::printf("BOMB codec=%s input=%zu output=%u\n", std::string(name(GetParam())).c_str(),
              bomb.size(), 64U << 20);
  expect_defused(bomb, {.max_bytes = 1U << 20, .max_ratio = 1U << 20}, 1U << 20);
}

TEST_P(Bomb, IsStoppedByTheRatio) {
  const Bytes bomb = packed_zeros(64U << 20);
  const DecompressLimits limits{.max_bytes = 1U << 30, .max_ratio = 5, .ratio_floor_bytes = 1000};
  expect_defused(bomb, limits, bomb.size() * 5);
}

TEST_P(Bomb, IsStoppedByTheDefaultLimits) {
  const Bytes bomb = packed_zeros(64U << 20);
  expect_defused(bomb, {}, decompressed_limit(bomb.size(), {}));
}

TEST_P(Bomb, SmallBatchesMayBeDenserThanTheRatio) {
  const DecompressLimits limits{.max_ratio = 1, .ratio_floor_bytes = 50'000};
  Bytes out;
  EXPECT_TRUE(decompress(GetParam(), packed_zeros(50'000), limits, out).has_value());
  EXPECT_EQ(out.size(), 50'000);
  expect_defused(packed_zeros(50'001), limits, 50'000);
}

TEST_P(Bomb, TheLimitIsTheLastSizeAllowed) {
  for (const std::size_t size : {1U, 100U, 16'384U, 65'536U, 200'000U}) {
    const Bytes packed = packed_zeros(size);
    const DecompressLimits exact{.max_bytes = size, .max_ratio = 1U << 20};
    Bytes out;
    const Status status = decompress(GetParam(), packed, exact, out);
    ASSERT_TRUE(status.has_value()) << size << ": " << status.error().to_string();
    ASSERT_EQ(out.size(), size);
    expect_defused(packed, {.max_bytes = size - 1, .max_ratio = 1U << 20}, size - 1);
  }
}

TEST_P(Bomb, ABatchOfItIsRefusedBeforeItsFirstRecord) {
  const Bytes batch = build_batch(
      {{.key = std::nullopt, .value = Bytes(1U << 19), .timestamp = Timestamp(1), .headers = {}}},
      {.codec = GetParam()});
  const auto records = Records::open(*BatchView::parse(batch), {.max_bytes = 1U << 18});
  ASSERT_FALSE(records.has_value());
  EXPECT_EQ(records.error().code(), Errc::kDecompressionLimit);
}

TEST(ForgedSize, OfAZstdFrameIsNotBelieved) {
  // Magic, single segment with 8-byte content size of 2^62, one raw last block of one byte.
  const Bytes frame = bytes_of(
      std::string_view("\x28\xb5\x2f\xfd\xe0\x00\x00\x00\x00\x00\x00\x00\x40\x09\x00\x00x", 17));
  ASSERT_EQ(ZSTD_getFrameContentSize(frame.data(), frame.size()), std::uint64_t{1} << 62);
  Bytes out;
  EXPECT_FALSE(decompress(Codec::kZstd, frame, {}, out).has_value());
  EXPECT_LE(out.capacity(), DecompressLimits().ratio_floor_bytes + 1);
}

TEST(ForgedSize, OfASnappyBlockIsNotBelieved) {
  // A length of 2^32 - 1, then one literal byte; raw, and as a xerial block.
  const std::string_view block("\xff\xff\xff\xff\x0f\x00x", 7);
  std::string framed("\x82SNAPPY\0\0\0\0\1\0\0\0\1\0\0\0\7", 20);
  framed += block;
  for (const std::string_view input : {block, std::string_view(framed)}) {
    Bytes out;
    const Status status = decompress(Codec::kSnappy, as_bytes(input), {}, out);
    ASSERT_FALSE(status.has_value());
    EXPECT_EQ(status.error().code(), Errc::kInvalidBatch);
    EXPECT_EQ(out.capacity(), 0);
  }
}

TEST(ForgedSize, OfAnLz4FrameIsNotBelieved) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.contentSize = 5;
  Bytes frame(LZ4F_compressFrameBound(5, &preferences));
  frame.resize(LZ4F_compressFrame(frame.data(), frame.size(), "bytes", 5, &preferences));
  // Claim 2^60 bytes. The descriptor has a checksum byte: one of the 256 fits.
  store_le(frame.data() + 6, std::uint64_t{1} << 60);
  for (unsigned checksum = 0; checksum < 256; ++checksum) {
    frame[14] = static_cast<std::byte>(checksum);
    Bytes out;
    EXPECT_EQ(decompress(Codec::kLz4, frame, {}, out).error().code(), Errc::kInvalidBatch);
    EXPECT_LE(out.capacity(), DecompressLimits().ratio_floor_bytes + 1);
  }
}

TEST(UncompressedBytes, HaveTheAbsoluteLimitOnly) {
  Bytes out;
  EXPECT_TRUE(decompress(Codec::kNone, Bytes(1000), {.max_bytes = 1000, .max_ratio = 0}, out));
  EXPECT_EQ(out.size(), 1000);
  const Status status = decompress(Codec::kNone, Bytes(1001), {.max_bytes = 1000}, out);
  EXPECT_EQ(status.error().code(), Errc::kDecompressionLimit);
  EXPECT_EQ(out.size(), 1000);
}

}  // namespace
}  // namespace penstock::record
