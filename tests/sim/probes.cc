#include "tests/sim/probes.h"

namespace penstock::sim {
namespace {

constexpr auto kCount = static_cast<std::size_t>(Probe::kCount);

constexpr std::array<std::string_view, kCount> kNames = {
#define PENSTOCK_SIM_PROBE(name) #name,
    PENSTOCK_SIM_PROBES(PENSTOCK_SIM_PROBE)
#undef PENSTOCK_SIM_PROBE
};

std::array<std::uint64_t, kCount> counts{};

}  // namespace

void probe(Probe which) { ++counts[static_cast<std::size_t>(which)]; }

std::uint64_t hits(Probe which) { return counts[static_cast<std::size_t>(which)]; }

std::string_view name(Probe which) { return kNames[static_cast<std::size_t>(which)]; }

std::vector<std::string_view> missed_probes() {
  std::vector<std::string_view> missed;
  for (std::size_t i = 0; i < kCount; ++i) {
    if (counts[i] == 0) missed.push_back(kNames[i]);
  }
  return missed;
}

}  // namespace penstock::sim
