// Which segments key compaction may touch, and which of them become one, as pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/types.h"

namespace penstock::storage {

struct CompactionSegment {
  Offset base;
  Offset end;
  std::uint64_t bytes = 0;
  std::int64_t max_timestamp_ms = -1;
  std::int64_t appended_ms = -1;
};

// How many of `segments`, which ascend and are sealed, lie below `limit` and were last appended to
// at least `min_lag_ms` ago.
std::size_t count_compactable(std::span<const CompactionSegment> segments, Offset limit,
                              std::int64_t min_lag_ms, Timestamp now);

struct GroupLimits {
  std::uint64_t max_bytes = 0;
  // Newest records that are further apart do not come into one file: retention by time takes whole
  // files.
  std::optional<std::int64_t> max_span_ms;
};

// [first, last] of `segments`.
struct SegmentGroup {
  std::size_t first = 0;
  std::size_t last = 0;
  friend bool operator==(const SegmentGroup&, const SegmentGroup&) = default;
};

// Neighbours that fit into one file as they are; what shrinks now is joined by a later pass.
std::vector<SegmentGroup> plan_groups(std::span<const CompactionSegment> segments,
                                      const GroupLimits& limits);

}  // namespace penstock::storage
