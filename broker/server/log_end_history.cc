#include "broker/server/log_end_history.h"

#include <algorithm>
#include <limits>

#include "broker/server/upkeep_limits.h"

namespace penstock::broker {

void LogEndHistory::look(Offset log_end, std::int64_t now_ms) {
  if (!samples_.empty() && samples_.back().end == log_end) return;
  // The end of a log that was cut never existed.
  while (!samples_.empty() && samples_.back().end > log_end) samples_.pop_back();
  if (!samples_.empty() && samples_.back().end == log_end) return;
  if (samples_.size() >= kMaxEndSamples) thin_out();
  samples_.push_back({log_end, now_ms});
}

std::int64_t LogEndHistory::behind_ms(Offset durable_end, std::int64_t now_ms) const {
  const auto lacking = std::ranges::upper_bound(samples_, durable_end, {}, &Sample::end);
  return lacking == samples_.end() ? 0 : std::max<std::int64_t>(now_ms - lacking->at_ms, 0);
}

// The one goes whose gap is the smallest in proportion to its age: what stays reaches far back and
// is as precise, relative to its age, everywhere.
void LogEndHistory::thin_out() {
  const std::int64_t now_ms = samples_.back().at_ms;
  auto least = samples_.end() - 1;
  double least_loss = std::numeric_limits<double>::max();
  for (auto sample = samples_.begin() + 1; sample != samples_.end() - 1; ++sample) {
    const auto gap = static_cast<double>((sample + 1)->at_ms - (sample - 1)->at_ms);
    const auto age = static_cast<double>(now_ms - (sample - 1)->at_ms);
    if (gap / age >= least_loss) continue;
    least_loss = gap / age;
    least = sample;
  }
  samples_.erase(least);
}

}  // namespace penstock::broker
