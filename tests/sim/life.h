// Life: one seed: a cluster that lives through its weather, heals, and must then work again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace penstock::sim {

struct LifeOptions {
  std::uint64_t seed = 1;
  bool trace = false;
  double seconds = 60;  // virtual, of trouble
};

struct LifeReport {
  std::vector<std::string> violations;
  std::string weather;
  std::uint64_t trace_hash = 0;
  std::uint64_t events = 0;
  std::uint64_t acknowledged = 0;
  double virtual_s = 0;
};

LifeReport live(const LifeOptions& options);

}  // namespace penstock::sim
