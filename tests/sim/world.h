// World: virtual time, one queue of events, one source of randomness. A seed replays it exactly.
//
// Invariants: events happen in order of time, those of one instant in the order in which they were
// asked for; nothing else drives the simulation, so the trace hash of two runs of one seed is equal
// unless some code depends on what it must not (addresses, real time, unordered containers).
// Units: nanoseconds of virtual time. Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"

namespace penstock::sim {

inline constexpr std::int64_t kMs = 1'000'000;
inline constexpr std::int64_t kSecond = 1'000 * kMs;

class World {
 public:
  using Action = std::move_only_function<void()>;

  explicit World(std::uint64_t seed) : rng_(seed) {}

  std::int64_t now_ns() const { return now_ns_; }
  Rng& rng() { return rng_; }
  void after(std::int64_t delay_ns, Action action);
  // Lets all events until then happen.
  void run_until(std::int64_t end_ns);
  // Called after every event.
  void watch(std::function<void()> watcher) { watcher_ = std::move(watcher); }

  // Goes into the trace hash, and to standard error when tracing.
  void note(std::string_view what);
  void set_tracing(bool tracing) { tracing_ = tracing; }
  bool tracing() const { return tracing_; }
  std::uint64_t trace_hash() const { return trace_hash_; }
  std::uint64_t events() const { return events_; }
  // More happened in one millisecond than can: somebody asks for the same again and again.
  bool is_spinning() const { return events_in_ms_ > kMaxEventsInMs; }

  // Exponential with that mean; at least 1.
  std::int64_t around(std::int64_t mean_ns);
  bool chance(double probability) { return rng_.unit() < probability; }

 private:
  static constexpr std::uint64_t kMaxEventsInMs = 100'000;

  struct Event {
    std::int64_t at_ns;
    std::uint64_t number;
    Action action;
    // For a heap with the earliest on top.
    friend bool operator<(const Event& a, const Event& b) {
      return a.at_ns != b.at_ns ? a.at_ns > b.at_ns : a.number > b.number;
    }
  };

  Rng rng_;
  std::int64_t now_ns_ = 0;
  std::uint64_t asked_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t events_in_ms_ = 0;
  std::uint64_t trace_hash_ = 0xcbf29ce484222325ULL;  // FNV-1a
  bool tracing_ = false;
  std::vector<Event> queue_;
  std::function<void()> watcher_;
};

// A node's clocks: steady time is the world's, wall time may be jumped.
class NodeClock final : public Clock {
 public:
  explicit NodeClock(const World& world) : world_(world) {}
  Timestamp wall() const override {
    return Timestamp(1'700'000'000'000 + world_.now_ns() / kMs + jump_ms_);
  }
  std::int64_t steady_ns() const override { return world_.now_ns(); }
  void jump_wall_ms(std::int64_t ms) { jump_ms_ += ms; }

 private:
  const World& world_;
  std::int64_t jump_ms_ = 0;
};

}  // namespace penstock::sim
