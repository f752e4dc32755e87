// Life: one seed: a cluster that lives through its weather, heals, and must then work again.
//
// There are two kinds. In `groups` a few replicated logs are always there, and their members are
// changed wildly, without a plan: that is hard on consensus. In `cluster` everything is as in a
// real one: brokers join, the controller keeps metadata, topics come and go, and leaders bring
// memberships to where placement wants them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::sim {

enum class Kind : std::uint8_t { kGroups, kCluster };
std::string_view to_string(Kind kind);
std::optional<Kind> parse_kind(std::string_view name);
// Of a seed of which nobody said which kind it is.
Kind kind_of(std::uint64_t seed);

struct LifeOptions {
  std::uint64_t seed = 1;
  Kind kind = Kind::kGroups;
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
