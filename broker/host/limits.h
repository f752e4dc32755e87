// The named limits of broker/host, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

#include "broker/raft/limits.h"

namespace penstock::broker {

// Nodes in one list of a membership; it bounds what a damaged or hostile control batch can make a
// reader allocate.
inline constexpr std::size_t kMaxMembers = 128;
static_assert(kMaxMembers >= raft::kMaxMembers, "what consensus allows must be readable");

// Largest offset that a range from a peer may reach: sums of offsets and lengths cannot overflow.
inline constexpr std::int64_t kMaxOffset = std::int64_t{1} << 62;

// Smallest journal of votes: 1,636 records, so that an election of all groups of a usual broker
// fits without a rewrite.
inline constexpr std::size_t kMinVoteJournalBytes = 64U << 10;
// A new journal has room for that many records a group, so that rewriting costs a small share of
// what is written.
inline constexpr std::size_t kVoteRecordsPerGroup = 8;
// Largest journal that open() reads: 200,000 groups.
inline constexpr std::size_t kMaxVoteJournalBytes = 64U << 20;

// Memberships that a replica's side file lists before those below the log start are folded away;
// one list has at most 3 * kMaxMembers numbers.
inline constexpr std::size_t kMaxPlacedMemberships = 1024;
// Largest side file that is read: all of the above, with room.
inline constexpr std::size_t kMaxReplicaStateBytes = 4U << 20;
static_assert(kMaxPlacedMemberships * 3 * kMaxMembers * 5 <= kMaxReplicaStateBytes / 2,
              "what is written must be readable");

// Piece in which a log is read to find its memberships when the side file is lost.
inline constexpr std::uint64_t kRebuildReadBytes = 1U << 20;

// A snapshot of a log's producers is due when that much of the log was noted since the last one (or
// that many times what it is large). Bounds what is read at open, and how many of the batches in it
// are not known to be committed yet: 400,000 of the smallest.
inline constexpr std::uint64_t kProducerSnapshotAfterBytes = 32U << 20;
inline constexpr std::uint64_t kProducerSnapshotCostShare = 64;
// At a clean close, what is read again faster than a file is written.
inline constexpr std::uint64_t kProducerSnapshotAtCloseBytes = 1U << 20;
// A log that did not give back what its table of producers is made of is read again after that.
inline constexpr std::int64_t kProducerRetryMs = 1'000;

// What a member asks its leader for at a time to put damage right (a run at least): small beside
// what replication keeps on the way.
inline constexpr std::uint64_t kMendBytes = 256U << 10;
// Most that a leader reads for that: one run with the largest batch that a topic allows.
inline constexpr std::uint64_t kMaxMendBytes = 16U << 20;

// A member is late when it lacks more than that of what is committed: far more than is ever on the
// way to a member that keeps up.
inline constexpr std::uint64_t kLateBytes = 32U << 20;
// What late members may be sent at once after a pause: short beside the flushes of producers.
inline constexpr std::int64_t kCatchUpBurstMs = 20;
// Piece in which late members are sent what they lack: producers whose flush waits behind that of
// a piece hardly notice it.
inline constexpr std::uint64_t kCatchUpPieceBytes = 128U << 10;
// Default rate for late members, of the whole broker: an hour of 5,000 records a second of 512
// bytes takes eleven minutes.
inline constexpr std::uint64_t kCatchUpBytesPerSecond = 16U << 20;

// Heartbeats for which a member asks in vain for one range (a minute or so): its leader's log
// begins behind it, or differs.
inline constexpr std::uint32_t kMaxAskedInVain = 600;

// Commands that wait for the one that is under way: administration comes from people and a few
// loops, so that more means that something repeats itself.
inline constexpr std::size_t kMaxQueuedCommands = 256;
// Largest snapshot of a state that is written, read or received: it goes to a follower as one
// attachment, of which brokers take no larger ones (peer/limits.h).
inline constexpr std::size_t kMaxStateSnapshotBytes = 8U << 20;
// A snapshot is due when that much of the log was applied since the last one (or as much as that
// one is large, so that writing them costs at most as much as the log itself). Bounds replay.
inline constexpr std::uint64_t kSnapshotAfterBytes = 4U << 20;
// Piece in which committed records are read to be applied.
inline constexpr std::uint64_t kApplyReadBytes = 1U << 20;

}  // namespace penstock::broker
