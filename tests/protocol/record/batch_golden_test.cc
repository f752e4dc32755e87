// The bytes that we write, and those that a broker's other jobs leave behind, as testdata/ spells
// them out. A change here is a change of the format.
#include <gtest/gtest.h>

#include "tests/protocol/record/golden_files.h"
#include "tests/protocol/record/sample_records.h"

namespace penstock::record {
namespace {

const std::vector<Record>& three_records() {
  static const std::vector<Record> records = {
      {.key = bytes_of("k1"),
       .value = bytes_of("hello"),
       .timestamp = Timestamp(1'700'000'001'000),
       .headers = {{.key = "h", .value = bytes_of("v")}, {.key = "n", .value = std::nullopt}}},
      {.key = std::nullopt,
       .value = std::nullopt,
       .timestamp = Timestamp(1'700'000'001'300),
       .headers = {}},
      {.key = Bytes{}, .value = Bytes{}, .timestamp = Timestamp(1'700'000'000'998), .headers = {}},
  };
  return records;
}

BatchView parsed(const Bytes& bytes) {
  const Result<BatchView> batch = BatchView::parse(bytes);
  EXPECT_TRUE(batch.has_value()) << batch.error().to_string();
  return *batch;
}

ReadBack read_golden(const Bytes& bytes) {
  Result<ReadBack> back = read_back(bytes);
  EXPECT_TRUE(back.has_value()) << back.error().to_string();
  return back ? *std::move(back) : ReadBack{};
}

TEST(BatchGolden, PlainBatchAsAProducerSendsIt) {
  const Bytes bytes = golden("plain.hex");
  EXPECT_EQ(
      build_batch(three_records(), {.producer_id = 4711, .producer_epoch = 3, .base_sequence = 12}),
      bytes);
  const BatchView batch = parsed(bytes);
  EXPECT_EQ(batch.size(), bytes.size());
  EXPECT_EQ(batch.base_offset(), Offset(0));
  EXPECT_EQ(batch.last_offset(), Offset(2));
  EXPECT_EQ(batch.end_offset(), Offset(3));
  EXPECT_EQ(batch.leader_epoch(), Term(-1));
  EXPECT_EQ(batch.attributes(), 0);
  EXPECT_EQ(batch.timestamp_type(), TimestampType::kCreateTime);
  EXPECT_EQ(batch.base_timestamp(), Timestamp(1'700'000'001'000));
  EXPECT_EQ(batch.max_timestamp(), Timestamp(1'700'000'001'300));
  EXPECT_EQ(batch.producer_id(), 4711);
  EXPECT_EQ(batch.producer_epoch(), 3);
  EXPECT_EQ(batch.base_sequence(), 12);
  EXPECT_EQ(batch.record_count(), 3);
  EXPECT_EQ(read_golden(bytes).records, three_records());
}

TEST(BatchGolden, AppendedAtOffset4096InTerm7WithAppendTime) {
  const Bytes bytes = golden("append_time.hex");
  Bytes batch = golden("plain.hex");
  assign_position(batch, Offset(4096), Term(7));
  assign_append_time(batch, Timestamp(1'700'000'002'000));
  EXPECT_EQ(batch, bytes);
  EXPECT_EQ(parsed(bytes).leader_epoch(), Term(7));
  const ReadBack back = read_golden(bytes);
  EXPECT_EQ(back.offsets, (std::vector<std::int64_t>{4096, 4097, 4098}));
  for (const Record& record : back.records) {
    EXPECT_EQ(record.timestamp, Timestamp(1'700'000'002'000));
  }
}

TEST(BatchGolden, ControlBatch) {
  const Bytes bytes = golden("control.hex");
  const Record leader_change{.key = bytes_of(std::string_view("\0\0\0\2", 4)),
                             .value = bytes_of(std::string_view("\0\0", 2)),
                             .timestamp = Timestamp(1'700'000'001'000),
                             .headers = {}};
  EXPECT_EQ(build_batch({leader_change}, {.control = true}), bytes);
  EXPECT_TRUE(parsed(bytes).is_control());
  EXPECT_EQ(read_golden(bytes).records, std::vector{leader_change});
}

// Key compaction dropped the middle record: first and last offset stay.
TEST(BatchGolden, CompactedBatchKeepsItsOffsets) {
  const Bytes bytes = golden("compacted.hex");
  const BatchView batch = parsed(bytes);
  EXPECT_EQ(batch.record_count(), 2);
  EXPECT_EQ(batch.end_offset(), Offset(4096 + 5));
  const ReadBack back = read_golden(bytes);
  EXPECT_EQ(back.offsets, (std::vector<std::int64_t>{4096, 4098}));
  EXPECT_EQ(back.records, (std::vector{three_records()[0], three_records()[2]}));
}

TEST(BatchGolden, EmptiedBatchKeepsItsOffsetsAndHasNoRecords) {
  const Bytes bytes = golden("emptied.hex");
  EXPECT_EQ(bytes.size(), kHeaderSize);
  EXPECT_EQ(parsed(bytes).end_offset(), Offset(4096 + 3));
  EXPECT_TRUE(read_golden(bytes).records.empty());
}

// The base timestamp says until when tombstones stay; records count from it.
TEST(BatchGolden, DeleteHorizonIsTheBaseOfTimestamps) {
  const Bytes bytes = golden("delete_horizon.hex");
  const BatchView batch = parsed(bytes);
  EXPECT_TRUE(batch.has_delete_horizon());
  EXPECT_EQ(batch.base_timestamp(), Timestamp(1'700'086'400'000));
  const ReadBack back = read_golden(bytes);
  ASSERT_EQ(back.records.size(), 1);
  EXPECT_EQ(back.records[0].timestamp, Timestamp(1'700'000'001'000));
  EXPECT_EQ(back.records[0].value, std::nullopt);
}

}  // namespace
}  // namespace penstock::record
