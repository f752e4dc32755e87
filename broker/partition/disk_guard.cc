#include "broker/partition/disk_guard.h"

#include <algorithm>

namespace penstock::broker {

DiskGuard::DiskGuard(Env& env, const Clock& clock, std::string path, std::uint64_t reserve_bytes)
    : env_(env),
      clock_(clock),
      path_(std::move(path)),
      asked_reserve_(reserve_bytes),
      reserve_(reserve_bytes) {
  measure();
}

void DiskGuard::measure() {
  since_measured_.store(0, std::memory_order_relaxed);
  measured_ns_.store(clock_.steady_ns(), std::memory_order_relaxed);
  const auto space = env_.disk_space(path_);
  // Not knowing is no reason to refuse: an append that meets a full disk says so itself.
  if (!space) return;
  const std::uint64_t reserve = std::min(asked_reserve_, space->total_bytes / kShareDivisor);
  // Resumes only a little above the mark, so that it does not go to and fro with every segment.
  const std::uint64_t mark = refusing() ? reserve + reserve / 4 : reserve;
  reserve_.store(reserve, std::memory_order_relaxed);
  total_.store(space->total_bytes, std::memory_order_relaxed);
  available_.store(space->available_bytes, std::memory_order_relaxed);
  refusing_.store(space->available_bytes < mark, std::memory_order_relaxed);
}

Status DiskGuard::admit(std::uint64_t bytes) {
  const std::uint64_t before = since_measured_.fetch_add(bytes, std::memory_order_relaxed);
  const bool due = before + bytes >= std::min(kMeasureEveryBytes, reserve_bytes() / 4 + 1);
  const bool retry = refusing() && clock_.steady_ns() - measured_ns_ >= kRetryNs;
  if (due || retry) measure();
  if (!refusing()) return {};
  return fail(Errc::kDiskFull,
              path_ + " has " + std::to_string(available_ >> 20) +
                  " MiB free and producers may not go below " +
                  std::to_string(reserve_bytes() >> 20) +
                  " MiB (--disk_reserve_mb); free space, or lower retention, and retry");
}

DiskSpace DiskGuard::last_seen() const {
  return {.total_bytes = total_.load(std::memory_order_relaxed),
          .available_bytes = available_.load(std::memory_order_relaxed)};
}

}  // namespace penstock::broker
