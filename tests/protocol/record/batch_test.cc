// What BatchView accepts and refuses before anything is stored or sent.
#include "protocol/record/batch.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/coding.h"
#include "tests/protocol/record/sample_records.h"

namespace penstock::record {
namespace {

Record simple(std::string_view value) {
  return {
      .key = std::nullopt, .value = bytes_of(value), .timestamp = Timestamp(100), .headers = {}};
}

Bytes two_records() { return build_batch({simple("one"), simple("two")}); }

Errc parse_error(ByteView bytes) {
  const auto parsed = BatchView::parse(bytes);
  return parsed ? Errc::kOk : parsed.error().code();
}

// A field of the header and a value that cannot stand there.
struct Contradiction {
  const char* what;
  std::function<void(std::byte*)> write;
  Errc expected = Errc::kInvalidBatch;
};

TEST(BatchParse, RefusesFieldsThatCannotBe) {
  const Contradiction contradictions[] = {
      {"magic 0", [](std::byte* b) { b[16] = std::byte{0}; }},
      {"magic 1", [](std::byte* b) { b[16] = std::byte{1}; }},
      {"magic 3", [](std::byte* b) { b[16] = std::byte{3}; }},
      {"length below the header's", [](std::byte* b) { store_be<std::int32_t>(b + 8, 48); }},
      {"length 0", [](std::byte* b) { store_be<std::int32_t>(b + 8, 0); }},
      {"negative length", [](std::byte* b) { store_be<std::int32_t>(b + 8, -1); }},
      {"length of 2 GiB", [](std::byte* b) { store_be<std::int32_t>(b + 8, 0x7fffffff); }},
      {"codec 5", [](std::byte* b) { b[22] = std::byte{5}; }, Errc::kUnsupportedCompression},
      {"codec 7", [](std::byte* b) { b[22] = std::byte{7}; }, Errc::kUnsupportedCompression},
      {"negative base offset", [](std::byte* b) { store_be<std::int64_t>(b, -1); }},
      {"base offset without room for the records",
       [](std::byte* b) { store_be(b, std::numeric_limits<std::int64_t>::max() - 1); }},
      {"negative last offset delta", [](std::byte* b) { store_be<std::int32_t>(b + 23, -1); }},
      {"more records than offsets", [](std::byte* b) { store_be<std::int32_t>(b + 23, 0); }},
      {"negative record count", [](std::byte* b) { store_be<std::int32_t>(b + 57, -1); }},
      {"no records, but bytes of them", [](std::byte* b) { store_be<std::int32_t>(b + 57, 0); }},
      {"more records than the bytes can hold",
       [](std::byte* b) {
         store_be<std::int32_t>(b + 23, 1'000'000);
         store_be<std::int32_t>(b + 57, 1'000'000);
       }},
  };
  for (const Contradiction& contradiction : contradictions) {
    Bytes batch = two_records();
    contradiction.write(batch.data());
    EXPECT_EQ(parse_error(batch), contradiction.expected) << contradiction.what;
  }
}

TEST(BatchParse, RefusesRecordsThatAreNotThere) {
  Bytes header_only = two_records();
  header_only.resize(kHeaderSize);
  reseal(header_only);
  EXPECT_EQ(parse_error(header_only), Errc::kInvalidBatch);
  header_only[22] = std::byte{4};  // compressed to nothing is no better
  reseal(header_only);
  EXPECT_EQ(parse_error(header_only), Errc::kInvalidBatch);
}

// A later version of the format may use them; a log must still be able to copy such a batch.
TEST(BatchParse, IgnoresAttributeBitsThatNobodyAssigned) {
  Bytes batch = two_records();
  store_be(batch.data() + 21, static_cast<std::int16_t>(0xff80));
  reseal(batch);
  const auto back = read_back(batch);
  ASSERT_TRUE(back.has_value()) << back.error().to_string();
  EXPECT_EQ(back->records.size(), 2);
}

TEST(BatchParse, TakesTheFirstOfSeveralBatches) {
  const Bytes first = two_records();
  const Bytes second = build_batch({simple("three")});
  Bytes log = first;
  log.insert(log.end(), second.begin(), second.end());
  const auto batch = BatchView::parse(log);
  ASSERT_TRUE(batch.has_value());
  EXPECT_TRUE(equal(batch->bytes(), first));
  const auto next = BatchView::parse(ByteView(log).subspan(batch->size()));
  ASSERT_TRUE(next.has_value());
  EXPECT_TRUE(equal(next->bytes(), second));
  EXPECT_EQ(batch->bytes().data(), log.data()) << "a view does not copy";
}

TEST(BatchTotalSize, NeedsTwelveBytesOnly) {
  const Bytes batch = two_records();
  const auto size = BatchView::total_size(ByteView(batch).first(kLengthPrefixSize));
  ASSERT_TRUE(size.has_value());
  EXPECT_EQ(*size, batch.size());
  const auto too_little = BatchView::total_size(ByteView(batch).first(kLengthPrefixSize - 1));
  ASSERT_FALSE(too_little.has_value());
  EXPECT_EQ(too_little.error().code(), Errc::kInvalidBatch);
}

TEST(BatchCrc, TellsWhichBatchIsDamaged) {
  Bytes batch = two_records();
  assign_position(batch, Offset(77), Term(1));
  batch.back() ^= std::byte{1};
  const auto parsed = BatchView::parse(batch);
  ASSERT_TRUE(parsed.has_value());
  const Status status = parsed->verify_crc();
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code(), Errc::kBadChecksum);
  EXPECT_NE(status.error().message().find("77"), std::string::npos) << status.error().message();
}

TEST(AssignPosition, MovesTheOffsetsAndLeavesTheChecksumValid) {
  Bytes batch = two_records();
  assign_position(batch, Offset(1'000'000'000'000), Term(5));
  const auto back = read_back(batch);
  ASSERT_TRUE(back.has_value()) << back.error().to_string();
  EXPECT_EQ(back->offsets, (std::vector<std::int64_t>{1'000'000'000'000, 1'000'000'000'001}));
  EXPECT_EQ(BatchView::parse(batch)->leader_epoch(), Term(5));
}

TEST(AssignAppendTime, StampsAllRecordsOfCompressedBatchesToo) {
  for (const Codec codec : kAllCodecs) {
    Rng rng(5);
    std::vector<Record> records = random_records(rng, 30);
    Bytes batch = build_batch(records, {.codec = codec});
    assign_append_time(batch, Timestamp(123'456));
    for (Record& record : records) record.timestamp = Timestamp(123'456);
    const auto back = read_back(batch);
    ASSERT_TRUE(back.has_value()) << back.error().to_string();
    EXPECT_EQ(back->records, records) << name(codec);
    EXPECT_EQ(BatchView::parse(batch)->max_timestamp(), Timestamp(123'456));
  }
}

}  // namespace
}  // namespace penstock::record
