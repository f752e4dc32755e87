// KeyMap: the last offset of each key of a stretch of log, in memory of a fixed size.
//
// Keys are compared by 128 bits of hash and not kept. Why that is sound: for the most keys that fit
// the largest map (2^28), the probability that any two of them share a hash is below 2^-73, which
// is far below that of a wrong bit which no checksum of this log finds. Who would look for such a
// pair on purpose must be allowed to write to the topic, and whoever may do that can overwrite
// every key of it anyway; nor does he know the seed, which is another one for each pass.
// Invariants: of a key the largest offset that was put counts. Costs: 24 bytes a slot, of which a
// quarter stays free. Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/types.h"

namespace penstock::storage {

class KeyMap {
 public:
  // At most `max_bytes` (but room for one key at least), and no more than `max_keys` need.
  KeyMap(std::size_t max_bytes, std::uint64_t max_keys, std::uint64_t seed);

  // False when there is no room for another key; nothing has changed then. Precondition: no offset
  // that was put before is larger.
  bool put(ByteView key, Offset offset);
  std::optional<Offset> find(ByteView key) const;

  std::size_t size() const { return size_; }
  std::size_t bytes() const { return slots_.size() * sizeof(Slot); }

 private:
  struct Slot {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    std::int64_t offset_and_one = 0;  // 0: free
  };
  // Where the key is, or would be.
  std::size_t place_of(std::uint64_t low, std::uint64_t high) const;

  std::uint64_t seed_;
  std::vector<Slot> slots_;  // a power of two
  std::size_t most_;
  std::size_t size_ = 0;
};

}  // namespace penstock::storage
