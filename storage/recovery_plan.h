// What recovery decides from what it found, as a pure function.
//
// Invariants: of what lies below the watermark, only what the checkpoint itself puts below the log
// start is planned to be removed. Other segments that turn out to end at or below it go once their
// own end is known (the name of the next one proves nothing: it may be a stray). Format:
// docs/storage_format.md, "Recovery".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/checkpoint.h"
#include "storage/log.h"

namespace penstock::storage {

struct FoundSegment {
  Offset base;
  bool has_log = false;
  bool has_index = false;
  std::uint64_t log_bytes = 0;
};

enum class RecoveryKind {
  kFresh,     // nothing there
  kFullScan,  // segments without a checkpoint: everything is read
  kFromCheckpoint,
};

struct RecoveryPlan {
  RecoveryKind kind = RecoveryKind::kFresh;
  Offset log_start;
  std::vector<Offset> complete;  // sealed and below the watermark
  // Below the watermark's segment, which the log begins in: nothing of them is served any more.
  std::vector<Offset> expired;
  // Where the watermark stands:
  bool active_found = false;
  bool active_is_short = false;  // its file ends before the watermark
  bool skip_tail_scan = false;
  bool cut_tail = false;
  std::vector<Offset> beyond;   // segments that begin behind the watermark's one, in order
  std::vector<Offset> orphans;  // side files there whose segment has gone
  std::vector<RecoveryReport::Damage> missing;  // ranges that no file holds
};

// `segments` ascend by base.
RecoveryPlan plan_recovery(const std::optional<Checkpoint>& checkpoint,
                           const std::vector<FoundSegment>& segments);

// What the end of valid batches in a file means.
enum class TailVerdict {
  kEnd,      // nothing but zeros follow
  kTorn,     // bytes that were never acknowledged: cut them
  kDamaged,  // bytes that may have been: keep them, report the range
};

struct TailEvidence {
  bool bytes_follow = false;         // something other than zeros lies behind
  bool below_known_durable = false;  // side files prove that batches were there
  bool valid_batch_follows = false;  // searched for only when the watermark is unknown
  bool watermark_known = true;
  bool last_segment = true;
};

TailVerdict judge_tail(const TailEvidence& evidence);

}  // namespace penstock::storage
