#include "broker/host/catch_up_pace.h"

#include <algorithm>
#include <limits>

#include "broker/host/limits.h"

namespace penstock::broker {
namespace {

constexpr std::int64_t kSecondMs = 1'000;

}  // namespace

void CatchUpPace::produced(std::uint64_t bytes, std::int64_t now_ms) {
  if (now_ms - second_began_ms_ >= kSecondMs) {
    last_second_ = now_ms - second_began_ms_ < 2 * kSecondMs ? this_second_ : 0;
    this_second_ = 0;
    second_began_ms_ = now_ms;
  }
  this_second_ += bytes;
}

std::uint64_t CatchUpPace::rate(std::int64_t now_ms) const {
  const bool is_quiet = now_ms - second_began_ms_ >= 2 * kSecondMs;
  const std::uint64_t produced = is_quiet ? 0 : std::max(this_second_, last_second_);
  if (bytes_per_second_ == 0 || produced == 0) return 0;
  return std::max(bytes_per_second_, 2 * produced);
}

void CatchUpPace::refill(std::int64_t now_ms) {
  const auto rate = static_cast<std::int64_t>(this->rate(now_ms));
  const std::int64_t passed_ms = std::min(now_ms - refilled_ms_, kSecondMs);
  refilled_ms_ = now_ms;
  tokens_ = std::min(tokens_ + rate * passed_ms / kSecondMs, rate * kCatchUpBurstMs / kSecondMs);
}

bool CatchUpPace::admits(std::int64_t now_ms) {
  if (rate(now_ms) == 0) return true;
  refill(now_ms);
  return tokens_ > 0;
}

void CatchUpPace::sent(std::uint64_t bytes, std::int64_t now_ms) {
  if (rate(now_ms) == 0) return;
  refill(now_ms);
  tokens_ -= static_cast<std::int64_t>(bytes);
}

std::uint64_t CatchUpPace::piece_bytes(std::int64_t now_ms) const {
  return rate(now_ms) == 0 ? std::numeric_limits<std::uint64_t>::max() : kCatchUpPieceBytes;
}

std::int64_t CatchUpPace::next_ms(std::int64_t now_ms) const {
  const auto rate = static_cast<std::int64_t>(this->rate(now_ms));
  if (rate == 0 || tokens_ > 0) return now_ms;
  return std::max(refilled_ms_ + (-tokens_ + 1) * kSecondMs / rate + 1, now_ms);
}

}  // namespace penstock::broker
