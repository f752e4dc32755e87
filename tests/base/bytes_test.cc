// Views, shared slices, integers and varints in bytes.
#include "base/bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/coding.h"
#include "base/random.h"

namespace penstock {
namespace {

using testing::ElementsAre;

Bytes hex(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

TEST(SharedBytes, ASliceKeepsTheWholeBufferAlive) {
  SharedBytes slice;
  {
    const SharedBytes whole(hex({1, 2, 3, 4, 5}));
    slice = whole.slice(1, 3);
  }
  EXPECT_TRUE(equal(slice.view(), hex({2, 3, 4})));
  EXPECT_TRUE(equal(slice.slice(2, 1).view(), hex({4})));
}

TEST(SharedBytes, AllocatedBytesAreFilledBeforeTheyAreShared) {
  MutableByteView out;
  const SharedBytes bytes = SharedBytes::allocate(4, out);
  for (std::byte& b : out) b = std::byte{7};
  EXPECT_TRUE(equal(bytes.view(), hex({7, 7, 7, 7})));
  EXPECT_TRUE(SharedBytes::allocate(0, out).empty());
}

TEST(SharedBytes, EmptySlicesAreAllowedAnywhereInside) {
  const SharedBytes bytes(hex({1, 2}));
  EXPECT_TRUE(bytes.slice(2, 0).empty());
  EXPECT_TRUE(SharedBytes().slice(0, 0).empty());
}

TEST(SharedBytesDeathTest, ASliceBeyondTheEndIsABug) {
  const SharedBytes bytes(hex({1, 2, 3}));
  EXPECT_DEATH((void)bytes.slice(2, 2), "slice inside the buffer");
  EXPECT_DEATH((void)bytes.slice(4, 0), "slice inside the buffer");
  EXPECT_DEATH((void)bytes.slice(1, std::numeric_limits<std::size_t>::max()), "slice inside");
}

TEST(Coding, IntegersLieInTheOrderTheirNameSays) {
  Bytes bytes(4);
  store_be<std::uint32_t>(bytes.data(), 0x01020304);
  EXPECT_EQ(bytes, hex({1, 2, 3, 4}));
  EXPECT_EQ(load_be<std::uint32_t>(bytes.data()), 0x01020304);
  EXPECT_EQ(load_le<std::uint32_t>(bytes.data()), 0x04030201);
  store_le<std::int16_t>(bytes.data(), -2);
  EXPECT_EQ(load_le<std::int16_t>(bytes.data()), -2);
  EXPECT_EQ(bytes[0], std::byte{0xfe});
}

struct Varint {
  std::int64_t value;
  Bytes bytes;
};

TEST(Coding, ZigZagVarintsHaveTheKnownForms) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  const int f = 0xff;
  for (const Varint& known :
       {Varint{0, hex({0})}, Varint{-1, hex({1})}, Varint{1, hex({2})}, Varint{63, hex({0x7e})},
        Varint{-64, hex({0x7f})}, Varint{64, hex({0x80, 1})}, Varint{300, hex({0xd8, 4})},
        Varint{kMax, hex({0xfe, f, f, f, f, f, f, f, f, 1})},
        Varint{kMin, hex({f, f, f, f, f, f, f, f, f, 1})}}) {
    std::array<std::byte, kMaxVarintBytes> buffer;
    const std::byte* end = write_zigzag(buffer.data(), known.value);
    EXPECT_EQ(Bytes(buffer.data(), buffer.data() + (end - buffer.data())), known.bytes);
    EXPECT_EQ(zigzag_size(known.value), known.bytes.size()) << known.value;
    ByteReader reader(known.bytes);
    std::int64_t back = 0;
    ASSERT_TRUE(reader.read_zigzag(back));
    EXPECT_EQ(back, known.value);
    EXPECT_EQ(reader.remaining(), 0);
  }
}

TEST(Coding, AnyVarintComesBackInAsManyBytesAsItsSizeSays) {
  Rng rng(3);
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t value = rng.next() >> rng.below(64);
    std::array<std::byte, kMaxVarintBytes> buffer;
    const std::byte* end = write_varint(buffer.data(), value);
    const auto size = static_cast<std::size_t>(end - buffer.data());
    EXPECT_EQ(size, varint_size(value)) << value;
    ByteReader reader(ByteView(buffer).first(size));
    std::uint64_t back = 0;
    ASSERT_TRUE(reader.read_varint(back));
    EXPECT_EQ(back, value);
  }
}

TEST(Coding, UnfinishedOrOverlongVarintsAreRefused) {
  std::uint64_t value = 0;
  EXPECT_FALSE(ByteReader(ByteView{}).read_varint(value));
  EXPECT_FALSE(ByteReader(hex({0x80})).read_varint(value));
  EXPECT_FALSE(ByteReader(hex({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1}))
                   .read_varint(value))
      << "eleven bytes";
  EXPECT_FALSE(
      ByteReader(hex({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2})).read_varint(value))
      << "more than 64 bits";
}

TEST(ByteReader, NeverReadsPastItsView) {
  const Bytes bytes = hex({1, 2, 3});
  ByteReader reader(bytes);
  std::uint32_t four = 0;
  EXPECT_FALSE(reader.read_be(four));
  EXPECT_FALSE(reader.read_le(four));
  std::uint16_t two = 0;
  ASSERT_TRUE(reader.read_be(two));
  EXPECT_EQ(two, 0x0102);
  ByteView rest;
  EXPECT_FALSE(reader.read_bytes(2, rest));
  ASSERT_TRUE(reader.read_bytes(1, rest));
  EXPECT_EQ(rest[0], std::byte{3});
  EXPECT_EQ(reader.remaining(), 0);
}

TEST(ByteView, EqualComparesContents) {
  EXPECT_TRUE(equal(ByteView{}, Bytes{}));
  EXPECT_TRUE(equal(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(equal(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(equal(as_bytes("abc"), as_bytes("ab")));
  EXPECT_EQ(as_text(as_bytes("abc")), "abc");
}

}  // namespace
}  // namespace penstock
