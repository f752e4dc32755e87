// Fetched bytes before anybody relies on them; chunks; and the shelf they wait on.
#include "client/fetched.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/limits.h"
#include "client/shelf.h"
#include "protocol/record/batch.h"
#include "protocol/record/builder.h"
#include "protocol/record/crc32c.h"

namespace penstock::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Batches as a broker sends them, and the checksum of their headers.
struct Wire {
  Bytes bytes;
  std::uint32_t header_crc = 0;
  Offset next;

  Wire& batch(std::int64_t base, const std::vector<std::string>& values,
              record::BuilderOptions options = {}) {
    record::BatchBuilder builder(options);
    for (const std::string& value : values) {
      builder.append(Timestamp(1), std::nullopt, as_bytes(value));
    }
    Bytes one = *builder.build();
    record::assign_position(one, Offset(base), Term(3));
    header_crc = record::crc32c(ByteView(one).first(record::kUncheckedPrefixSize), header_crc);
    next = record::BatchView::parse(one)->end_offset();
    bytes.insert(bytes.end(), one.begin(), one.end());
    return *this;
  }
};

TEST(FetchedTest, BatchesInOrderAreSummedUp) {
  Wire wire;
  wire.batch(10, {"a", "b"}).batch(12, {"control"}, {.control = true}).batch(20, {"c"});
  const auto summary = look_through(wire.bytes, Offset(11), wire.header_crc);
  ASSERT_TRUE(summary) << summary.error().to_string();
  EXPECT_EQ(summary->next, Offset(21));
  EXPECT_EQ(summary->records, 3U) << "control records are not the application's";
}

TEST(FetchedTest, EveryFlippedBitIsSeenByOneChecksumOrTheOther) {
  Wire wire;
  wire.batch(10, {"some value", "another"}).batch(12, {"third"});
  std::size_t flips = 0;
  std::size_t silent = 0;
  for (std::size_t at = 0; at < wire.bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes damaged = wire.bytes;
      damaged[at] ^= static_cast<std::byte>(1 << bit);
      const auto summary = look_through(damaged, Offset(10), wire.header_crc);
      const bool seen = !summary || !verify_checksums(damaged);
      EXPECT_TRUE(seen) << "byte " << at << " bit " << bit;
      silent += seen ? 0 : 1;
      ++flips;
    }
  }
  std::printf("FETCHFLIP flips=%zu silent=%zu\n", flips, silent);
}

TEST(FetchedTest, EveryCutIsSeen) {
  Wire wire;
  wire.batch(10, {"a", "b"}).batch(12, {"c"});
  for (std::size_t size = 1; size < wire.bytes.size(); ++size) {
    EXPECT_FALSE(look_through(ByteView(wire.bytes).first(size), Offset(10), wire.header_crc))
        << size;
  }
}

TEST(FetchedTest, BatchesOutOfOrderAreRefused) {
  Wire backwards;
  backwards.batch(20, {"a"}).batch(10, {"b"});
  EXPECT_EQ(look_through(backwards.bytes, Offset(0), backwards.header_crc).error().code(),
            Errc::kInvalidBatch);
  Wire overlapping;
  overlapping.batch(20, {"a", "b"}).batch(21, {"c"});
  EXPECT_FALSE(look_through(overlapping.bytes, Offset(20), overlapping.header_crc));
  Wire before_position;
  before_position.batch(20, {"a"});
  EXPECT_FALSE(look_through(before_position.bytes, Offset(21), before_position.header_crc));
}

TEST(FetchedTest, ALyingLengthDoesNotReachBehindTheBytes) {
  Wire wire;
  wire.batch(10, {"a"});
  for (const std::uint32_t length : {0U, 48U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
    Bytes lying = wire.bytes;
    for (int i = 0; i < 4; ++i) {
      lying[8 + static_cast<std::size_t>(i)] = static_cast<std::byte>(length >> (24 - 8 * i));
    }
    EXPECT_FALSE(look_through(lying, Offset(10), wire.header_crc)) << length;
    EXPECT_FALSE(verify_checksums(lying)) << length;
  }
}

std::vector<std::string> values_of(Chunk& chunk) {
  std::vector<std::string> values;
  while (true) {
    auto record = chunk.next();
    if (!record) {
      values.push_back(std::string(info(record.error().code()).name));
      break;
    }
    if (!*record) break;
    values.push_back(std::to_string((*record)->offset.value()) + "=" +
                     std::string(as_text(*(*record)->value).substr(0, 20)));
  }
  return values;
}

Chunk chunk_of(const Wire& wire, std::int64_t from, record::DecompressLimits limits = {}) {
  return {"orders",  PartitionId(0), SharedBytes(wire.bytes), Offset(from), wire.next,
          wire.next, limits};
}

TEST(ChunkTest, SkipsWhatLiesBeforeThePositionAndControlBatches) {
  Wire wire;
  wire.batch(8, {"x", "y"})
      .batch(10, {"a", "b", "c"})
      .batch(13, {"control"}, {.control = true})
      .batch(14, {"d"}, {.codec = record::Codec::kLz4});
  Chunk chunk = chunk_of(wire, 11);
  EXPECT_THAT(values_of(chunk), ElementsAre("11=b", "12=c", "14=d"));
  EXPECT_EQ(chunk.leader_epoch(), Term(3));
  EXPECT_EQ(chunk.next_offset(), Offset(15));
  EXPECT_THAT(values_of(chunk), IsEmpty()) << "the end stays the end";
}

TEST(ChunkTest, OfControlBatchesAloneHasNoRecords) {
  Wire wire;
  wire.batch(10, {"control"}, {.control = true});
  Chunk chunk = chunk_of(wire, 10);
  EXPECT_THAT(values_of(chunk), IsEmpty());
}

TEST(ChunkTest, ABombIsAnErrorNotAnAllocation) {
  // Compresses well, though not so well that the builder itself would refuse to compress it.
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += "line " + std::to_string(i * 7919) + " of many\n";
  Wire wire;
  wire.batch(10, {text}, {.codec = record::Codec::kZstd});
  ASSERT_LT(wire.bytes.size() * 2, text.size());
  Chunk chunk = chunk_of(wire, 10, {.max_bytes = 1'000, .max_ratio = 10, .ratio_floor_bytes = 0});
  EXPECT_THAT(values_of(chunk), ElementsAre("DecompressionLimit"));
}

class ShelfTest : public testing::Test {
 protected:
  ShelfTest() {
    std::vector<SeatStart> seats(3, {.topic = "orders", .id = {}, .leader = 1});
    for (int i = 0; i < 3; ++i) seats[static_cast<std::size_t>(i)].id.partition = PartitionId(i);
    shelf_.assign(seats);
  }
  void put(Seat seat, std::int64_t offset, const std::string& value, bool damaged = false) {
    Wire wire;
    wire.batch(offset, {value});
    if (damaged) wire.bytes.back() ^= std::byte{1};
    shelf_.put(seat, {.batches = SharedBytes(wire.bytes),
                      .from = Offset(offset),
                      .next = wire.next,
                      .high_watermark = wire.next,
                      .records = 1});
  }
  std::vector<std::string> take() {
    std::vector<std::string> texts;
    auto chunks = shelf_.take(Instant());
    if (!chunks) return {std::string(info(chunks.error().code()).name)};
    for (Chunk& chunk : *chunks) {
      for (const std::string& value : values_of(chunk)) {
        texts.push_back(std::to_string(chunk.partition().value()) + ":" + value);
      }
    }
    return texts;
  }
  std::int64_t position(int partition) {
    return shelf_.position("orders", PartitionId(partition))->value();
  }

  int wakes_ = 0;
  Shelf shelf_{{}, [this] { ++wakes_; }};
};

TEST_F(ShelfTest, WhatIsPutIsTakenInOrderAndMovesThePosition) {
  put(0, 0, "a");
  put(0, 1, "b");
  put(1, 5, "c");
  EXPECT_GT(shelf_.held_bytes(), 0U);
  EXPECT_THAT(take(), ElementsAre("0:0=a", "0:1=b", "1:5=c"));
  EXPECT_EQ(position(0), 2);
  EXPECT_EQ(position(1), 6);
  EXPECT_EQ(shelf_.held_bytes(), 0U);
  EXPECT_EQ(shelf_.stats().records, 3U);
}

TEST_F(ShelfTest, PausedPartitionsKeepWhatTheyHave) {
  put(0, 0, "a");
  put(1, 0, "b");
  shelf_.pause(0);
  EXPECT_THAT(take(), ElementsAre("1:0=b"));
  EXPECT_EQ(position(0), 0);
  shelf_.resume(0);
  EXPECT_THAT(take(), ElementsAre("0:0=a"));
}

TEST_F(ShelfTest, AnErrorComesAfterTheRecordsBeforeItAndOnce) {
  put(0, 0, "a");
  shelf_.fail(0, Error(Errc::kPartitionDamaged));
  EXPECT_THAT(take(), ElementsAre("0:0=a"));
  EXPECT_THAT(take(), ElementsAre("PartitionDamaged"));
  EXPECT_THAT(take(), IsEmpty());
}

TEST_F(ShelfTest, ASeekForgetsWhatWasHeldAndItsError) {
  put(0, 0, "a");
  shelf_.fail(0, Error(Errc::kPartitionDamaged));
  shelf_.seek(0, Offset(77));
  EXPECT_THAT(take(), IsEmpty());
  EXPECT_EQ(position(0), 77);
  EXPECT_EQ(shelf_.held_bytes(), 0U);
}

TEST_F(ShelfTest, DamagedBytesAreNotReturnedAndTheirPartitionBeginsAgain) {
  put(0, 0, "a");
  put(0, 1, "b", /*damaged=*/true);
  put(0, 2, "c");
  put(1, 0, "d");
  EXPECT_THAT(take(), ElementsAre("0:0=a", "1:0=d"));
  EXPECT_EQ(position(0), 1);
  const auto damages = shelf_.take_damages();
  ASSERT_EQ(damages.size(), 1U);
  EXPECT_EQ(damages[0].from, Offset(1));
  EXPECT_EQ(damages[0].error.code(), Errc::kBadChecksum);
  EXPECT_EQ(wakes_, 1);
  EXPECT_THAT(take(), IsEmpty());
}

TEST_F(ShelfTest, TheEndIsWhereEveryUnpausedPartitionWasReadUpToItsHighWatermark) {
  EXPECT_FALSE(shelf_.at_end()) << "nothing is known yet";
  shelf_.note_high_watermark(0, Offset(0));
  shelf_.note_high_watermark(1, Offset(0));
  put(2, 0, "a");
  EXPECT_FALSE(shelf_.at_end());
  shelf_.pause(2);
  EXPECT_TRUE(shelf_.at_end());
  shelf_.resume(2);
  take();
  EXPECT_TRUE(shelf_.at_end());
  shelf_.note_high_watermark(0, Offset(1));
  EXPECT_FALSE(shelf_.at_end()) << "something new";
}

TEST_F(ShelfTest, AJumpTakesPlaceBehindWhatIsHeld) {
  shelf_.pause(1);
  shelf_.pause(2);
  put(0, 0, "a");
  shelf_.note_high_watermark(0, Offset(90));
  shelf_.jump(0, Offset(90));
  EXPECT_EQ(position(0), 0);
  EXPECT_THAT(take(), ElementsAre("0:0=a"));
  EXPECT_EQ(position(0), 90) << "and not where the records ended";
  EXPECT_TRUE(shelf_.at_end());
}

TEST_F(ShelfTest, WhatWasFoundBehindDamagedBytesIsForgotten) {
  put(0, 0, "a", /*damaged=*/true);
  shelf_.fail(0, Error(Errc::kPartitionDamaged));
  EXPECT_THAT(take(), IsEmpty());
  EXPECT_THAT(take(), IsEmpty()) << "the bytes are fetched again first";
  ASSERT_EQ(shelf_.take_damages().size(), 1U);
  put(0, 0, "b", /*damaged=*/true);
  take();
  shelf_.seek(0, Offset(50));
  EXPECT_THAT(shelf_.take_damages(), IsEmpty()) << "nobody goes back behind a seek";
}

TEST_F(ShelfTest, TakingWakesWhoWaitsForMemory) {
  put(0, 0, "a");
  take();
  EXPECT_EQ(wakes_, 0);
  put(0, 1, "b");
  shelf_.set_starved();
  take();
  EXPECT_EQ(wakes_, 1);
}

TEST_F(ShelfTest, PausedPartitionsGiveUpWhatTheyHoldWhenNothingElseCouldBeTaken) {
  put(0, 0, "a");
  put(1, 0, "b");
  shelf_.pause(0);
  EXPECT_THAT(shelf_.drop_paused_if_alone(), IsEmpty()) << "the application has work";
  take();
  const auto dropped = shelf_.drop_paused_if_alone();
  ASSERT_EQ(dropped.size(), 1U);
  EXPECT_EQ(dropped[0].seat, 0U);
  EXPECT_EQ(dropped[0].position, Offset(0));
  EXPECT_EQ(shelf_.held_bytes(), 0U);
}

TEST_F(ShelfTest, OnePollReturnsABoundedAmountAndTakesTurns) {
  const std::string large(kMaxPollBytes, 'x');
  put(0, 0, large);
  put(1, 0, large);
  const auto first = shelf_.take(Instant());
  ASSERT_EQ(first->size(), 1U);
  const auto second = shelf_.take(Instant());
  ASSERT_EQ(second->size(), 1U);
  EXPECT_NE(first->front().partition(), second->front().partition());
}

TEST_F(ShelfTest, WhatIsNotAssignedIsSaidToBe) {
  const auto nowhere = shelf_.position("orders", PartitionId(9));
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code(), Errc::kInvalidArgument);
  EXPECT_THAT(nowhere.error().message(), HasSubstr("orders/9"));
}

TEST_F(ShelfTest, AfterCloseThereIsNothingToTake) {
  put(0, 0, "a");
  shelf_.close();
  EXPECT_THAT(take(), ElementsAre("ShuttingDown"));
}

}  // namespace
}  // namespace penstock::client
