// DiskGuard: refuses producers while the disk has less free space than a reserve, so that metadata,
// retention and checkpoints can always still write.
//
// Invariants: the reserve is what was asked for, or kMaxShare of the disk when that is smaller.
// Space is measured again after every kMeasureEveryBytes of appends, and while refusing on every
// attempt that comes kRetryNs after the last measurement: recovery needs no restart and no timer.
// Threads: any; statvfs of a local disk does not wait.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"

namespace penstock::broker {

class DiskGuard {
 public:
  static constexpr std::uint64_t kShareDivisor = 20;  // at most 5 % of the disk
  static constexpr std::uint64_t kMeasureEveryBytes = 8U << 20;
  static constexpr std::int64_t kRetryNs = 100'000'000;

  DiskGuard(Env& env, const Clock& clock, std::string path, std::uint64_t reserve_bytes);

  // Before an append of that many bytes. kDiskFull while the reserve is touched.
  Status admit(std::uint64_t bytes);
  // Asks the system again, e.g. after an append met a full disk or retention freed space.
  void measure();

  bool refusing() const { return refusing_.load(std::memory_order_relaxed); }
  DiskSpace last_seen() const;
  std::uint64_t reserve_bytes() const { return reserve_.load(std::memory_order_relaxed); }

 private:
  Env& env_;
  const Clock& clock_;
  const std::string path_;
  const std::uint64_t asked_reserve_;
  std::atomic<std::uint64_t> reserve_;
  std::atomic<std::uint64_t> since_measured_{0};
  std::atomic<std::int64_t> measured_ns_{0};
  std::atomic<std::uint64_t> total_{0};
  std::atomic<std::uint64_t> available_{0};
  std::atomic<bool> refusing_{false};
};

}  // namespace penstock::broker
