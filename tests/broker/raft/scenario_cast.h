// The commands that set a scenario up: who takes part, and with what past.
#pragma once

#include "base/result.h"
#include "tests/broker/raft/scenario_arguments.h"
#include "tests/broker/raft/scenario_cluster.h"

namespace penstock::raft {

Status set_options(ScenarioArguments& arguments, ScenarioCluster& cluster);
Status add_nodes(ScenarioArguments& arguments, ScenarioCluster& cluster);
Status add_node(ScenarioArguments& arguments, ScenarioCluster& cluster);

}  // namespace penstock::raft
