// What a message, a range or a restored log must look like before consensus computes with it:
// nothing that came over the network or from a disk is trusted to be well formed.
#pragma once

#include <string>
#include <vector>

#include "broker/raft/group.h"
#include "broker/raft/message.h"
#include "broker/raft/types.h"

namespace penstock::raft {

// Lists sorted, without repetition, voters and learners disjoint, at most kMaxMembers in all.
bool is_sensible(const Membership& membership);
// Runs cover the range and ascend, memberships lie in it, nothing is negative.
bool is_sensible(const EntryRange& range);
bool is_sensible(const Message& message);
// Empty when the restored state is of one piece, otherwise what is wrong.
std::string problem_of(const Restored& restored);

}  // namespace penstock::raft
