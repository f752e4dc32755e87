// Reads that must not be stale: a leader confirms by a round of heartbeats, begun after the read
// was asked for, that it still leads, and answers with what was committed at that time.
//
// Reads that arrive while a round is out share the next one.
#pragma once

#include "broker/raft/core.h"

namespace penstock::raft {

Status read_index(Core& core, std::uint64_t context);
// Somebody answered a round.
void confirm_reads(Core& core);

}  // namespace penstock::raft
