// Sequence: the number of a record among those that one producer wrote to one partition.
//
// Units: a batch carries the sequence of its first record; record i of it has that one plus i.
// After 2^31-1 comes 0, so only distances mean anything: of two sequences the older one is the one
// from which the other is reached in less than kMaxSequenceDistance steps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace penstock::record {

// In a batch that no producer numbers.
inline constexpr std::int64_t kNoProducer = -1;
inline constexpr std::int16_t kNoEpoch = -1;
inline constexpr std::int32_t kNoSequence = -1;

inline constexpr std::int16_t kMaxProducerEpoch = std::numeric_limits<std::int16_t>::max();
inline constexpr std::int32_t kMaxSequence = std::numeric_limits<std::int32_t>::max();
// Half of all sequences: farther behind is nearer ahead.
inline constexpr std::int64_t kMaxSequenceDistance = std::int64_t{1} << 30;

// Who numbers batches: its number, and which of its lives this is.
struct ProducerIdentity {
  std::int64_t id = kNoProducer;
  std::int16_t epoch = kNoEpoch;
  friend bool operator==(const ProducerIdentity&, const ProducerIdentity&) = default;
};

// A broker remembers the places of at least that many batches of a producer in a partition, so a
// producer has at most that many under way there: the repetition of each of them finds its offset.
inline constexpr std::size_t kRememberedBatches = 16;

// `count` records further on: sequence_after(2147483646, 3) == 1. Precondition: count >= 0.
constexpr std::int32_t sequence_after(std::int32_t sequence, std::int64_t count) {
  return static_cast<std::int32_t>((sequence + count) & kMaxSequence);
}

// Steps forward from `from` to `to`, in [0, 2^31): sequence_distance(2147483647, 1) == 2.
constexpr std::int64_t sequence_distance(std::int32_t from, std::int32_t to) {
  return (std::int64_t{to} - from) & kMaxSequence;
}

}  // namespace penstock::record
