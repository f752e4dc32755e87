// The 32 bytes in front of every message.
#include "protocol/wire/frame.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "base/coding.h"

namespace penstock::wire {
namespace {

constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 40;

const FrameHeader kHeader{.kind = FrameKind::kResponse,
                          .api = 17,
                          .version = 3,
                          .correlation = 0x0102030405060708,
                          .attachment_bytes = 1000};

using HeaderBytes = std::array<std::byte, kFrameHeaderSize>;

HeaderBytes with_lengths(std::uint32_t message, std::uint32_t attachment) {
  HeaderBytes bytes = encode_frame_header(kHeader, as_bytes("hello"));
  store_le(&bytes[20], message);
  store_le(&bytes[24], attachment);
  return bytes;
}

TEST(Frame, ComesBackAsItWasWritten) {
  const HeaderBytes bytes = encode_frame_header(kHeader, as_bytes("hello"));
  const auto header = decode_frame_header(bytes, kNoLimit);
  ASSERT_TRUE(header) << header.error().to_string();
  EXPECT_EQ(header->kind, FrameKind::kResponse);
  EXPECT_EQ(header->api, 17);
  EXPECT_EQ(header->version, 3);
  EXPECT_EQ(header->correlation, 0x0102030405060708);
  EXPECT_EQ(header->message_bytes, 5);
  EXPECT_EQ(header->attachment_bytes, 1000);
  EXPECT_EQ(header->body_bytes(), 1005);
  EXPECT_TRUE(check_frame(bytes, as_bytes("hello")));
}

TEST(Frame, BelongsToItsMessageOnly) {
  const HeaderBytes bytes = encode_frame_header(kHeader, as_bytes("hello"));
  EXPECT_EQ(check_frame(bytes, as_bytes("hellp")).error().code(), Errc::kBadFrame);
  EXPECT_EQ(check_frame(bytes, as_bytes("hell")).error().code(), Errc::kBadFrame);
  EXPECT_EQ(check_frame(bytes, as_bytes("")).error().code(), Errc::kBadFrame);
}

struct Wrong {
  std::size_t at;
  std::uint8_t value;
  const char* says;
};

TEST(Frame, SaysWhatIsWrongWithForeignBytes) {
  for (const Wrong wrong :
       {Wrong{0, 'G', "PSTK"}, Wrong{4, 2, "version 2"}, Wrong{4, 0, "version"},
        Wrong{5, 2, "kind 2"}, Wrong{10, 1, "reserved"}, Wrong{11, 0x80, "reserved"}}) {
    HeaderBytes bytes = encode_frame_header(kHeader, as_bytes("hello"));
    bytes[wrong.at] = std::byte{wrong.value};
    const auto header = decode_frame_header(bytes, kNoLimit);
    ASSERT_FALSE(header) << wrong.says;
    EXPECT_EQ(header.error().code(), Errc::kBadFrame);
    EXPECT_NE(header.error().message().find(wrong.says), std::string::npos)
        << header.error().message();
  }
}

TEST(Frame, IsLimitedAsAWholeToTheByte) {
  EXPECT_TRUE(decode_frame_header(with_lengths(100, 200), 332));
  EXPECT_EQ(decode_frame_header(with_lengths(100, 200), 331).error().code(), Errc::kFrameTooLarge);
}

TEST(Frame, HugeAndNegativeLookingLengthsAreOverTheLimit) {
  for (const std::uint32_t huge : {0xffffffffU, 0x80000000U, 0x7fffffffU, 0xffffffe0U}) {
    EXPECT_EQ(decode_frame_header(with_lengths(huge, 0), 16U << 20).error().code(),
              Errc::kFrameTooLarge);
    EXPECT_EQ(decode_frame_header(with_lengths(0, huge), 16U << 20).error().code(),
              Errc::kFrameTooLarge);
    EXPECT_EQ(decode_frame_header(with_lengths(huge, huge), 16U << 20).error().code(),
              Errc::kFrameTooLarge)
        << "the sum of two lengths does not wrap";
  }
}

// A flipped bit is refused at once, or makes the frame end elsewhere; then the checksum, taken over
// what would be the message, has to notice. Behind the frame stand bytes of a next one.
TEST(Frame, NoFlippedBitOfHeaderOrMessageGoesUnnoticed) {
  const std::string message = "a message of some length, so that its bits count";
  const HeaderBytes head = encode_frame_header(
      {.api = 16, .version = 1, .correlation = 42, .attachment_bytes = 0}, as_bytes(message));
  Bytes stream(head.begin(), head.end());
  for (const std::string_view part : {std::string_view(message), std::string_view("PSTK\x01")}) {
    stream.insert(stream.end(), as_bytes(part).begin(), as_bytes(part).end());
  }
  stream.resize(64U << 10, std::byte{0x5a});
  const std::size_t bits = 8 * (kFrameHeaderSize + message.size());
  std::size_t detected = 0;
  std::size_t silent = 0;
  for (std::size_t bit = 0; bit < bits; ++bit) {
    stream[bit / 8] ^= std::byte{1} << (bit % 8);
    const std::span<const std::byte, kFrameHeaderSize> bytes(stream.data(), kFrameHeaderSize);
    const auto header = decode_frame_header(bytes, stream.size());
    const bool unnoticed =
        header &&
        check_frame(bytes, ByteView(stream).subspan(kFrameHeaderSize, header->message_bytes));
    ++(unnoticed ? silent : detected);
    stream[bit / 8] ^= std::byte{1} << (bit % 8);
  }
  std::printf("FRAMEFLIP bits=%zu detected=%zu silent=%zu\n", bits, detected, silent);
  EXPECT_EQ(silent, 0);
  EXPECT_EQ(detected, bits);
}

}  // namespace
}  // namespace penstock::wire
