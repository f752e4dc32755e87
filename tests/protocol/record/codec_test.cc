// Compression as a whole: names, framings that other writers use, and input that cannot be read.
#include "protocol/record/codec.h"

#include <gtest/gtest.h>
#include <lz4frame.h>
#include <snappy.h>
#include <zstd.h>

#include "base/coding.h"
#include "protocol/record/limits.h"
#include "tests/protocol/record/sample_records.h"

namespace penstock::record {
namespace {

constexpr Codec kCompressing[] = {Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd};

Bytes compressed(Codec codec, ByteView input) {
  Bytes out;
  EXPECT_TRUE(compress(codec, input, out).has_value());
  return out;
}

Result<Bytes> decompressed(Codec codec, ByteView input, const DecompressLimits& limits = {}) {
  Bytes out;
  PENSTOCK_TRY(decompress(codec, input, limits, out));
  return out;
}

Errc error_of(Codec codec, ByteView input) {
  const auto out = decompressed(codec, input);
  return out ? Errc::kOk : out.error().code();
}

void append(Bytes& to, ByteView bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

TEST(CodecNames, GoBothWays) {
  for (const Codec codec : kAllCodecs) {
    EXPECT_EQ(codec_from_name(name(codec)).value(), codec);
    EXPECT_EQ(codec_from_bits(static_cast<unsigned>(codec)).value(), codec);
  }
}

TEST(CodecNames, AnUnknownOneIsToldTheKnownOnes) {
  const auto codec = codec_from_name("brotli");
  ASSERT_FALSE(codec.has_value());
  EXPECT_EQ(codec.error().code(), Errc::kInvalidArgument);
  for (const Codec known : kAllCodecs) {
    EXPECT_NE(codec.error().message().find(name(known)), std::string::npos);
  }
  for (const unsigned bits : {5U, 6U, 7U, 100U}) {
    EXPECT_EQ(codec_from_bits(bits).error().code(), Errc::kUnsupportedCompression);
  }
}

class CodecTest : public testing::TestWithParam<Codec> {};
INSTANTIATE_TEST_SUITE_P(Compressing, CodecTest, testing::ValuesIn(kCompressing),
                         [](const auto& info) { return std::string(name(info.param)); });

TEST_P(CodecTest, GivesBackWhatItTookAtAllSizes) {
  Rng rng(1);
  for (const std::size_t size : {1U, 2U, 61U, 4095U, 32768U, 32769U, 65536U, 65537U, 300'000U}) {
    const Bytes repetitive = prose(rng, size);
    const Bytes random = noise(rng, size);
    for (const Bytes& input : {repetitive, random}) {
      const auto back = decompressed(GetParam(), compressed(GetParam(), input));
      ASSERT_TRUE(back.has_value()) << size << " bytes: " << back.error().to_string();
      ASSERT_EQ(*back, input) << size << " bytes";
    }
  }
}

TEST_P(CodecTest, AppendsAndLeavesTheOutputAloneWhenItFails) {
  const Bytes input = bytes_of("the same again and again and again and again");
  Bytes out = bytes_of("before");
  ASSERT_TRUE(compress(GetParam(), input, out).has_value());
  EXPECT_EQ(as_text(ByteView(out).first(6)), "before");
  const Bytes packed(out.begin() + 6, out.end());

  out = bytes_of("before");
  ASSERT_TRUE(decompress(GetParam(), packed, {}, out).has_value());
  EXPECT_EQ(as_text(out), "before" + std::string(as_text(input)));

  out = bytes_of("before");
  EXPECT_FALSE(decompress(GetParam(), packed, {.max_bytes = 10}, out).has_value());
  EXPECT_EQ(as_text(out), "before");
  EXPECT_FALSE(decompress(GetParam(), bytes_of("garbage, no doubt"), {}, out).has_value());
  EXPECT_EQ(as_text(out), "before");
}

TEST_P(CodecTest, ErrorsNameTheCodec) {
  const auto out = decompressed(GetParam(), bytes_of("garbage, no doubt"));
  ASSERT_FALSE(out.has_value());
  EXPECT_EQ(out.error().code(), Errc::kInvalidBatch);
  EXPECT_NE(out.error().message().find(name(GetParam())), std::string::npos);
}

TEST_P(CodecTest, RefusesEmptyInput) { EXPECT_EQ(error_of(GetParam(), {}), Errc::kInvalidBatch); }

// Snappy's blocks stand alone, so input that ends between two of them is whole; a record that is
// then missing is noticed behind this (round_trip_test.cc).
TEST_P(CodecTest, NeverMakesUpBytesForTruncatedInput) {
  Rng rng(2);
  const Bytes input = prose(rng, 70'000);
  const Bytes packed = compressed(GetParam(), input);
  for (std::size_t size = 0; size < packed.size(); size += 1 + size / 50) {
    const auto back = decompressed(GetParam(), ByteView(packed).first(size));
    if (GetParam() != Codec::kSnappy) {
      ASSERT_FALSE(back.has_value()) << size << " of " << packed.size() << " bytes";
    }
    if (back) {
      ASSERT_LT(back->size(), input.size());
      ASSERT_TRUE(equal(*back, ByteView(input).first(back->size())));
    }
  }
}

TEST_P(CodecTest, GarbageIsRefusedOrStaysWithinTheLimits) {
  Rng rng(3);
  const DecompressLimits limits{.max_bytes = 100'000};
  for (int round = 0; round < 2000; ++round) {
    // Half of them begin like the real thing.
    Bytes input = rng.one_in(2) ? noise(rng, 1 + rng.below(200))
                                : compressed(GetParam(), prose(rng, 1 + rng.below(400)));
    input[rng.below(input.size())] ^= static_cast<std::byte>(1 + rng.below(255));
    const auto back = decompressed(GetParam(), input, limits);
    if (back) {
      ASSERT_LE(back->size(), limits.max_bytes);
    }
  }
}

TEST(Compress, RefusesWhatFitsNoBatch) {
  // Never read: the size alone decides.
  const Bytes one(1);
  const ByteView too_large(one.data(), kMaxBatchBytes + 1);
  for (const Codec codec : kAllCodecs) {
    Bytes out;
    EXPECT_EQ(compress(codec, too_large, out).error().code(), Errc::kBatchTooLarge);
  }
}

TEST(Gzip, MayHaveSeveralMembers) {
  Bytes two = compressed(Codec::kGzip, bytes_of("one, "));
  append(two, compressed(Codec::kGzip, bytes_of("two")));
  EXPECT_EQ(as_text(decompressed(Codec::kGzip, two).value()), "one, two");
}

TEST(Gzip, RefusesTrailingBytesAndABadChecksum) {
  Bytes packed = compressed(Codec::kGzip, bytes_of("some bytes"));
  packed.push_back(std::byte{0});
  EXPECT_EQ(error_of(Codec::kGzip, packed), Errc::kInvalidBatch);
  packed.pop_back();
  packed[packed.size() - 8] ^= std::byte{1};  // its CRC-32
  EXPECT_EQ(error_of(Codec::kGzip, packed), Errc::kInvalidBatch);
}

TEST(Snappy, IsReadWithoutXerialFramingToo) {
  const Bytes input = bytes_of("raw raw raw raw raw raw raw raw raw raw raw raw raw raw");
  std::string raw;
  snappy::Compress(reinterpret_cast<const char*>(input.data()), input.size(), &raw);
  EXPECT_EQ(decompressed(Codec::kSnappy, as_bytes(raw)).value(), input);
}

TEST(Snappy, IsWrittenInXerialBlocks) {
  Rng rng(4);
  const Bytes input = prose(rng, 2 * kSnappyBlockBytes + 5);
  const Bytes packed = compressed(Codec::kSnappy, input);
  EXPECT_EQ(as_text(ByteView(packed).first(16)),
            std::string_view("\x82SNAPPY\0\0\0\0\1\0\0\0\1", 16));
  std::vector<std::size_t> blocks;
  for (std::size_t at = 16; at < packed.size();) {
    const auto size = static_cast<std::size_t>(load_be<std::int32_t>(packed.data() + at));
    std::size_t plain = 0;
    ASSERT_TRUE(snappy::GetUncompressedLength(reinterpret_cast<const char*>(packed.data() + at + 4),
                                              size, &plain));
    blocks.push_back(plain);
    at += 4 + size;
  }
  EXPECT_EQ(blocks, (std::vector<std::size_t>{kSnappyBlockBytes, kSnappyBlockBytes, 5}));
}

// As redpanda writes them: little-endian.
TEST(Snappy, VersionsOfTheXerialHeaderAreNotLookedAt) {
  Bytes packed = compressed(Codec::kSnappy, bytes_of("any bytes"));
  store_le<std::int32_t>(packed.data() + 8, 1);
  store_le<std::int32_t>(packed.data() + 12, 1);
  EXPECT_EQ(as_text(decompressed(Codec::kSnappy, packed).value()), "any bytes");
}

TEST(Snappy, RefusesBlockSizesThatCannotBe) {
  for (const std::int32_t size : {0, -1, 1000, std::numeric_limits<std::int32_t>::min()}) {
    Bytes packed = compressed(Codec::kSnappy, bytes_of("any bytes"));
    store_be(packed.data() + 16, size);
    EXPECT_EQ(error_of(Codec::kSnappy, packed), Errc::kInvalidBatch) << size;
  }
}

// Bit 5 of the frame's flags, and the block size code of its descriptor: what the format's first
// reader insists on.
TEST(Lz4, IsWrittenInIndependentBlocksOf64KiB) {
  Rng rng(5);
  const Bytes packed = compressed(Codec::kLz4, prose(rng, 200'000));
  EXPECT_EQ(load_le<std::uint32_t>(packed.data()), 0x184D2204);
  EXPECT_EQ(packed[4], std::byte{0x60}) << "version 1, independent blocks, no sizes, no checksums";
  EXPECT_EQ(packed[5], std::byte{0x40}) << "64 KiB";
}

TEST(Lz4, ReadsOtherBlockSizesLinkedBlocksAndChecksums) {
  Rng rng(6);
  const Bytes input = prose(rng, 300'000);
  LZ4F_preferences_t preferences{};
  preferences.frameInfo = {
      LZ4F_max4MB, LZ4F_blockLinked,         LZ4F_contentChecksumEnabled, LZ4F_frame, input.size(),
      0,           LZ4F_blockChecksumEnabled};
  Bytes packed(LZ4F_compressFrameBound(input.size(), &preferences));
  packed.resize(
      LZ4F_compressFrame(packed.data(), packed.size(), input.data(), input.size(), &preferences));
  EXPECT_EQ(decompressed(Codec::kLz4, packed).value(), input);
}

template <typename Codecs>
void expect_concatenation(Codecs codec) {
  Bytes two = compressed(codec, bytes_of("one, "));
  append(two, compressed(codec, bytes_of("two")));
  EXPECT_EQ(as_text(decompressed(codec, two).value()), "one, two") << name(codec);
}
TEST(Frames, MayStandOneBehindTheOther) {
  expect_concatenation(Codec::kLz4);
  expect_concatenation(Codec::kZstd);
}

// Level 22 with long matches and no content size: its window is larger than any that streaming
// allocates, so it is decompressed in one step.
TEST(Zstd, ReadsFramesWhoseWindowIsTooLargeToAllocate) {
  Rng rng(7);
  const Bytes input = noise(rng, 200'000);
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 27);
  Bytes packed(ZSTD_compressBound(input.size()) + 64);
  ZSTD_outBuffer out{packed.data(), packed.size(), 0};
  // In two parts, so that the size is not known when the frame begins.
  ZSTD_inBuffer half{input.data(), input.size() / 2, 0};
  ASSERT_EQ(ZSTD_isError(ZSTD_compressStream2(context, &out, &half, ZSTD_e_continue)), 0U);
  ZSTD_inBuffer rest{input.data() + half.pos, input.size() - half.pos, 0};
  ASSERT_EQ(ZSTD_compressStream2(context, &out, &rest, ZSTD_e_end), 0U);
  ZSTD_freeCCtx(context);
  packed.resize(out.pos);
  ASSERT_EQ(ZSTD_getFrameContentSize(packed.data(), packed.size()), ZSTD_CONTENTSIZE_UNKNOWN);

  EXPECT_EQ(decompressed(Codec::kZstd, packed).value(), input);
  const auto limited = decompressed(Codec::kZstd, packed, {.max_bytes = input.size() - 1});
  ASSERT_FALSE(limited.has_value());
  EXPECT_EQ(limited.error().code(), Errc::kDecompressionLimit);
  packed.resize(packed.size() - 100);
  EXPECT_EQ(error_of(Codec::kZstd, packed), Errc::kInvalidBatch);
}

}  // namespace
}  // namespace penstock::record
