// Batches that an independent implementation of the format made (testdata/make_foreign_batches.py)
// are read as it meant them.
#include <gtest/gtest.h>

#include <tuple>

#include "tests/protocol/record/golden_files.h"
#include "tests/protocol/record/sample_records.h"

namespace penstock::record {
namespace {

// record(i) of make_foreign_batches.py.
Record foreign_record(int i) {
  const std::string id = std::to_string(i);
  Record record{.key = std::nullopt, .value = std::nullopt, .timestamp = {}, .headers = {}};
  record.timestamp = Timestamp(1'700'000'000'000 + i * 37 % 1000);
  if (i % 7 == 5) {
    record.key = Bytes{};
  } else if (i % 7 != 3) {
    record.key = bytes_of("key-" + id);
  }
  if (i % 5 != 4) {
    record.value = bytes_of(R"({"id":)" + id + R"(,"place":"12 km of somewhere","magnitude":)" +
                            std::to_string(i % 9) + "." + std::to_string(i % 10) + "}");
  }
  if (i % 4 == 0) {
    record.headers = {{.key = "trace", .value = bytes_of("t" + id)},
                      {.key = "empty", .value = Bytes{}},
                      {.key = "null", .value = std::nullopt}};
  }
  if (i % 8 == 0) {
    record.headers.push_back({.key = "größe", .value = Bytes{std::byte{0x00}, std::byte{0xff}}});
  }
  return record;
}

std::vector<Record> foreign_records(int count) {
  std::vector<Record> records;
  for (int i = 0; i < count; ++i) records.push_back(foreign_record(i));
  return records;
}

BatchView parsed(const Bytes& bytes) {
  const Result<BatchView> batch = BatchView::parse(bytes);
  EXPECT_TRUE(batch.has_value()) << batch.error().to_string();
  return *batch;
}

struct Fixture {
  const char* file;
  Codec codec;
  int records;
};

class ForeignBatch : public testing::TestWithParam<Fixture> {};

INSTANTIATE_TEST_SUITE_P(Goldens, ForeignBatch,
                         testing::Values(Fixture{"foreign_none.hex", Codec::kNone, 40},
                                         Fixture{"foreign_gzip.hex", Codec::kGzip, 40},
                                         Fixture{"foreign_snappy.hex", Codec::kSnappy, 40},
                                         Fixture{"foreign_snappy_raw.hex", Codec::kSnappy, 40},
                                         Fixture{"foreign_lz4.hex", Codec::kLz4, 40},
                                         Fixture{"foreign_zstd.hex", Codec::kZstd, 40},
                                         Fixture{"foreign_large_gzip.bin", Codec::kGzip, 1200},
                                         Fixture{"foreign_large_snappy.bin", Codec::kSnappy, 1200},
                                         Fixture{"foreign_large_lz4.bin", Codec::kLz4, 1200},
                                         Fixture{"foreign_large_zstd.bin", Codec::kZstd, 1200}),
                         [](const auto& info) {
                           const std::string file = info.param.file;
                           return file.substr(0, file.find('.'));
                         });

TEST_P(ForeignBatch, GivesTheRecordsThatItsProducerPutIn) {
  const Bytes bytes = golden(GetParam().file);
  const BatchView batch = parsed(bytes);
  EXPECT_EQ(batch.size(), bytes.size());
  EXPECT_EQ(batch.codec(), GetParam().codec);
  EXPECT_EQ(batch.record_count(), GetParam().records);
  EXPECT_EQ(batch.last_offset_delta(), GetParam().records - 1);
  EXPECT_EQ(batch.base_timestamp(), Timestamp(1'700'000'000'000));
  EXPECT_EQ(batch.producer_id(), -1);
  EXPECT_FALSE(batch.is_control());
  EXPECT_FALSE(batch.is_transactional());
  const Result<ReadBack> back = read_back(bytes);
  ASSERT_TRUE(back.has_value()) << back.error().to_string();
  EXPECT_EQ(back->records, foreign_records(GetParam().records));
}

// Its uncompressed batch and ours of the same records differ in the leader epoch alone, which is
// the broker's to write: 0 there, -1 here.
TEST(ForeignBatchBytes, AreOurs) {
  Bytes theirs = golden("foreign_none.hex");
  const Bytes ours = build_batch(foreign_records(40));
  EXPECT_NE(theirs, ours);
  assign_position(theirs, Offset(0), Term(-1));
  EXPECT_EQ(theirs, ours);
}

TEST(ForeignBatchOfATransaction, TellsItsProducer) {
  const Bytes bytes = golden("foreign_transactional.hex");
  const BatchView batch = parsed(bytes);
  EXPECT_TRUE(batch.is_transactional());
  EXPECT_FALSE(batch.is_control());
  EXPECT_EQ(batch.producer_id(), 4711);
  EXPECT_EQ(batch.producer_epoch(), 3);
  EXPECT_EQ(batch.base_sequence(), 2'147'483'647);  // the next record's is 0: sequences wrap
  const Result<ReadBack> back = read_back(bytes);
  ASSERT_TRUE(back.has_value()) << back.error().to_string();
  EXPECT_EQ(back->records, foreign_records(3));
}

TEST(ForeignBatchWithAppendTime, StampsEveryRecordWithIt) {
  const Bytes bytes = golden("foreign_append_time.hex");
  EXPECT_EQ(parsed(bytes).timestamp_type(), TimestampType::kLogAppendTime);
  std::vector<Record> expected = foreign_records(40);
  for (Record& record : expected) record.timestamp = parsed(bytes).max_timestamp();
  const Result<ReadBack> back = read_back(bytes);
  ASSERT_TRUE(back.has_value()) << back.error().to_string();
  EXPECT_EQ(back->records, expected);
}

TEST(ForeignControlBatch, IsACommitMarker) {
  const Bytes bytes = golden("foreign_control_commit.hex");
  const BatchView batch = parsed(bytes);
  EXPECT_TRUE(batch.is_control());
  EXPECT_TRUE(batch.is_transactional());
  EXPECT_EQ(batch.base_sequence(), -1);
  const Result<ReadBack> back = read_back(bytes);
  ASSERT_TRUE(back.has_value()) << back.error().to_string();
  ASSERT_EQ(back->records.size(), 1);
  EXPECT_EQ(back->records[0].key, bytes_of(std::string_view("\0\0\0\1", 4)));
  EXPECT_EQ(back->records[0].value, bytes_of(std::string_view("\0\0\0\0\0\x09", 6)));
}

}  // namespace
}  // namespace penstock::record
