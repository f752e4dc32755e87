// Messages that no honest member sent: stale, hostile, or from before the story begins.
#pragma once

#include "tests/broker/raft/scenario_arguments.h"
#include "tests/broker/raft/scenario_network.h"
#include "tests/broker/raft/scenario_safety.h"

namespace penstock::raft {

// Reads "n1->n2 append term=3 prev=2,10 range=10,14 runs=3@10 commit=9 round=4" and the like; see
// scenario_runner.h. Batches are made up for each offset of a range that makes sense.
Parcel forge(ScenarioArguments& arguments, ScenarioSafety& safety);

}  // namespace penstock::raft
