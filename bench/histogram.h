// Histogram: counts of nanosecond values in log-linear buckets, from which percentiles are read.
//
// Format: values below 128 have a bucket each; every power of two above is cut into 64 equal
// buckets, so a bucket is never wider than 1/64 of its smallest value. A percentile answers the
// middle of its bucket: at most 0.8 % away from the exact one. (The layout is that of
// HdrHistogram: Tene, 2012.)
// Units: nanoseconds by convention; [0, 2^42), that is 73 minutes. Larger values count as the
// largest one and in saturated(), negative ones as 0.
// Threads: one at a time; give each thread its own and merge(). Costs 18 KiB, whatever it holds.
#pragma once

#include <cstdint>
#include <vector>

namespace penstock::bench {

class Histogram {
 public:
  static constexpr std::int64_t kMaxValue = (std::int64_t{1} << 42) - 1;
  static constexpr double kMaxRelativeError = 1.0 / 128;

  Histogram();

  void record(std::int64_t value, std::uint64_t times = 1);
  void merge(const Histogram& other);

  std::uint64_t count() const { return count_; }
  std::uint64_t saturated() const { return saturated_; }
  std::int64_t min() const;                  // exact; 0 when empty
  std::int64_t max() const { return max_; }  // exact; 0 when empty
  double mean() const;                       // exact; 0 when empty

  // The value below or at which `quantile` of all values lie: the ceil(quantile * count)-th
  // smallest, within kMaxRelativeError. quantile in [0, 1]; 0 is the smallest value, 1 the largest,
  // both exact. Worked example: of 1000 values, percentile(0.999) is the 999th smallest.
  std::int64_t percentile(double quantile) const;

 private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::uint64_t saturated_ = 0;
  std::int64_t min_ = kMaxValue;
  std::int64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace penstock::bench
