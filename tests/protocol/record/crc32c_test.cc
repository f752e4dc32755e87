#include "protocol/record/crc32c.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/random.h"
#include "tests/protocol/record/sample_records.h"

namespace penstock::record {
namespace {

// Both implementations against a value that somebody else published.
void expect_crc(ByteView bytes, std::uint32_t published) {
  EXPECT_EQ(crc32c(bytes), published);
  EXPECT_EQ(crc32c_portable(bytes), published);
}

// One bit at a time, straight from the definition: shares nothing with what it judges.
std::uint32_t crc32c_by_definition(ByteView bytes) {
  std::uint32_t state = 0xFFFFFFFF;
  for (const std::byte b : bytes) {
    state ^= std::to_integer<std::uint32_t>(b);
    for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ ((state & 1) * 0x82F63B78);
  }
  return ~state;
}

TEST(Crc32c, GivesThePublishedValues) {
  expect_crc(as_bytes("123456789"), 0xE3069283);
  expect_crc({}, 0);
  // RFC 3720, appendix B.4.
  expect_crc(Bytes(32, std::byte{0x00}), 0x8A9136AA);
  expect_crc(Bytes(32, std::byte{0xFF}), 0x62A8AB43);
  Bytes counting(32);
  for (std::size_t i = 0; i < counting.size(); ++i) counting[i] = static_cast<std::byte>(i);
  expect_crc(counting, 0x46DD794E);
  const Bytes falling(counting.rbegin(), counting.rend());
  expect_crc(falling, 0x113FDB5C);
}

TEST(Crc32c, GivesTheRfcsValueForAnIscsiReadCommand) {
  Bytes command(48, std::byte{0});
  command[0] = std::byte{0x01};
  command[1] = std::byte{0xC0};
  command[16] = std::byte{0x14};
  command[22] = std::byte{0x04};
  command[27] = std::byte{0x14};
  command[31] = std::byte{0x18};
  command[32] = std::byte{0x28};
  command[40] = std::byte{0x02};
  expect_crc(command, 0xD9963A56);
}

TEST(Crc32c, HardwareAndPortableAgreeAtEveryLengthAroundTheSwitchover) {
  Rng rng(1);
  const Bytes bytes = noise(rng, 1024);
  for (std::size_t size = 0; size <= 600; ++size) {
    const ByteView view = ByteView(bytes).first(size);
    const std::uint32_t expected = crc32c_by_definition(view);
    ASSERT_EQ(crc32c(view), expected) << size << " bytes";
    ASSERT_EQ(crc32c_portable(view), expected) << size << " bytes";
  }
}

TEST(Crc32c, HardwareAndPortableAgreeAtRandomLengthsAndAlignments) {
  Rng rng(2);
  const Bytes bytes = noise(rng, 70'000);
  for (int round = 0; round < 500; ++round) {
    const std::size_t begin = rng.below(64);
    const ByteView view = ByteView(bytes).subspan(begin, rng.below(bytes.size() - begin));
    ASSERT_EQ(crc32c(view), crc32c_portable(view)) << view.size() << " bytes at " << begin;
  }
}

TEST(Crc32c, ContinuesWhereItStopped) {
  Rng rng(3);
  const Bytes bytes = noise(rng, 3000);
  const std::uint32_t whole = crc32c(bytes);
  for (int round = 0; round < 300; ++round) {
    const std::size_t cut = rng.below(bytes.size() + 1);
    const ByteView front = ByteView(bytes).first(cut);
    const ByteView back = ByteView(bytes).subspan(cut);
    ASSERT_EQ(crc32c(back, crc32c(front)), whole) << "cut at " << cut;
    ASSERT_EQ(crc32c_portable(back, crc32c_portable(front)), whole) << "cut at " << cut;
  }
}

}  // namespace
}  // namespace penstock::record
