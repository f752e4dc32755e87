// Quantities with types, clocks that tests move, random numbers that replay.
#include <gtest/gtest.h>

#include <set>
#include <unordered_set>

#include "base/clock.h"
#include "base/random.h"
#include "base/types.h"

namespace penstock {
namespace {

TEST(Types, OffsetsMoveByRecordsAndTheirDifferenceIsACount) {
  const Offset start(5);
  EXPECT_EQ((start + 3).value(), 8);
  EXPECT_EQ((start - 2).value(), 3);
  EXPECT_EQ(Offset(8) - start, 3);
  EXPECT_LT(start, Offset(6));
}

TEST(Types, WhatIsNotSetSaysSo) {
  EXPECT_EQ(Term().value(), -1);
  EXPECT_EQ(Timestamp().ms(), -1);
  EXPECT_TRUE(Uuid().is_nil());
}

TEST(Uuid, TextFormComesBack) {
  Rng rng(1);
  for (int i = 0; i < 100; ++i) {
    const Uuid id = rng.uuid();
    EXPECT_EQ(id.to_string().size(), 32);
    EXPECT_EQ(Uuid::parse(id.to_string()), id);
  }
  EXPECT_EQ(Uuid::parse("000102030405060708090a0b0c0d0e0f")->bytes[15], std::byte{15});
}

TEST(Uuid, OtherTextIsNone) {
  for (const char* text :
       {"", "00", "000102030405060708090a0b0c0d0e0", "g0102030405060708090a0b0c0d0e0f0",
        "000102030405060708090A0B0C0D0E0F", "00010203-0405-0607-0809-0a0b0c0d0e0f"}) {
    EXPECT_EQ(Uuid::parse(text), std::nullopt) << text;
  }
}

TEST(Types, PartitionsOfATopicHashApart) {
  std::unordered_set<std::size_t> hashes;
  const Uuid topic = Rng(1).uuid();
  for (std::int32_t p = 0; p < 1000; ++p) {
    hashes.insert(std::hash<TopicPartition>{}({topic, PartitionId(p)}));
  }
  EXPECT_EQ(hashes.size(), 1000);
}

TEST(TopicName, IsSafeAsAPathComponent) {
  for (const char* good : {"a", "orders", "A.b_c-9", "...", ".hidden", "-"}) {
    EXPECT_TRUE(is_valid_topic_name(good)) << good;
  }
  EXPECT_TRUE(is_valid_topic_name(std::string(249, 'x')));
  for (const char* bad : {"", ".", "..", "a/b", "a b", "\xc3\xa4", "a\n", "a:b", "a*", "~"}) {
    EXPECT_FALSE(is_valid_topic_name(bad)) << bad;
  }
  EXPECT_FALSE(is_valid_topic_name(std::string(250, 'x')));
  EXPECT_FALSE(is_valid_topic_name(std::string_view("a\0b", 3)));
}

TEST(FakeClock, MovesWhenToldAndAStepOfTheWallLeavesMeasuringAlone) {
  FakeClock clock(Timestamp(1000));
  const std::int64_t before = clock.steady_ns();
  clock.advance_ms(5);
  EXPECT_EQ(clock.wall().ms(), 1005);
  EXPECT_EQ(clock.steady_ns() - before, 5'000'000);
  clock.jump_wall_ms(-100);
  EXPECT_EQ(clock.wall().ms(), 905);
  EXPECT_EQ(clock.steady_ns() - before, 5'000'000);
}

TEST(Rng, OneSeedOneSequence) {
  Rng a(42);
  Rng b(42);
  Rng c(43);
  EXPECT_EQ(a.next(), b.next());
  EXPECT_NE(a.next(), c.next());
  // Reference values of SplitMix64 for seed 0.
  Rng zero(0);
  EXPECT_EQ(zero.next(), 0xe220a8397b1dcdafULL);
  EXPECT_EQ(zero.next(), 0x6e789e6aa1b965f4ULL);
}

TEST(Rng, StaysBelowItsBoundAndReachesEveryValue) {
  Rng rng(5);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t n = rng.below(7);
    EXPECT_LT(n, 7);
    seen.insert(n);
    const double unit = rng.unit();
    EXPECT_GE(unit, 0.0);
    EXPECT_LT(unit, 1.0);
  }
  EXPECT_EQ(seen.size(), 7);
  EXPECT_EQ(rng.below(1), 0);
  EXPECT_TRUE(rng.one_in(1));
}

}  // namespace
}  // namespace penstock
