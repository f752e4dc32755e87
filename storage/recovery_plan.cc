#include "storage/recovery_plan.h"

#include <algorithm>

#include "storage/segment_name.h"

namespace penstock::storage {
namespace {

RecoveryReport::Damage missing(Offset begin, Offset end, Offset base) {
  return {begin, end, segment_file_name(base, SegmentFile::kLog) + ": the file is missing"};
}

// Segments of which only the side file is left, when nothing else tells what there was.
void plan_full_scan(const std::vector<FoundSegment>& segments, RecoveryPlan& plan) {
  plan.kind = RecoveryKind::kFullScan;
  for (const FoundSegment& segment : segments) {
    if (segment.has_log) plan.complete.push_back(segment.base);
  }
  if (!plan.complete.empty()) plan.log_start = plan.complete.front();
}

}  // namespace

RecoveryPlan plan_recovery(const std::optional<Checkpoint>& checkpoint,
                           const std::vector<FoundSegment>& segments) {
  RecoveryPlan plan;
  if (!checkpoint) {
    if (!segments.empty()) plan_full_scan(segments, plan);
    return plan;
  }
  plan.kind = RecoveryKind::kFromCheckpoint;
  plan.log_start = checkpoint->log_start;
  plan.cut_tail = checkpoint->cut;
  const LogPoint& point = checkpoint->point;

  const bool begins_in_it = plan.log_start >= point.segment_base;
  for (const FoundSegment& segment : segments) {
    if (segment.base < point.segment_base) {
      if (begins_in_it) {
        plan.expired.push_back(segment.base);
      } else if (segment.has_log) {
        plan.complete.push_back(segment.base);
      }
    } else if (segment.base == point.segment_base) {
      plan.active_found = segment.has_log;
      plan.active_is_short = segment.has_log && segment.log_bytes < point.position();
      plan.skip_tail_scan = checkpoint->clean && segment.log_bytes == point.position();
    } else {
      (segment.has_log ? plan.beyond : plan.orphans).push_back(segment.base);
    }
  }
  if (!plan.beyond.empty()) plan.skip_tail_scan = false;

  const Offset first = plan.complete.empty() ? point.segment_base : plan.complete.front();
  if (plan.log_start < first) {
    plan.missing.push_back(missing(plan.log_start, first, plan.log_start));
  }
  if (!plan.active_found && !(checkpoint->clean && point.position() == 0)) {
    plan.missing.push_back(
        missing(std::max(point.segment_base, plan.log_start), point.end(), point.segment_base));
  }
  return plan;
}

TailVerdict judge_tail(const TailEvidence& evidence) {
  if (evidence.below_known_durable) return TailVerdict::kDamaged;
  if (!evidence.watermark_known && (evidence.valid_batch_follows || !evidence.last_segment)) {
    return TailVerdict::kDamaged;
  }
  return evidence.bytes_follow ? TailVerdict::kTorn : TailVerdict::kEnd;
}

}  // namespace penstock::storage
