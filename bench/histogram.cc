#include "bench/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/assert.h"

namespace penstock::bench {
namespace {

constexpr int kMaxBits = 42;
constexpr int kSubBits = 6;                   // 64 buckets for each power of two
constexpr std::int64_t kSub = 1 << kSubBits;  // ... which is also the width of the step
constexpr std::int64_t kExactBelow = 1 << (kSubBits + 1);
constexpr std::size_t kBuckets =
    static_cast<std::size_t>(kExactBelow + (kMaxBits - kSubBits - 1) * kSub);

// For a value with its top bit at position b >= 7, the 6 bits behind the top bit choose the bucket
// within the octave.
std::size_t bucket_of(std::int64_t value) {
  if (value < kExactBelow) return static_cast<std::size_t>(value);
  const int top = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(value))) - 1;
  const int shift = top - kSubBits;
  return static_cast<std::size_t>(shift * kSub + (value >> shift));
}

std::int64_t middle_of(std::size_t bucket) {
  const auto index = static_cast<std::int64_t>(bucket);
  if (index < kExactBelow) return index;
  const std::int64_t shift = index / kSub - 1;
  const std::int64_t low = (index - shift * kSub) << shift;
  return low + ((std::int64_t{1} << shift) - 1) / 2;
}

}  // namespace

Histogram::Histogram() : buckets_(kBuckets) {}

void Histogram::record(std::int64_t value, std::uint64_t times) {
  if (times == 0) return;
  if (value > kMaxValue) {
    saturated_ += times;
    value = kMaxValue;
  }
  value = std::max<std::int64_t>(value, 0);
  buckets_[bucket_of(value)] += times;
  count_ += times;
  sum_ += static_cast<double>(value) * static_cast<double>(times);
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  saturated_ += other.saturated_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

std::int64_t Histogram::min() const { return count_ == 0 ? 0 : min_; }

double Histogram::mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

std::int64_t Histogram::percentile(double quantile) const {
  PENSTOCK_ASSERT(quantile >= 0 && quantile <= 1, "a quantile lies between 0 and 1");
  if (count_ == 0) return 0;
  const auto rank = static_cast<std::uint64_t>(std::ceil(quantile * static_cast<double>(count_)));
  if (rank <= 1) return min_;
  if (rank >= count_) return max_;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::clamp(middle_of(i), min_, max_);
  }
  return max_;
}

}  // namespace penstock::bench
