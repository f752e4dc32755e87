#include "tests/sim/life.h"

#include "base/random.h"
#include "tests/sim/stage.h"

namespace penstock::sim {

std::string_view to_string(Kind kind) { return kind == Kind::kGroups ? "groups" : "cluster"; }

std::optional<Kind> parse_kind(std::string_view name) {
  for (const Kind kind : {Kind::kGroups, Kind::kCluster}) {
    if (name == to_string(kind)) return kind;
  }
  return std::nullopt;
}

// Not of the numbers that the life itself draws.
Kind kind_of(std::uint64_t seed) { return Rng(~seed).one_in(2) ? Kind::kGroups : Kind::kCluster; }

LifeReport live(const LifeOptions& options) {
  const auto life =
      options.kind == Kind::kGroups ? make_group_life(options) : make_cluster_life(options);
  return life->live();
}

}  // namespace penstock::sim
