// The named limits of storage, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/types.h"

namespace penstock::storage {

// Largest batch that append takes and that recovery accepts: one number for both, because what is
// written must be readable. Far above any topic's limit (8 MiB); it bounds the memory that a
// damaged length field can make recovery allocate.
inline constexpr std::size_t kMaxBatchBytes = 64U << 20;

// Positions inside a segment are 32 bits on disk. A segment that is this large rolls whatever the
// options say; one append beyond it still fits.
inline constexpr std::uint64_t kMaxSegmentBytes = 2ULL << 30;
// Largest single append; several batches may come in one.
inline constexpr std::uint64_t kMaxAppendBytes = 256U << 20;
static_assert(kMaxSegmentBytes + kMaxAppendBytes <= std::numeric_limits<std::uint32_t>::max());
static_assert(kMaxBatchBytes <= kMaxAppendBytes);

// Offsets inside a segment are 32 bits on disk, relative to its base.
inline constexpr std::int64_t kMaxSegmentOffsets = std::numeric_limits<std::int32_t>::max();

// An append that begins here cannot overflow an offset.
inline constexpr Offset kLargestEnd(std::numeric_limits<std::int64_t>::max() -
                                    kMaxSegmentOffsets * 2);

// Smallest segment that size retention makes of a small limit: below it, files cost more than what
// they hold.
inline constexpr std::uint64_t kMinRetentionSegmentBytes = 64U << 10;
// Size retention works in steps of a tenth of its limit: the log stays within about 110 % of it.
inline constexpr std::uint64_t kRetentionSteps = 10;

// Space is reserved ahead of the end in steps that double: a thousand quiet partitions cost 64 KiB
// each, a busy one pays for an allocation once in 32 MiB.
inline constexpr std::uint64_t kFirstAllocationBytes = 64U << 10;
inline constexpr std::uint64_t kLargestAllocationBytes = 32U << 20;
inline constexpr std::uint64_t kAllocationUnitBytes = 4U << 10;  // a block of the file system

// A run closes at index_interval_bytes, but not below the segment's size divided by this: it bounds
// the index of one segment to about 1 MiB in memory and on disk.
inline constexpr std::uint64_t kMaxRunsPerSegment = 16384;
// Largest index file that is read: twice the bound above, for batches that straddle, and for a
// segment whose options changed while it grew.
inline constexpr std::uint64_t kMaxIndexBytes = 64U << 20;
// Indexes (and open files) of sealed segments that one log keeps at a time, least recently used
// out first: consumers that lag read in few places.
inline constexpr std::size_t kMaxResidentSealed = 4;

// Most bytes of one read, whatever the caller asks: a frame's size on the wire is far below it.
inline constexpr std::uint64_t kMaxReadBytes = 64U << 20;
// Piece that recovery and scrubbing read at a time; grows to one batch when that is larger.
inline constexpr std::size_t kScanChunkBytes = 256U << 10;

// Most memory that a pass of key compaction takes for its key map: keys of 4 million records. What
// does not fit is left to the next pass.
inline constexpr std::size_t kCompactionMapBytes = 128U << 20;
// Bytes that a pass moves before it gives way, so that its rate can be kept: a few milliseconds of
// a slow disk.
inline constexpr std::uint64_t kCompactionPieceBytes = 1U << 20;
// What it writes at a time.
inline constexpr std::size_t kCompactionWriteBytes = 256U << 10;

// Damaged ranges remembered per log. Ranges beyond it still fail their reads, each time anew.
inline constexpr std::size_t kMaxDamageRanges = 1024;

}  // namespace penstock::storage
