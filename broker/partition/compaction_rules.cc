#include "broker/partition/compaction_rules.h"

#include <algorithm>

#include "broker/partition/limits.h"

namespace penstock::broker {

double CompactionBacklog::dirty_share() const {
  if (sealed_bytes == 0) return 0;
  return static_cast<double>(dirty_bytes) / static_cast<double>(sealed_bytes);
}

CompactionBacklog backlog_of(const storage::Log& log, Offset settled, Timestamp now) {
  CompactionBacklog backlog;
  backlog.dirty_bytes = log.dirty_bytes();
  backlog.tombstones_are_due = settled > log.swept_below();
  const Offset clean_end = log.compaction().clean_end;
  for (const storage::Log::SegmentInfo& segment : log.segments()) {
    const std::int64_t age_ms = std::max<std::int64_t>(now.ms() - segment.created.ms(), 0);
    if (segment.active) {
      backlog.open_bytes = segment.bytes;
      if (segment.bytes > 0) backlog.open_ms = age_ms;
    } else {
      backlog.sealed_bytes += segment.bytes;
    }
    if (segment.bytes > 0 && segment.end > clean_end && backlog.oldest_ms < 0) {
      backlog.oldest_ms = age_ms;
    }
  }
  return backlog;
}

CompactionStep next_step(const CompactionRules& rules, const CompactionBacklog& backlog) {
  const auto is_overdue = [&](std::int64_t age_ms) {
    return rules.max_lag_ms && age_ms >= *rules.max_lag_ms;
  };
  // What was sealed may have to wait for a checkpoint: the pass comes with a later look.
  if (is_overdue(backlog.open_ms)) return CompactionStep::kSeal;
  const bool gains = backlog.dirty_bytes > 0 && backlog.dirty_share() >= kMinDirtyShare;
  const bool is_promised = backlog.dirty_bytes > 0 && is_overdue(backlog.oldest_ms);
  const bool has_tombstones = backlog.sealed_bytes > 0 && backlog.tombstones_are_due;
  return gains || is_promised || has_tombstones ? CompactionStep::kPass : CompactionStep::kNone;
}

}  // namespace penstock::broker
