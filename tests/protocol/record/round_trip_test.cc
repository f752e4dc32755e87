// Whatever is put into a batch comes out of it, and nothing else does.
#include <gtest/gtest.h>

#include <cstdio>
#include <numeric>

#include "tests/protocol/record/sample_records.h"

namespace penstock::record {
namespace {

class RoundTrip : public testing::TestWithParam<Codec> {
 protected:
  Bytes build(const std::vector<Record>& records) {
    return build_batch(records, {.codec = GetParam()});
  }
  // The batch of `records` gives exactly them, at offsets 0, 1, 2, ...
  void expect_survives(const std::vector<Record>& records) {
    const Bytes batch = build(records);
    const Result<ReadBack> back = read_back(batch, {.max_bytes = 64U << 20, .max_ratio = 10'000});
    ASSERT_TRUE(back.has_value()) << back.error().to_string();
    EXPECT_EQ(back->records, records);
    std::vector<std::int64_t> offsets(records.size());
    std::iota(offsets.begin(), offsets.end(), 0);
    EXPECT_EQ(back->offsets, offsets);
  }
};

INSTANTIATE_TEST_SUITE_P(EveryCodec, RoundTrip, testing::ValuesIn(kAllCodecs),
                         [](const auto& info) { return std::string(name(info.param)); });

TEST_P(RoundTrip, RandomRecordsComeBackAsTheyWere) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    ASSERT_NO_FATAL_FAILURE(expect_survives(random_records(rng, 60)));
  }
}

TEST_P(RoundTrip, NullAndEmptyAreNotTheSame) {
  expect_survives({
      {.key = std::nullopt, .value = std::nullopt, .timestamp = Timestamp(5), .headers = {}},
      {.key = Bytes{}, .value = std::nullopt, .timestamp = Timestamp(5), .headers = {}},
      {.key = std::nullopt, .value = Bytes{}, .timestamp = Timestamp(5), .headers = {}},
      {.key = Bytes{},
       .value = Bytes{},
       .timestamp = Timestamp(5),
       .headers = {{.key = "", .value = std::nullopt}, {.key = "", .value = Bytes{}}}},
  });
}

TEST_P(RoundTrip, AMebibyteValueComesBack) {
  Rng rng(7);
  expect_survives({{.key = bytes_of("noise"),
                    .value = noise(rng, 1U << 20),
                    .timestamp = Timestamp(1),
                    .headers = {}},
                   {.key = bytes_of("prose"),
                    .value = prose(rng, 1U << 20),
                    .timestamp = Timestamp(2),
                    .headers = {}}});
}

TEST_P(RoundTrip, TimestampsOfAnySizeComeBack) {
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  std::vector<Record> records;
  for (const std::int64_t ms :
       {std::int64_t{0}, std::int64_t{-1}, kMin, kMax, kMin + 1, kMax - 1}) {
    records.push_back(
        {.key = std::nullopt, .value = bytes_of("x"), .timestamp = Timestamp(ms), .headers = {}});
  }
  expect_survives(records);
}

TEST_P(RoundTrip, EveryTruncationIsRefused) {
  Rng rng(11);
  const Bytes batch = build(random_records(rng, 12));
  for (std::size_t size = 0; size < batch.size(); ++size) {
    const auto parsed = BatchView::parse(ByteView(batch).first(size));
    ASSERT_FALSE(parsed.has_value()) << "the first " << size << " of " << batch.size() << " bytes";
    ASSERT_EQ(parsed.error().code(), Errc::kInvalidBatch);
  }
  ASSERT_TRUE(BatchView::parse(batch).has_value());
}

// A truncation that also fixes up length and checksum, as a buggy program would write it.
TEST_P(RoundTrip, EveryConsistentTruncationOfRecordsIsRefused) {
  Rng rng(12);
  const Bytes batch = build(random_records(rng, 12));
  for (std::size_t size = kHeaderSize; size < batch.size(); ++size) {
    Bytes shorter(batch.begin(), batch.begin() + static_cast<std::ptrdiff_t>(size));
    reseal(shorter);
    const Result<ReadBack> back = read_back(shorter);
    ASSERT_FALSE(back.has_value()) << "the first " << size << " of " << batch.size() << " bytes";
    ASSERT_EQ(back.error().code(), Errc::kInvalidBatch) << back.error().to_string();
  }
}

}  // namespace
}  // namespace penstock::record
