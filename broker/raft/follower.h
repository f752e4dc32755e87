// The follower's side of the log: does an append fit, what must be cut, what is told to the leader.
//
// Invariants: nothing below the commit point is ever cut; an answer tells only what is on this
// node's disk and known to equal the leader's log.
#pragma once

#include "broker/raft/core.h"

namespace penstock::raft {

void handle(Core& core, NodeId from, const AppendRequest& request);
void handle(Core& core, NodeId from, const InstallRequest& request);

Status follower_accepted(Core& core, const Accept& accept);
Status follower_was_reset(Core& core, const InstallRequest& install);
void reply_accepted(Core& core);

}  // namespace penstock::raft
