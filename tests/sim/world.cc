#include "tests/sim/world.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

namespace penstock::sim {

void World::after(std::int64_t delay_ns, Action action) {
  queue_.push_back({now_ns_ + std::max<std::int64_t>(delay_ns, 0), asked_++, std::move(action)});
  std::push_heap(queue_.begin(), queue_.end());
}

void World::run_until(std::int64_t end_ns) {
  while (!queue_.empty() && queue_.front().at_ns <= end_ns && !is_spinning()) {
    std::pop_heap(queue_.begin(), queue_.end());
    Event event = std::move(queue_.back());
    queue_.pop_back();
    if (event.at_ns / kMs != now_ns_ / kMs) events_in_ms_ = 0;
    now_ns_ = event.at_ns;
    ++events_;
    ++events_in_ms_;
    event.action();
    if (watcher_) watcher_();
  }
  now_ns_ = end_ns;
}

void World::note(std::string_view what) {
  for (const char c : what) {
    trace_hash_ = (trace_hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  trace_hash_ = (trace_hash_ ^ static_cast<std::uint64_t>(now_ns_)) * 0x100000001b3ULL;
  if (tracing_) {
    std::fprintf(stderr, "%12.6f %.*s\n", static_cast<double>(now_ns_) / 1e9,
                 static_cast<int>(what.size()), what.data());
  }
}

std::int64_t World::around(std::int64_t mean_ns) {
  const double draw = -std::log(1.0 - rng_.unit()) * static_cast<double>(mean_ns);
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(draw));
}

}  // namespace penstock::sim
