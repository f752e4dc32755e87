// The verbs of scenario scripts; scenario_runner.h explains them.
#pragma once

#include "base/result.h"
#include "tests/broker/raft/scenario_arguments.h"
#include "tests/broker/raft/scenario_cluster.h"

namespace penstock::raft {

// Returns what a node refused. A command that makes no sense becomes a failure of the trace or a
// problem of the arguments.
Status carry_out(ScenarioArguments& arguments, ScenarioCluster& cluster);

}  // namespace penstock::raft
