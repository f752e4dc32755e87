// What may go by age and by size, as a pure function.
//
// Units: the age of a segment is that of its newest record: the largest record timestamp, but never
// later than the moment of its last append, so that a timestamp from the far future cannot keep a
// segment for ever.
#pragma once

#include <cstdint>
#include <span>

#include "base/types.h"
#include "storage/options.h"

namespace penstock::storage {

struct RetentionSegment {
  Offset base;
  Offset end;
  std::uint64_t bytes = 0;
  std::int64_t max_timestamp_ms = -1;
  std::int64_t appended_ms = -1;
};

struct RetentionDecision {
  Offset log_start;          // whole segments below it go
  bool roll_active = false;  // the last segment goes too: a new one must be begun first
};

// `segments` ascend, the last one is active; none is empty except perhaps the last.
RetentionDecision decide_retention(std::span<const RetentionSegment> segments, Offset log_start,
                                   const LogOptions& options, Timestamp now);

// Segments roll at this size: small enough that size retention works in steps of its limit.
std::uint64_t effective_segment_bytes(const LogOptions& options);

}  // namespace penstock::storage
