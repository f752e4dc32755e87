// The named limits of broker/producers, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

#include "protocol/record/sequence.h"

namespace penstock::broker {

// Runs of batches that are remembered of one producer; a run holds one batch at the least. It is
// what producers may have under way, so the repetition of any of it finds its offset.
inline constexpr std::size_t kMaxRememberedRuns = 16;
static_assert(kMaxRememberedRuns >= record::kRememberedBatches, "what producers rely on");

// Longest run: distances within it stay unambiguous.
inline constexpr std::int64_t kMaxRunRecords = std::int64_t{1} << 29;
static_assert(kMaxRunRecords < record::kMaxSequenceDistance);

// Producers that one partition knows: those of thousands of processes that restarted without a
// name. The one that was silent longest makes room. Bounds memory (docs/producers.md says how much
// a producer takes) and the snapshot.
inline constexpr std::size_t kMaxProducersPerPartition = 4'096;

// A producer that was silent for that long, by the time that stands in the log, is forgotten: much
// longer than any client tries to deliver a batch.
inline constexpr std::int64_t kProducerExpiryMs = std::int64_t{7} * 24 * 3600 * 1000;

// A producer makes room for a new one only when it was silent for at least that long: longer than
// clients repeat a batch, so that no repetition meets a partition that has forgotten its first
// copy. Until then new producers are told to back off.
inline constexpr std::int64_t kProducerMinSilenceMs = std::int64_t{10} * 60 * 1000;

// The log should say the time that many times in kProducerExpiryMs, if anybody has written since:
// who was active between two such marks counts as active at the later one.
inline constexpr std::int64_t kTimeMarksPerExpiry = 8;

// Batches that are not committed yet and are kept in mind. A leader takes no more of them; its
// window of uncommitted bytes ends long before, with batches of a usual size.
inline constexpr std::size_t kMaxUncommittedBatches = 65'536;

// Largest snapshot that is written or read: it goes to a follower as (a part of) one attachment.
inline constexpr std::size_t kMaxProducerSnapshotBytes = 4U << 20;
static_assert(kMaxProducersPerPartition * (24 + kMaxRememberedRuns * 16) + 64 <=
                  kMaxProducerSnapshotBytes,
              "what is written must be readable");

// Piece in which a log is read to make a lost table again.
inline constexpr std::uint64_t kProducerRebuildReadBytes = 1U << 20;

}  // namespace penstock::broker
