#include "bench/payload.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "bench/limits.h"
#include "protocol/record/codec.h"

namespace penstock::bench {
namespace {

TEST(Payloads, HaveTheSizeThatWasAskedFor) {
  for (const std::size_t size : {0UL, 1UL, 100UL, 1024UL, 100'000UL, kMaxRecordBytes}) {
    const Payloads payloads(1, size);
    EXPECT_EQ(payloads.at(0).size(), size);
    EXPECT_EQ(payloads.at(1'000'000'007).size(), size);
  }
}

TEST(Payloads, TheSameSeedGivesTheSameRecords) {
  const Payloads a(7, 200);
  const Payloads b(7, 200);
  const Payloads other(8, 200);
  EXPECT_TRUE(equal(a.at(123), b.at(123)));
  EXPECT_FALSE(equal(a.at(123), other.at(123)));
}

TEST(Payloads, NeighboursDiffer) {
  const Payloads payloads(1, 100);
  std::set<std::string> seen;
  for (std::uint64_t i = 0; i < 10'000; ++i) seen.emplace(as_text(payloads.at(i)));
  EXPECT_EQ(seen.size(), 10'000U);
}

TEST(Payloads, CompressAsEventsDoNeitherAsZerosNorAsNoise) {
  const Payloads payloads(1, 1024);
  Bytes input;
  for (std::uint64_t i = 0; i < 256; ++i) {
    const ByteView record = payloads.at(i);
    input.insert(input.end(), record.begin(), record.end());
  }
  Bytes output;
  ASSERT_TRUE(record::compress(record::Codec::kZstd, input, output));
  const double ratio = static_cast<double>(input.size()) / static_cast<double>(output.size());
  EXPECT_GT(ratio, 1.5);
  EXPECT_LT(ratio, 5);
}

}  // namespace
}  // namespace penstock::bench
