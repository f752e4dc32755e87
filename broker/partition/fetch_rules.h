// How the bytes of one fetch are divided among its partitions: pure arithmetic.
//
// Invariants: the first batch found is always returned, whatever its size, so that a consumer with
// small limits still advances; beyond it, the answer stays within the request's and the broker's
// limit. Every request begins with another partition than the one before, so that a busy one in
// front does not starve the rest.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace penstock::broker {

class FetchBudget {
 public:
  // Bytes of one answer, whatever the request asks.
  static constexpr std::uint64_t kMaxAnswerBytes = 16U << 20;

  explicit FetchBudget(std::uint64_t requested_bytes);

  // What may be read for a partition that asks for at most `partition_bytes`; 0: nothing any more.
  std::uint64_t allowance(std::uint64_t partition_bytes) const;
  // Takes the part of a partition into the answer, or refuses it: it holds one batch that is larger
  // than the allowance, and the answer is not empty without it.
  bool take(std::uint64_t part_bytes);
  std::uint64_t taken() const { return taken_; }

 private:
  std::uint64_t limit_;
  std::uint64_t taken_ = 0;
};

// CRC-32C over bytes 0..20 of every batch, one behind the other: what the batches' own checksums
// leave open. Precondition: whole batches.
std::uint32_t header_crc(ByteView batches);

// Index of the partition at `place` in the reading order of a request that starts at `first`.
constexpr std::size_t rotated(std::size_t place, std::size_t first, std::size_t count) {
  return (place + first) % count;
}

}  // namespace penstock::broker
