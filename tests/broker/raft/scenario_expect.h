// `expect …`: what a scenario is about, judged apart from its written output.
#pragma once

#include "tests/broker/raft/scenario_arguments.h"
#include "tests/broker/raft/scenario_cluster.h"

namespace penstock::raft {

// Reports a failure to the cluster's trace when what `arguments` say does not hold.
void expect(ScenarioArguments& arguments, ScenarioCluster& cluster);

}  // namespace penstock::raft
