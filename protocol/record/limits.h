// The named limits of protocol/record, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace penstock::record {

// Largest batch that the builder makes and compress() takes: sizes, offsets and counts inside a
// batch are int32. What a topic or a frame allows is smaller and checked where it is known.
inline constexpr std::size_t kMaxBatchBytes = std::numeric_limits<std::int32_t>::max();

// First allocation of a builder that has no earlier batch to go by: a page, so that an idle
// partition costs little.
inline constexpr std::size_t kFirstBuilderBytes = 4U << 10;
// Unused capacity that a finished batch may carry. Above it, the batch is copied to fit, because
// producers account for what they hold in flight.
inline constexpr std::size_t kMaxBuilderSlackBytes = 4U << 10;

// First allocation of decompressed output when the input does not say how much to expect.
inline constexpr std::size_t kFirstOutputBytes = 16U << 10;

// Largest window that streaming zstd decompression allocates: what levels up to 19 use. A frame
// with a larger one is decompressed in one step into a buffer of the caller's limit instead.
inline constexpr int kZstdMaxWindowLog = 23;
// A decompression context that grew past this is given back instead of kept by its thread.
inline constexpr std::size_t kZstdRetainedBytes = 1U << 20;

// No snappy element makes more than 64 bytes of 3: a block that claims more lies.
inline constexpr std::size_t kSnappyMaxRatio = 22;
// Uncompressed bytes of one xerial block; the size of the format's first writer, which some readers
// have as their largest.
inline constexpr std::size_t kSnappyBlockBytes = 32U << 10;

}  // namespace penstock::record
