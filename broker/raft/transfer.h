// Handing leadership to a chosen voter: no new proposals, wait until its disk holds the whole log,
// tell it to campaign at once, and go on as before when it does not lead within an election
// timeout.
#pragma once

#include "broker/raft/core.h"

namespace penstock::raft {

Status transfer_leadership(Core& core, NodeId to);
// The target's durable end, or the log's, may have moved.
void advance_transfer(Core& core);
void transfer_tick(Core& core);
// Without waiting: to a voter that has everything, if there is one.
void hand_over(Core& core);

void handle(Core& core, NodeId from, const TimeoutNow& message);

}  // namespace penstock::raft
