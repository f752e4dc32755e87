// penstock-sim: lives many random lives of a cluster in virtual time and looks for one that breaks
// a promise.
#include <gflags/gflags.h>
#include <spdlog/fmt/fmt.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/mutant.h"
#include "base/random.h"
#include "tests/sim/life.h"
#include "tests/sim/probes.h"

DEFINE_uint64(seeds, 100, "Lives");
DEFINE_uint64(first_seed, 1, "Seed of the first one");
DEFINE_bool(fresh, false, "Begin with a seed that nobody has chosen, and name it");
DEFINE_double(seconds, 60, "Virtual seconds of trouble in each life");
DEFINE_double(minutes, 0, "Stop after that many real minutes, whatever --seeds says; 0: no limit");
DEFINE_bool(twice, false, "Live each life twice and compare the traces");
DEFINE_bool(trace, false, "Print every event to standard error");
DEFINE_uint64(max_failures, 5, "Stop after that many bad lives");
DEFINE_string(seed_file, "",
              "Live the seeds in that file first: one a line and its kind, # begins a comment");
DEFINE_string(kind, "", "groups, cluster; empty: the seed decides (tests/sim/life.h)");
DEFINE_int32(mutant, 0, "Wakes that known bug, in a build with all of them (base/mutant.h)");
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

// Of the life that is under way, for whoever dies of it.
volatile std::sig_atomic_t seeds_lived = 0;

extern "C" void tell_of_death(int signal) {
  std::fprintf(stderr, "died in life %d of this run\n", static_cast<int>(seeds_lived));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

bool wake_mutant() {
#if PENSTOCK_MUTANT < 0
  awake_mutant = static_cast<Mutant>(FLAGS_mutant);
  return true;
#else
  return FLAGS_mutant == 0;
#endif
}

Kind chosen_kind(std::uint64_t seed) { return parse_kind(FLAGS_kind).value_or(kind_of(seed)); }

std::vector<std::pair<std::uint64_t, Kind>> seeds_in(const std::string& path) {
  std::vector<std::pair<std::uint64_t, Kind>> seeds;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream words(line);
    std::uint64_t seed = 0;
    std::string kind;
    words >> seed >> kind;
    seeds.emplace_back(seed, parse_kind(kind).value_or(kind_of(seed)));
  }
  return seeds;
}

void live_one(std::uint64_t seed, Kind kind, Totals& totals) {
  seeds_lived = static_cast<std::sig_atomic_t>(totals.seeds + 1);
  const LifeOptions options{
      .seed = seed, .kind = kind, .trace = FLAGS_trace, .seconds = FLAGS_seconds};
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
  fmt::print("seed {} {} after {:.3f} s, {}\n", seed, to_string(kind), report.virtual_s,
             report.weather);
  for (const std::string& violation : report.violations) fmt::print("  {}\n", violation);
  fmt::print(
      "  again with: penstock-sim --first_seed={} --seeds=1 --kind={} --seconds={} --trace\n", seed,
      to_string(kind), FLAGS_seconds);
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
  if (!wake_mutant()) {
    fmt::print(stderr, "this build has no mutants: configure with -DPENSTOCK_MUTANT=-1\n");
    return 2;
  }
  std::signal(SIGABRT, tell_of_death);
  std::signal(SIGSEGV, tell_of_death);
  // Seeds that are easy to copy.
  const std::uint64_t first_seed = FLAGS_fresh ? random_seed() % 1'000'000'000 : FLAGS_first_seed;
  if (FLAGS_fresh) fmt::print("first seed {}\n", first_seed);
  std::fflush(stdout);
  Totals totals;
  if (!FLAGS_seed_file.empty()) {
    for (const auto& [seed, kind] : seeds_in(FLAGS_seed_file)) live_one(seed, kind, totals);
  }
  for (std::uint64_t i = 0; i < FLAGS_seeds && !is_late(); ++i) {
    live_one(first_seed + i, chosen_kind(first_seed + i), totals);
    if (totals.bad + totals.nondeterministic >= FLAGS_max_failures) break;
  }
  const double cpu = cpu_seconds();
  const auto missed = missed_probes();
  const auto probes = static_cast<std::size_t>(Probe::kCount);
  fmt::print(
      "SIM seeds={} virtual_hours={:.2f} events={} acknowledged={} seeds_per_core_hour={:.0f} "
      "virtual_to_real={:.0f} violations={} nondeterminism={} probes_hit={}/{} first_seed={}\n",
      totals.seeds, totals.virtual_s / 3600, totals.events, totals.acknowledged,
      static_cast<double>(totals.seeds) / cpu * 3600, totals.virtual_s / cpu, totals.bad,
      totals.nondeterministic, probes - missed.size(), probes, first_seed);
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
