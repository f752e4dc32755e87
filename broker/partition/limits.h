// Bounds of the partition layer, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "storage/limits.h"

namespace penstock::broker {

// Largest value of the topic setting max_batch_bytes; storage reads back whatever it allows.
inline constexpr std::uint64_t kLargestBatchBytes = 9U << 20;
static_assert(kLargestBatchBytes <= storage::kMaxBatchBytes, "what is written must be readable");

// Producers that wait for the records of one partition to be committed. A connection has at most 64
// requests under way, so this many are hundreds of connections on one partition; the next one is
// told to back off.
inline constexpr std::size_t kMaxDurabilityWaiters = 65'536;

// On a full disk, terms and votes are tried again this often: elections wait for it.
inline constexpr std::chrono::milliseconds kVoteRetryPeriod{100};

// Flushes that one shard has under way at a time. More than one, so that a slow partition does not
// hold the others up; few, because every fdatasync that waits for its turn gathers more records.
inline constexpr std::size_t kMaxFlushesUnderWay = 2;

// Groups that are due within the same slot are woken together: five times between two heartbeats,
// and small beside an election timeout.
inline constexpr std::int64_t kTickSlotMs = 20;

// A checkpoint is looked at this long after a partition became dirty, and again while it stays so.
inline constexpr std::chrono::milliseconds kCheckpointPeriod{200};
// Checkpoints that one shard has under way at a time: they write beside the flushes that producers
// wait for.
inline constexpr std::size_t kMaxCheckpointsUnderWay = 1;

// --- scrubbing: reading what lies there, so that rot is found while other copies are good
// Of the whole broker: a small share of any disk; a tebibyte takes a day and a half.
inline constexpr std::uint64_t kScrubBytesPerSecond = 8U << 20;
// One read: short beside what else waits for the disk.
inline constexpr std::uint64_t kScrubPieceBytes = 256U << 10;
// A pass over a partition begins that long after the one before it ended.
inline constexpr std::chrono::milliseconds kScrubPeriod = std::chrono::hours(24 * 7);
// After a start, consumers and replicas that catch up come first.
inline constexpr std::chrono::milliseconds kScrubStartDelay = std::chrono::seconds(30);
// When no pass is due, the next look.
inline constexpr std::chrono::milliseconds kScrubIdlePeriod = std::chrono::seconds(10);

// --- key compaction
// Share of a log's whole files that is new when a pass is worth while: a pass reads all of them, so
// that each byte is read and written about twice in its life.
inline constexpr double kMinDirtyShare = 0.5;
// Default rate of reading and writing together, of the whole broker.
inline constexpr std::uint64_t kCompactionBytesPerSecond = 16U << 20;
// After a start, consumers and replicas that catch up come first.
inline constexpr std::chrono::milliseconds kCompactionStartDelay = std::chrono::seconds(5);
// When no pass is due, the next look.
inline constexpr std::chrono::milliseconds kCompactionIdlePeriod = std::chrono::seconds(1);
// A log that had nothing for a pass after all (its last file waits for a checkpoint, or is younger
// than the topic's lag) is looked at again after that.
inline constexpr std::chrono::milliseconds kCompactionRetryPeriod = std::chrono::seconds(5);
// One that cannot be compacted (damage, a full disk), after that.
inline constexpr std::chrono::milliseconds kCompactionFailurePeriod = std::chrono::minutes(1);

}  // namespace penstock::broker
