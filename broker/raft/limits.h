// Bounds of the consensus core, each with its reason.
#pragma once

#include <cstddef>

namespace penstock::raft {

// Members of one group, learners included, and counted twice who is in two lists of a joint
// membership. Majorities are counted in arrays of that size. Every broker of a cluster is a member
// of the group that holds its metadata (controller/limits.h); the rest leaves room for a change of
// its voters.
inline constexpr std::size_t kMaxMembers = 128;

// Messages that wait for a save of term and vote. A save takes milliseconds, in which a handful of
// messages arises; a disk that hangs must not gather the heartbeat replies of an hour.
inline constexpr std::size_t kMaxHeldMessages = 1'024;

// Reads that wait for a round of heartbeats; one round answers all of them.
inline constexpr std::size_t kMaxPendingReads = 16'384;

// An install carries the whole state of a group, so it is repeated far later than a heartbeat.
inline constexpr int kInstallPatienceElections = 4;

// A read of the own log that was never answered is asked for again only after that many election
// timeouts: an answer that is merely slow must not be thrown away.
inline constexpr int kReadPatienceElections = 8;

// After a failed install: so many heartbeats.
inline constexpr int kInstallRetryHeartbeats = 3;

}  // namespace penstock::raft
