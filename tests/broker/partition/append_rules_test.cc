#include "broker/partition/append_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/coding.h"
#include "protocol/record/builder.h"
#include "protocol/record/crc32c.h"
#include "protocol/record/record.h"

namespace penstock::broker {
namespace {

using testing::HasSubstr;

// Positions in the header (docs/protocol.md, "Record batch").
constexpr std::size_t kBaseOffset = 0;
constexpr std::size_t kLength = 8;
constexpr std::size_t kMagic = 16;
constexpr std::size_t kCrc = 17;
constexpr std::size_t kAttributes = 21;
constexpr std::size_t kLastOffsetDelta = 23;
constexpr std::size_t kMaxTimestamp = 35;
constexpr std::size_t kProducerId = 43;
constexpr std::size_t kRecordCount = 57;
constexpr std::size_t kRecords = 61;
// Of a record without a key: length, attributes, timestamp delta, offset delta.
constexpr std::size_t kRecordOffsetDelta = 3;

Bytes batch_of(const std::vector<std::string>& values, record::Codec codec = record::Codec::kNone) {
  record::BatchBuilder builder({.codec = codec});
  for (const std::string& value : values) {
    builder.append(Timestamp(1'000), std::nullopt, as_bytes(value));
  }
  return builder.build().value();
}

void fix_crc(Bytes& batch) {
  store_be(batch.data() + kCrc, record::crc32c(ByteView(batch).subspan(kAttributes)));
}

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(AppendRules, WholeValidBatchesPass) {
  const auto checked = check_batches(batch_of({"a", "b"}) + batch_of({"c"}), {});
  ASSERT_TRUE(checked) << checked.error().to_string();
  EXPECT_EQ(checked->batches, 2U);
  EXPECT_EQ(checked->records, 3);
}

struct BadBatch {
  const char* story;
  std::function<void(Bytes&)> spoil;
  Errc code;
  const char* batch = "batch 1 of the request";
  friend void PrintTo(const BadBatch& bad, std::ostream* out) { *out << bad.story; }
};

class AppendRulesRefuse : public testing::TestWithParam<BadBatch> {};

TEST_P(AppendRulesRefuse, BatchesThatProducersDoNotSend) {
  Bytes bad = batch_of({"a", "b"});
  GetParam().spoil(bad);
  const auto alone = check_batches(bad, {});
  ASSERT_FALSE(alone) << GetParam().story;
  EXPECT_EQ(alone.error().code(), GetParam().code) << alone.error().to_string();
  // Behind a good batch, the message says which one it was.
  const auto second = check_batches(batch_of({"good"}) + bad, {});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message(), HasSubstr(GetParam().batch));
}

void set_attributes(Bytes& batch, int bits) {
  store_be(batch.data() + kAttributes, static_cast<std::int16_t>(bits));
  fix_crc(batch);
}

INSTANTIATE_TEST_SUITE_P(
    Stories, AppendRulesRefuse,
    testing::Values(
        BadBatch{"cut off", [](Bytes& b) { b.pop_back(); }, Errc::kInvalidBatch},
        BadBatch{"a header alone", [](Bytes& b) { b.resize(60); }, Errc::kInvalidBatch},
        BadBatch{"bytes behind it", [](Bytes& b) { b.push_back(std::byte{1}); },
                 Errc::kInvalidBatch, "batch 2 of the request"},
        BadBatch{"negative length",
                 [](Bytes& b) { store_be(b.data() + kLength, std::int32_t{-1}); },
                 Errc::kInvalidBatch},
        BadBatch{"huge length",
                 [](Bytes& b) { store_be(b.data() + kLength, std::int32_t{0x7fffffff}); },
                 Errc::kInvalidBatch},
        BadBatch{"old format", [](Bytes& b) { b[kMagic] = std::byte{1}; }, Errc::kInvalidBatch},
        BadBatch{"a flipped bit", [](Bytes& b) { b.back() ^= std::byte{1}; }, Errc::kBadChecksum},
        BadBatch{"a flipped bit in the count",
                 [](Bytes& b) { b[kLastOffsetDelta + 3] ^= std::byte{2}; }, Errc::kBadChecksum},
        BadBatch{"offset of its own",
                 [](Bytes& b) { store_be(b.data() + kBaseOffset, std::int64_t{7}); },
                 Errc::kInvalidBatch},
        BadBatch{"no record",
                 [](Bytes& b) {
                   b.resize(61);
                   store_be(b.data() + kLength, std::int32_t{49});
                   store_be(b.data() + kRecordCount, std::int32_t{0});
                   store_be(b.data() + kLastOffsetDelta, std::int32_t{0});
                   fix_crc(b);
                 },
                 Errc::kInvalidBatch},
        BadBatch{"fewer records than offsets",
                 [](Bytes& b) {
                   store_be(b.data() + kLastOffsetDelta, std::int32_t{5});
                   fix_crc(b);
                 },
                 Errc::kInvalidBatch},
        BadBatch{"control", [](Bytes& b) { set_attributes(b, 0x20); }, Errc::kInvalidBatch},
        BadBatch{"transactional", [](Bytes& b) { set_attributes(b, 0x10); }, Errc::kInvalidBatch},
        BadBatch{"append time", [](Bytes& b) { set_attributes(b, 0x08); }, Errc::kInvalidBatch},
        BadBatch{"delete horizon", [](Bytes& b) { set_attributes(b, 0x40); }, Errc::kInvalidBatch},
        BadBatch{"unknown attribute", [](Bytes& b) { set_attributes(b, 0x100); },
                 Errc::kInvalidBatch},
        BadBatch{"unknown codec", [](Bytes& b) { set_attributes(b, 7); },
                 Errc::kUnsupportedCompression},
        BadBatch{"idempotent",
                 [](Bytes& b) {
                   store_be(b.data() + kProducerId, std::int64_t{4});
                   fix_crc(b);
                 },
                 Errc::kInvalidBatch},
        // With a right checksum, these would stop every consumer behind them.
        BadBatch{"a record longer than the batch",
                 [](Bytes& b) {
                   b[kRecords] = std::byte{0x7e};
                   fix_crc(b);
                 },
                 Errc::kInvalidBatch},
        BadBatch{"a record with another's offset",
                 [](Bytes& b) {
                   b[kRecords + kRecordOffsetDelta] = std::byte{2};
                   fix_crc(b);
                 },
                 Errc::kInvalidBatch},
        BadBatch{"a largest timestamp that no record has",
                 [](Bytes& b) {
                   store_be(b.data() + kMaxTimestamp, std::int64_t{1'001});
                   fix_crc(b);
                 },
                 Errc::kInvalidBatch},
        BadBatch{"plain records that claim to be compressed",
                 [](Bytes& b) { set_attributes(b, 4); }, Errc::kInvalidBatch}));

TEST(AppendRules, RecordsOfCompressedBatchesAreLookedAtToo) {
  const std::string value(500, 'x');
  const Bytes batch = batch_of({value, value + "y"}, record::Codec::kLz4);
  ASSERT_LT(batch.size(), 500U);
  EXPECT_TRUE(check_batches(batch, {.max_record_bytes = 501}));
  EXPECT_EQ(check_batches(batch, {.max_record_bytes = 500}).error().code(), Errc::kRecordTooLarge);
}

TEST(AppendRules, ABatchThatReadersWouldRefuseToDecompressIsRefused) {
  Bytes batch = batch_of({std::string(2'000, 'x')}, record::Codec::kZstd);
  batch.resize(kRecords);
  // 3 MB of zeros in some hundred bytes.
  ASSERT_TRUE(record::compress(record::Codec::kZstd, Bytes(3U << 20), batch));
  store_be(batch.data() + kLength, static_cast<std::int32_t>(batch.size() - 12));
  fix_crc(batch);
  EXPECT_EQ(check_batches(batch, {}).error().code(), Errc::kDecompressionLimit);
}

TEST(AppendRules, AnEmptyPartIsRefused) {
  EXPECT_EQ(check_batches({}, {}).error().code(), Errc::kInvalidBatch);
}

TEST(AppendRules, EveryFlippedBitOfABatchIsSeenOrHarmless) {
  const Bytes good = batch_of({"some value", "another"});
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= std::byte(1U << (bit % 8));
    // The broker overwrites base offset and epoch; a flipped base offset is refused, an epoch is
    // not read.
    const bool in_epoch = bit / 8 >= 12 && bit / 8 < 16;
    EXPECT_EQ(check_batches(bad, {}).has_value(), in_epoch) << "bit " << bit;
  }
}

TEST(AppendRules, TheBatchLimitIsInclusive) {
  const Bytes batch = batch_of({std::string(500, 'x')});
  EXPECT_TRUE(check_batches(batch, {.max_batch_bytes = batch.size()}));
  EXPECT_EQ(check_batches(batch, {.max_batch_bytes = batch.size() - 1}).error().code(),
            Errc::kBatchTooLarge);
}

TEST(AppendRules, TheRecordLimitIsInclusive) {
  const std::string value(500, 'x');
  const AppendRules rules{.max_batch_bytes = 10'000, .max_record_bytes = 500};
  EXPECT_TRUE(check_batches(batch_of({value, value, value}), rules));
  const auto refused = check_batches(batch_of({value, value + "y"}), rules);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kRecordTooLarge);
  EXPECT_THAT(refused.error().message(), HasSubstr("record 1"));
}

TEST(AppendRules, KeyAndHeadersCountAsTheRecord) {
  record::BatchBuilder builder;
  const std::string key(400, 'k');
  const std::string value(200, 'v');
  builder.append(Timestamp(1), as_bytes(key), as_bytes(value));
  const Bytes batch = builder.build().value();
  EXPECT_EQ(
      check_batches(batch, {.max_batch_bytes = 10'000, .max_record_bytes = 599}).error().code(),
      Errc::kRecordTooLarge);
  EXPECT_TRUE(check_batches(batch, {.max_batch_bytes = 10'000, .max_record_bytes = 600}));
}

TEST(AppendRules, ATopicMayInsistOnACodec) {
  const std::string text(2'000, 'x');
  AppendRules rules{.required_codec = record::Codec::kLz4};
  EXPECT_TRUE(check_batches(batch_of({text}, record::Codec::kLz4), rules));
  EXPECT_EQ(check_batches(batch_of({text}, record::Codec::kZstd), rules).error().code(),
            Errc::kUnsupportedCompression);
  // Producers fall back to none where compression gains nothing.
  EXPECT_TRUE(check_batches(batch_of({"x"}), rules));
  rules.required_codec = record::Codec::kNone;
  EXPECT_EQ(check_batches(batch_of({text}, record::Codec::kLz4), rules).error().code(),
            Errc::kUnsupportedCompression);
}

TEST(AppendRules, AppendTimeIsStampedOnEveryBatch) {
  Bytes batches = batch_of({"a"}) + batch_of({"b", "c"});
  stamp_append_time(batches, Timestamp(77'000));
  ByteView rest = batches;
  for (int i = 0; i < 2; ++i) {
    const auto batch = record::BatchView::parse(rest).value();
    EXPECT_TRUE(batch.verify_crc());
    EXPECT_EQ(batch.timestamp_type(), record::TimestampType::kLogAppendTime);
    EXPECT_EQ(batch.max_timestamp(), Timestamp(77'000));
    rest = rest.subspan(batch.size());
  }
  EXPECT_TRUE(rest.empty());
}

}  // namespace
}  // namespace penstock::broker
