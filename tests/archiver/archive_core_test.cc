// When a chunk is closed, and what its object is called.
#include "archiver/archive_core.h"

#include <gtest/gtest.h>

namespace penstock::archiver {
namespace {

constexpr std::int64_t kMs = 1'000'000;

RollPolicy policy() { return {.max_bytes = 1'000, .max_records = 10, .max_age_ms = 60'000}; }

TEST(OpenChunkTest, AnEmptyChunkIsNeverDue) {
  const OpenChunk chunk(Offset(7));
  EXPECT_TRUE(chunk.empty());
  EXPECT_EQ(chunk.due(policy(), 1'000'000'000 * kMs), RollReason::kNone);
}

TEST(OpenChunkTest, IsDueBySizeByCountAndByAge) {
  OpenChunk by_bytes(Offset(0));
  by_bytes.add(Offset(1), 999, 1, 0);
  EXPECT_EQ(by_bytes.due(policy(), 0), RollReason::kNone);
  by_bytes.add(Offset(2), 1, 1, 0);
  EXPECT_EQ(by_bytes.due(policy(), 0), RollReason::kBytes);

  OpenChunk by_records(Offset(0));
  by_records.add(Offset(9), 1, 9, 0);
  EXPECT_EQ(by_records.due(policy(), 0), RollReason::kNone);
  by_records.add(Offset(10), 1, 1, 0);
  EXPECT_EQ(by_records.due(policy(), 0), RollReason::kRecords);
}

TEST(OpenChunkTest, AgeCountsFromTheFirstBatchAndNotFromTheLast) {
  OpenChunk chunk(Offset(0));
  chunk.add(Offset(1), 1, 1, 5'000 * kMs);
  chunk.add(Offset(2), 1, 1, 60'000 * kMs);
  EXPECT_EQ(chunk.due(policy(), 64'999 * kMs), RollReason::kNone);
  EXPECT_EQ(chunk.due(policy(), 65'000 * kMs), RollReason::kAge);
}

TEST(OpenChunkTest, OffsetsWithoutRecordsAreArchivedByAgeToo) {
  OpenChunk chunk(Offset(4));
  chunk.add(Offset(5), 78, 0, 0);
  EXPECT_FALSE(chunk.empty());
  EXPECT_EQ(chunk.due(policy(), 60'000 * kMs), RollReason::kAge);
}

TEST(RollPolicyTest, NamesTheSettingThatIsOutOfRange) {
  EXPECT_TRUE(RollPolicy{}.check());
  RollPolicy wrong;
  wrong.max_bytes = 0;
  EXPECT_NE(wrong.check().error().message().find("bytes"), std::string::npos);
  wrong = {};
  wrong.max_records = kMaxChunkRecords + 1;
  EXPECT_NE(wrong.check().error().message().find("records"), std::string::npos);
  wrong = {};
  wrong.max_age_ms = kMaxChunkAgeMs + 1;
  EXPECT_NE(wrong.check().error().message().find("age"), std::string::npos);
}

TEST(ChunkNameTest, HoldsTheUtcHourOfClosingAndTheLastOffset) {
  EXPECT_EQ(chunk_object_name("orders", PartitionId(3), Timestamp(1'715'936'399'999), Offset(150)),
            "orders/3/2024/05/17/08/00000000000000000149.parquet");
  EXPECT_EQ(chunk_object_name("orders", PartitionId(3), Timestamp(1'715'936'400'000), Offset(150)),
            "orders/3/2024/05/17/09/00000000000000000149.parquet");
  EXPECT_EQ(chunk_object_name("o", PartitionId(0), Timestamp(-1), Offset(1)),
            "o/0/1969/12/31/23/00000000000000000000.parquet");
}

TEST(ChunkNameTest, TheLastOffsetIsReadBack) {
  const std::string name =
      chunk_object_name("orders", PartitionId(3), Timestamp(0), Offset(INT64_MAX));
  EXPECT_EQ(last_offset_of("orders", PartitionId(3), name), Offset(INT64_MAX - 1));
}

TEST(ChunkNameTest, OtherNamesAreNotOurs) {
  for (const char* name : {"orders/3/manifest.json", "orders/3/2024/05/17/09/149.parquet",
                           "orders/4/2024/05/17/09/00000000000000000149.parquet",
                           "orders/3/2024/05/17/09/00000000000000000149.parquet.bak",
                           "orders/3/2024/05/17/0x/00000000000000000149.parquet",
                           "orders/3/2024/05/17/09/99999999999999999999.parquet", ""}) {
    EXPECT_FALSE(last_offset_of("orders", PartitionId(3), name)) << name;
  }
}

TEST(BackoffTest, DoublesUpToItsLimitAndBeginsAnew) {
  Backoff backoff;
  std::int64_t before = 0;
  for (int i = 0; i < 20; ++i) {
    const std::int64_t pause = backoff.next_ms();
    EXPECT_GE(pause, before);
    EXPECT_LE(pause, kMaxRetryMs);
    before = pause;
  }
  EXPECT_EQ(before, kMaxRetryMs);
  backoff.reset();
  EXPECT_EQ(backoff.next_ms(), kFirstRetryMs);
}

}  // namespace
}  // namespace penstock::archiver
