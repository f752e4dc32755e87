// CompactionState: how far a log is compacted, as its checkpoint keeps it.
//
// Invariants: below `clean_end` no key is left twice; nothing at or behind `rewritten_end` was
// taken out of a batch, by this log or by whom it was copied from. Marks ascend in offset and time:
// at `completed` everything below `end` had been compacted. Both ends go back with a log that is
// cut. Losing it is harmless: everything is looked at anew, and tombstones stay for longer.
// Units: wall clock, since it must mean something after a restart. A clock that is set forward
// shortens the delay of tombstones by as much.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/types.h"

namespace penstock::storage {

struct CompactionMark {
  Offset end;
  Timestamp completed;
  friend bool operator==(const CompactionMark&, const CompactionMark&) = default;
};

// Marks that are kept: they stand in a slot of the checkpoint.
inline constexpr std::size_t kMaxCompactionMarks = 12;

struct CompactionState {
  Offset clean_end;
  Offset rewritten_end;
  std::vector<CompactionMark> marks;

  // A pass is over that has compacted everything below `end`. When there are too many marks, the
  // two whose times are closest become one: the later, so that nothing counts as compacted earlier
  // than it was.
  void completed(Offset end, Timestamp now);
  // Everything below was compacted `delay_ms` ago.
  Offset settled_end(std::int64_t delay_ms, Timestamp now) const;
  // The log ends there now.
  void cut(Offset end);
  // A mark from the future was made by a clock that was wrong: its time counts from now.
  void correct_clock(Timestamp now);

  bool empty() const { return *this == CompactionState{}; }
  friend bool operator==(const CompactionState&, const CompactionState&) = default;
};

// Its place in a checkpoint slot: little-endian, zeros for one that is empty.
inline constexpr std::size_t kCompactionStateBytes = 8 + 8 + 4 + kMaxCompactionMarks * 16;
void encode_compaction(const CompactionState& state, std::byte* to);
// Empty when the bytes contradict themselves.
CompactionState decode_compaction(const std::byte* from);

}  // namespace penstock::storage
