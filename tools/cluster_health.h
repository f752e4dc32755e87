// What is wrong with a cluster, one line a finding, the worst first; and what it comes to.
//
// Pure.
#pragma once

#include <string>
#include <vector>

#include "client/cluster_status.h"
#include "tools/exit_codes.h"

namespace penstock::tools {

enum class Severity {
  kNote,    // somebody should know it; nothing is at stake
  kAtRisk,  // everything serves; one more failure may change that
  kBroken,  // a part does not serve
};

struct Trouble {
  Severity severity = Severity::kNote;
  std::string text;
};

std::vector<Trouble> find_troubles(const client::ClusterStatus& status);

// kOk (notes included), kAtRisk or kBroken.
ExitCode verdict(const std::vector<Trouble>& findings);

// "broken    orders/3 has no leader", one line each; at the end what it comes to.
std::string health_text(const client::ClusterStatus& status, const std::vector<Trouble>& findings);

// True when it is not as its placement wants it, or cannot do without one more replica though it
// has several: what `status` shows without --all.
bool is_unusual(const client::PartitionStatus& partition);

// "orders/3"
std::string name_of(const client::PartitionStatus& partition);

}  // namespace penstock::tools
