#include "protocol/record/builder.h"

#include <gtest/gtest.h>

#include "protocol/record/limits.h"
#include "tests/protocol/record/sample_records.h"

namespace penstock::record {
namespace {

std::vector<HeaderView> views(const std::vector<Header>& headers) {
  std::vector<HeaderView> views;
  for (const Header& header : headers) {
    views.push_back(
        {header.key, header.value ? std::optional<ByteView>(*header.value) : std::nullopt});
  }
  return views;
}

std::size_t upper_bound(const Record& record) {
  const auto view = [](const std::optional<Bytes>& bytes) {
    return bytes ? std::optional<ByteView>(*bytes) : std::nullopt;
  };
  return BatchBuilder::max_record_size(view(record.key), view(record.value), views(record.headers));
}

TEST(BatchBuilder, KnowsTheSizeOfTheBatchBeforeItIsBuilt) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Rng rng(seed);
    BatchBuilder builder;
    EXPECT_EQ(builder.size(), kHeaderSize);
    for (const Record& record : random_records(rng, 60)) builder.append(record);
    const std::size_t promised = builder.size();
    const auto batch = builder.build();
    ASSERT_TRUE(batch.has_value());
    EXPECT_EQ(batch->size(), promised);
  }
}

TEST(BatchBuilder, NeverGrowsByMoreThanItsUpperBound) {
  Rng rng(3);
  BatchBuilder builder;
  std::size_t slack = 0;
  for (int i = 0; i < 3000; ++i) {
    Record record = random_record(rng);
    // Far from the first one's: the delta takes all the bytes that a delta can take.
    if (i % 2 == 1) record.timestamp = Timestamp(std::numeric_limits<std::int64_t>::min());
    const std::size_t before = builder.size();
    builder.append(record);
    const std::size_t added = builder.size() - before;
    ASSERT_LE(added, upper_bound(record)) << testing::PrintToString(record);
    slack = std::max(slack, upper_bound(record) - added);
  }
  EXPECT_LE(slack, 21) << "the bound is of use only when it is near";
}

TEST(BatchBuilder, IsEmptyAfterBuildAndKeepsItsOptions) {
  Rng rng(4);
  BatchBuilder builder({.codec = Codec::kLz4, .producer_id = 9, .producer_epoch = 1});
  for (int round = 0; round < 5; ++round) {
    EXPECT_TRUE(builder.empty());
    EXPECT_EQ(builder.record_count(), 0);
    EXPECT_EQ(builder.size(), kHeaderSize);
    const std::vector<Record> records = random_records(rng, 100);
    for (const Record& record : records) builder.append(record);
    EXPECT_FALSE(builder.empty());
    EXPECT_EQ(builder.record_count(), std::ssize(records));
    const auto batch = builder.build();
    ASSERT_TRUE(batch.has_value());
    EXPECT_EQ(read_back(*batch)->records, records);
    EXPECT_EQ(BatchView::parse(*batch)->producer_id(), 9);
    EXPECT_EQ(BatchView::parse(*batch)->producer_epoch(), 1);
  }
}

TEST(BatchBuilder, SendsPlainBytesWhenCompressionDoesNotPay) {
  for (const Codec codec : kAllCodecs) {
    Rng rng(5);
    const Record record{
        .key = std::nullopt, .value = noise(rng, 3000), .timestamp = Timestamp(1), .headers = {}};
    const Bytes batch = build_batch({record}, {.codec = codec});
    EXPECT_EQ(BatchView::parse(batch)->codec(), Codec::kNone) << name(codec);
    EXPECT_EQ(batch, build_batch({record}));
  }
}

TEST(BatchBuilder, CompressesWhenItPays) {
  for (const Codec codec : kAllCodecs) {
    Rng rng(6);
    const Record record{
        .key = std::nullopt, .value = prose(rng, 3000), .timestamp = Timestamp(1), .headers = {}};
    const Bytes batch = build_batch({record}, {.codec = codec});
    EXPECT_EQ(BatchView::parse(batch)->codec(), codec);
    if (codec != Codec::kNone) {
      EXPECT_LT(batch.size(), 2000) << name(codec);
    }
  }
}

TEST(BatchBuilder, KeepsPlainWhatReadersWouldNotDecompress) {
  // So repetitive that the compressed form is over the ratio that readers accept.
  const Record record{.key = std::nullopt,
                      .value = Bytes((1U << 20) + 5000),
                      .timestamp = Timestamp(1),
                      .headers = {}};
  for (const Codec codec : kAllCodecs) {
    const Bytes batch = build_batch({record}, {.codec = codec});
    auto records = Records::open(*BatchView::parse(batch));
    ASSERT_TRUE(records) << name(codec) << ": " << records.error().to_string();
    EXPECT_EQ((*records->next())->value->size(), record.value->size()) << name(codec);
  }
  EXPECT_EQ(BatchView::parse(build_batch({record}, {.codec = Codec::kZstd}))->codec(),
            Codec::kNone);
}

// A producer counts what it holds in flight by size(); capacity must not be far from it.
TEST(BatchBuilder, HandsOutBuffersOfAboutTheirSize) {
  for (const Codec codec : {Codec::kNone, Codec::kZstd}) {
    BatchBuilder builder({.codec = codec});
    for (const std::size_t value_size : {10'000U, 100'000U, 100U, 1'000'000U, 10U, 5'000U}) {
      Rng rng(value_size);
      builder.append({.key = std::nullopt,
                      .value = prose(rng, value_size),
                      .timestamp = Timestamp(1),
                      .headers = {}});
      const auto batch = builder.build();
      ASSERT_TRUE(batch.has_value());
      EXPECT_LE(batch->capacity(), batch->size() + kMaxBuilderSlackBytes) << value_size;
    }
  }
}

TEST(BatchBuilder, MaxTimestampIsTheLargestNotTheLast) {
  BatchBuilder builder;
  for (const std::int64_t ms : {50, 70, 20})
    builder.append(Timestamp(ms), std::nullopt, ByteView());
  const auto bytes = builder.build();
  const auto batch = BatchView::parse(*bytes);
  EXPECT_EQ(batch->base_timestamp(), Timestamp(50));
  EXPECT_EQ(batch->max_timestamp(), Timestamp(70));
}

}  // namespace
}  // namespace penstock::record
