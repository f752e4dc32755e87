// Changes of who takes part, by joint consensus.
//
//   C_old --append--> joint(C_new, C_old) --committed--> C_new --committed--> done
//
// Invariants: a membership counts from its append on and goes with its truncation (log_shape); one
// change at a time; a leader begins one only after a record of its own term is committed; whoever
// leads when the joint one is committed appends the last one; a leader that is no voter of a
// committed membership hands over and steps down.
#pragma once

#include <vector>

#include "broker/raft/core.h"

namespace penstock::raft {

bool is_membership_committed(const Core& core);
Status change_membership(Core& core, std::vector<NodeId> voters, std::vector<NodeId> learners);
// The leader's commit point moved: takes the next step of a change, if there is one.
void membership_committed(Core& core);

}  // namespace penstock::raft
