#include "bench/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/random.h"

namespace penstock::bench {
namespace {

TEST(Histogram, AnEmptyOneAnswersZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0U);
  EXPECT_EQ(histogram.min(), 0);
  EXPECT_EQ(histogram.max(), 0);
  EXPECT_EQ(histogram.mean(), 0);
  EXPECT_EQ(histogram.percentile(0.5), 0);
}

TEST(Histogram, SmallValuesAreExact) {
  Histogram histogram;
  for (std::int64_t v = 1; v <= 100; ++v) histogram.record(v);
  EXPECT_EQ(histogram.percentile(0), 1);
  EXPECT_EQ(histogram.percentile(0.5), 50);
  EXPECT_EQ(histogram.percentile(0.99), 99);
  EXPECT_EQ(histogram.percentile(1), 100);
  EXPECT_EQ(histogram.mean(), 50.5);
}

TEST(Histogram, TheRankIsTheSmallestThatCoversTheQuantile) {
  Histogram histogram;
  histogram.record(1, 999);
  histogram.record(100);
  EXPECT_EQ(histogram.percentile(0.999), 1) << "999 of 1000 values are 1";
  EXPECT_EQ(histogram.percentile(0.9991), 100) << "the 1000th is needed";
}

TEST(Histogram, EveryValueIsAnsweredWithinTheStatedError) {
  // Each power of two, its neighbours, and the middle between two: where bucket borders lie.
  for (int bit = 0; bit < 42; ++bit) {
    const std::int64_t power = std::int64_t{1} << bit;
    for (const std::int64_t value : {power - 1, power, power + 1, power + power / 2}) {
      if (value < 0 || value > Histogram::kMaxValue) continue;
      Histogram histogram;
      histogram.record(0);  // keeps min and max from hiding the bucket's answer
      histogram.record(value);
      histogram.record(Histogram::kMaxValue);
      const auto answer = static_cast<double>(histogram.percentile(0.5));
      const auto exact = static_cast<double>(value);
      EXPECT_LE(std::fabs(answer - exact), exact * Histogram::kMaxRelativeError) << value;
    }
  }
}

TEST(Histogram, WhatIsTooLargeIsCountedAndSaid) {
  Histogram histogram;
  histogram.record(Histogram::kMaxValue);
  EXPECT_EQ(histogram.saturated(), 0U);
  histogram.record(Histogram::kMaxValue + 1);
  histogram.record(INT64_MAX, 2);
  EXPECT_EQ(histogram.saturated(), 3U);
  EXPECT_EQ(histogram.count(), 4U);
  EXPECT_EQ(histogram.max(), Histogram::kMaxValue);
}

TEST(Histogram, NegativeValuesCountAsZero) {
  // A clock that is read on two cores may seem to run backwards by some nanoseconds.
  Histogram histogram;
  histogram.record(-5);
  EXPECT_EQ(histogram.count(), 1U);
  EXPECT_EQ(histogram.min(), 0);
  EXPECT_EQ(histogram.max(), 0);
}

// Draws from shapes that latencies have: uniform, long-tailed, and two far-apart humps.
std::int64_t draw(Rng& rng, int shape) {
  switch (shape) {
    case 0:
      return static_cast<std::int64_t>(rng.below(1'000'000'000));
    case 1:
      return static_cast<std::int64_t>(std::exp(rng.unit() * 25));
    default:
      return static_cast<std::int64_t>(rng.one_in(50) ? 40'000'000 + rng.below(1'000'000)
                                                      : 90'000 + rng.below(20'000));
  }
}

TEST(Histogram, PercentilesAgreeWithASortedVector) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Rng rng(seed);
    const std::uint64_t count = 1 + rng.below(20'000);
    Histogram histogram;
    std::vector<std::int64_t> values;
    for (std::uint64_t i = 0; i < count; ++i) {
      values.push_back(draw(rng, static_cast<int>(seed % 3)));
      histogram.record(values.back());
    }
    std::ranges::sort(values);
    for (const double quantile : {0.0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
      const auto rank = std::max(1.0, std::ceil(quantile * static_cast<double>(values.size())));
      const auto exact = static_cast<double>(values[static_cast<std::size_t>(rank) - 1]);
      const auto answer = static_cast<double>(histogram.percentile(quantile));
      ASSERT_LE(std::fabs(answer - exact), exact * 0.01)
          << "seed " << seed << ", " << count << " values, quantile " << quantile;
    }
    ASSERT_EQ(histogram.min(), values.front());
    ASSERT_EQ(histogram.max(), values.back());
  }
}

TEST(Histogram, MergingIsAsIfAllHadBeenRecordedInOne) {
  Histogram whole;
  Histogram left;
  Histogram right;
  Rng rng(7);
  for (int i = 0; i < 10'000; ++i) {
    const std::int64_t value = draw(rng, 1);
    whole.record(value);
    (i % 3 == 0 ? left : right).record(value);
  }
  Histogram merged;
  merged.merge(left);
  merged.merge(right);
  merged.merge(Histogram());
  EXPECT_EQ(merged.count(), whole.count());
  EXPECT_EQ(merged.min(), whole.min());
  EXPECT_EQ(merged.max(), whole.max());
  for (const double quantile : {0.01, 0.5, 0.99, 0.999}) {
    EXPECT_EQ(merged.percentile(quantile), whole.percentile(quantile));
  }
}

}  // namespace
}  // namespace penstock::bench
