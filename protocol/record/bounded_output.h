// BoundedOutput: a buffer that a decompressor writes into and that never grows past its limit.
//
// Invariants: holds at most one byte more than `limit` (so that a decompressor always has room and
// running over shows as a byte too many, not as a stall).
// Failure: kDecompressionLimit as soon as more than `limit` bytes were written or asked for.
// Internal to protocol/record.
#pragma once

#include "base/bytes.h"
#include "base/result.h"

namespace penstock::record {

class BoundedOutput {
 public:
  // Appends behind what `out` holds already; that does not count.
  BoundedOutput(Bytes& out, std::size_t limit);

  std::size_t written() const { return written_; }

  // Expects `size` bytes more, if the limit allows: saves growing step by step. A hint, not a
  // claim that is believed.
  void expect(std::size_t size);
  // Free space behind what was written; never empty.
  MutableByteView room();
  // Free space of at least `size`.
  Result<MutableByteView> room_for(std::size_t size);
  // All the space that the limit allows.
  MutableByteView all_room();
  // `size` bytes of the last room were written.
  Status advance(std::size_t size);
  void rewind() { written_ = 0; }
  // Gives back the unused space. Call once, at the end.
  void finish();

 private:
  void grow_to(std::size_t capacity);

  Bytes& out_;
  const std::size_t begin_;
  const std::size_t limit_;
  std::size_t written_ = 0;
};

}  // namespace penstock::record
