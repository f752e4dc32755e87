#include "storage/compaction_plan.h"

#include <algorithm>

#include "storage/limits.h"

namespace penstock::storage {
namespace {

std::int64_t age_of(const CompactionSegment& segment) {
  if (segment.max_timestamp_ms < 0) return segment.appended_ms;
  return std::min(segment.max_timestamp_ms, segment.appended_ms);
}

}  // namespace

std::size_t count_compactable(std::span<const CompactionSegment> segments, Offset limit,
                              std::int64_t min_lag_ms, Timestamp now) {
  std::size_t count = 0;
  for (const CompactionSegment& segment : segments) {
    // A clock that went back makes nothing younger than now.
    const std::int64_t age_ms = std::max<std::int64_t>(now.ms() - segment.appended_ms, 0);
    if (segment.end > limit || age_ms < min_lag_ms) break;
    ++count;
  }
  return count;
}

std::vector<SegmentGroup> plan_groups(std::span<const CompactionSegment> segments,
                                      const GroupLimits& limits) {
  std::vector<SegmentGroup> groups;
  std::uint64_t bytes = 0;
  std::int64_t oldest = 0;
  std::int64_t newest = 0;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const CompactionSegment& segment = segments[i];
    const std::int64_t age = age_of(segment);
    const bool joins = !groups.empty() && bytes + segment.bytes <= limits.max_bytes &&
                       segment.end - segments[groups.back().first].base <= kMaxSegmentOffsets &&
                       (!limits.max_span_ms ||
                        std::max(newest, age) - std::min(oldest, age) <= *limits.max_span_ms);
    if (joins) {
      groups.back().last = i;
      bytes += segment.bytes;
      oldest = std::min(oldest, age);
      newest = std::max(newest, age);
      continue;
    }
    groups.push_back({i, i});
    bytes = segment.bytes;
    oldest = newest = age;
  }
  return groups;
}

}  // namespace penstock::storage
