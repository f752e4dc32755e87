// The bytes of a producer snapshot: what every later release must read, and nothing else.
#include <gtest/gtest.h>

#include <cstdio>

#include "base/coding.h"
#include "base/random.h"
#include "protocol/record/crc32c.h"
#include "tests/broker/producers/batches.h"
#include "tests/storage/documented.h"

namespace penstock::broker {
namespace {

// One producer that was interrupted by another one, which has come back.
ProducerTable two_producers() {
  TestLog log;
  log.time(1'700'000'000'000);
  log.append({7, 0, 0, 10});
  log.append({9, 0, 0, 5});
  log.append({7, 0, 10, 10});
  log.time(1'700'000'000'005);
  log.append({9, 1, 0, 5});
  log.commit();
  return std::move(log.table);
}

ProducerTable random_table(std::uint64_t seed) {
  Rng rng(seed);
  TestLog log;
  for (int i = 0; i < 60; ++i) {
    const auto producer = static_cast<std::int64_t>(rng.below(5));
    const KnownProducer* const known = log.table.producers().find(producer);
    log.send({producer, 0, known == nullptr ? 0 : known->next_sequence(), 3});
    if (rng.one_in(3)) log.others(2);
    if (rng.one_in(9)) log.time(static_cast<std::int64_t>(rng.below(1'000)));
    log.commit();
  }
  return std::move(log.table);
}

Errc refusal_of(ByteView bytes) {
  const auto restored = ProducerTable::restore(bytes, kPartition);
  return restored ? Errc::kOk : restored.error().code();
}

void seal(Bytes& bytes) {
  const ByteView summed = ByteView(bytes).first(bytes.size() - 4);
  store_le(bytes.data() + summed.size(), record::crc32c(summed));
}

TEST(ProducerSnapshot, BytesAreAsDocumented) {
  const Bytes bytes = two_producers().snapshot(kPartition);
  const Bytes expected = documented("producer-snapshot", "producers.md");
  EXPECT_TRUE(equal(bytes, expected)) << hex_lines(bytes);
  const auto restored = ProducerTable::restore(expected, kPartition);
  ASSERT_TRUE(restored) << restored.error().to_string();
  EXPECT_EQ(restored->producers().all(), two_producers().producers().all());
  EXPECT_EQ(restored->applied(), Offset(32));
}

TEST(ProducerSnapshot, AnEmptyTableHasOneToo) {
  ProducerTable table;
  table.reset(Offset(12));
  const auto restored = ProducerTable::restore(table.snapshot(kPartition), kPartition);
  ASSERT_TRUE(restored) << restored.error().to_string();
  EXPECT_EQ(restored->applied(), Offset(12));
  EXPECT_EQ(restored->end(), Offset(12));
}

TEST(ProducerSnapshot, HoldsWhatIsCommittedOnly) {
  TestLog log;
  log.append({7, 0, 0, 10});
  log.commit();
  const Bytes before = log.table.snapshot(kPartition);
  log.append({7, 0, 10, 10});
  EXPECT_TRUE(equal(log.table.snapshot(kPartition), before));
}

TEST(ProducerSnapshot, EveryFlippedBitAndEveryTruncationIsSeen) {
  std::uint64_t flips = 0;
  std::uint64_t silent = 0;
  for (std::uint64_t seed = 0; seed <= 20; ++seed) {
    Bytes bytes =
        seed == 0 ? two_producers().snapshot(kPartition) : random_table(seed).snapshot(kPartition);
    ASSERT_EQ(refusal_of(bytes), Errc::kOk);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit, ++flips) {
      bytes[bit / 8] ^= std::byte(1U << bit % 8);
      if (refusal_of(bytes) != Errc::kCorrupt) ++silent;
      bytes[bit / 8] ^= std::byte(1U << bit % 8);
    }
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_EQ(refusal_of(ByteView(bytes).first(size)), Errc::kCorrupt) << size;
    }
  }
  std::printf("PRODUCERFLIP flips=%lu silent=%lu\n", flips, silent);
  EXPECT_EQ(silent, 0U);
}

// The checksum is right, and what it covers is not: refused, or a table that writes the same again.
TEST(ProducerSnapshot, ARightChecksumOverNonsenseIsRefusedOrHarmless) {
  const Bytes good = two_producers().snapshot(kPartition);
  Rng rng(1);
  int refused = 0;
  for (std::size_t at = 0; at < good.size() - 4; ++at) {
    for (int turn = 0; turn < 16; ++turn) {
      Bytes bad = good;
      bad[at] = std::byte(rng.below(256));
      if (rng.one_in(8)) bad.resize(at + 5);
      seal(bad);
      const auto restored = ProducerTable::restore(bad, kPartition);
      if (!restored) {
        ++refused;
        continue;
      }
      EXPECT_TRUE(equal(restored->snapshot(kPartition), bad));
      static_cast<void>(restored->check({7, 0, 10, 10}));
    }
  }
  EXPECT_GT(refused, 500);
}

TEST(ProducerSnapshot, AnotherPartitionsIsForeign) {
  TopicPartition other = kPartition;
  other.partition = PartitionId(4);
  EXPECT_EQ(refusal_of(two_producers().snapshot(other)), Errc::kForeignData);
  other = kPartition;
  other.topic.bytes[0] = std::byte{1};
  EXPECT_EQ(refusal_of(two_producers().snapshot(other)), Errc::kForeignData);
}

TEST(ProducerSnapshot, WhatANewerReleaseWroteIsNotGuessed) {
  Bytes bytes = two_producers().snapshot(kPartition);
  bytes[8] = std::byte{2};
  seal(bytes);
  EXPECT_EQ(refusal_of(bytes), Errc::kUnsupportedVersion);
}

TEST(ProducerSnapshot, WithALowerLimitTheNewestStay) {
  const auto restored = ProducerTable::restore(two_producers().snapshot(kPartition), kPartition,
                                               {.max_producers = 1});
  ASSERT_TRUE(restored);
  EXPECT_EQ(restored->producers().find(7), nullptr);
  EXPECT_NE(restored->producers().find(9), nullptr);
}

}  // namespace
}  // namespace penstock::broker
