// penstock-sim: lives many random lives of a cluster in virtual time and looks for one that breaks
// a promise.
#include <gflags/gflags.h>
#include <spdlog/fmt/fmt.h>

#include <chrono>
#include <cstdio>
#include <ctime>

#include "tests/sim/life.h"
#include "tests/sim/probes.h"

DEFINE_uint64(seeds, 100, "Lives");
DEFINE_uint64(first_seed, 1, "Seed of the first one");
DEFINE_double(seconds, 60, "Virtual seconds of trouble in each life");
DEFINE_double(minutes, 0, "Stop after that many real minutes, whatever --seeds says; 0: no limit");
DEFINE_bool(twice, false, "Live each life twice and compare the traces");
DEFINE_bool(trace, false, "Print every event to standard error");
DEFINE_uint64(max_failures, 5, "Stop after that many bad lives");
DEFINE_bool(missed, false, "Name the probes that were never hit");

namespace penstock::sim {
namespace {

struct Totals {
  std::uint64_t seeds = 0;
  std::uint64_t bad = 0;
  std::uint64_t nondeterministic = 0;
  std::uint64_t events = 0;
  std::uint64_t acknowledged = 0;
  double virtual_s = 0;
};

void live_one(std::uint64_t seed, Totals& totals) {
  const LifeOptions options{.seed = seed, .trace = FLAGS_trace, .seconds = FLAGS_seconds};
  const LifeReport report = live(options);
  ++totals.seeds;
  totals.events += report.events;
  totals.acknowledged += report.acknowledged;
  totals.virtual_s += report.virtual_s;
  if (FLAGS_twice && live(options).trace_hash != report.trace_hash) {
    ++totals.nondeterministic;
    fmt::print("seed {} gave two traces\n", seed);
  }
  if (report.violations.empty()) return;
  ++totals.bad;
  fmt::print("seed {} after {:.3f} s, {}\n", seed, report.virtual_s, report.weather);
  for (const std::string& violation : report.violations) fmt::print("  {}\n", violation);
  fmt::print("  again with: penstock-sim --first_seed={} --seeds=1 --seconds={} --trace\n", seed,
             FLAGS_seconds);
  std::fflush(stdout);
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

int run() {
  using std::chrono::steady_clock;
  const auto begun = steady_clock::now();
  const auto is_late = [&] {
    return FLAGS_minutes > 0 &&
           std::chrono::duration<double>(steady_clock::now() - begun).count() > FLAGS_minutes * 60;
  };
  Totals totals;
  for (std::uint64_t i = 0; i < FLAGS_seeds && !is_late(); ++i) {
    live_one(FLAGS_first_seed + i, totals);
    if (totals.bad + totals.nondeterministic >= FLAGS_max_failures) break;
  }
  const double cpu = cpu_seconds();
  const auto missed = missed_probes();
  const auto probes = static_cast<std::size_t>(Probe::kCount);
  fmt::print(
      "SIM seeds={} virtual_hours={:.2f} events={} acknowledged={} seeds_per_core_hour={:.0f} "
      "virtual_to_real={:.0f} violations={} nondeterminism={} probes_hit={}/{}\n",
      totals.seeds, totals.virtual_s / 3600, totals.events, totals.acknowledged,
      static_cast<double>(totals.seeds) / cpu * 3600, totals.virtual_s / cpu, totals.bad,
      totals.nondeterministic, probes - missed.size(), probes);
  if (FLAGS_missed) {
    for (const auto probe : missed) fmt::print("missed {}\n", probe);
  }
  return totals.bad + totals.nondeterministic == 0 ? 0 : 1;
}

}  // namespace
}  // namespace penstock::sim

int main(int argc, char** argv) {
  gflags::SetUsageMessage(
      "lives random lives of a simulated cluster; exit 1 when one breaks a promise");
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return penstock::sim::run();
}
