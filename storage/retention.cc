#include "storage/retention.h"

#include <algorithm>

#include "storage/limits.h"

namespace penstock::storage {
namespace {

bool has_expired(const RetentionSegment& segment, std::int64_t retention_ms, Timestamp now) {
  const std::int64_t newest = segment.max_timestamp_ms < 0
                                  ? segment.appended_ms
                                  : std::min(segment.max_timestamp_ms, segment.appended_ms);
  return newest < now.ms() - retention_ms;
}

}  // namespace

RetentionDecision decide_retention(std::span<const RetentionSegment> segments, Offset log_start,
                                   const LogOptions& options, Timestamp now) {
  RetentionDecision decision{log_start, false};
  std::uint64_t total = 0;
  for (const RetentionSegment& segment : segments) total += segment.bytes;

  std::size_t gone = 0;
  for (; gone < segments.size(); ++gone) {
    const RetentionSegment& segment = segments[gone];
    if (segment.base == segment.end) break;
    const bool too_old = options.retention_ms && has_expired(segment, *options.retention_ms, now);
    // The newest bytes up to the limit stay.
    const bool too_much =
        options.retention_bytes && total - segment.bytes >= *options.retention_bytes;
    if (!too_old && !too_much) break;
    total -= segment.bytes;
  }
  if (gone == 0) return decision;
  decision.log_start = std::max(log_start, segments[gone - 1].end);
  decision.roll_active = gone == segments.size();
  return decision;
}

std::uint64_t effective_segment_bytes(const LogOptions& options) {
  std::uint64_t bytes = std::min(options.segment_bytes, kMaxSegmentBytes);
  if (options.retention_bytes) {
    bytes = std::min(
        bytes, std::max(*options.retention_bytes / kRetentionSteps, kMinRetentionSegmentBytes));
  }
  return bytes;
}

}  // namespace penstock::storage
