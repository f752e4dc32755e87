// Recovery: from the files of a folder to a log that may be served, with a report of what was
// found.
//
// Invariants: when it returns, everything up to the log's end is on disk, and nothing but zeros
// lies behind it. Failure: kForeignData for another partition's or version's files; kIoError and
// kFsyncFailed from the disk. Damage is no failure: it is reported.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "storage/checkpoint.h"
#include "storage/log.h"
#include "storage/segment.h"

namespace penstock::storage {

struct Recovered {
  std::vector<Segment> segments;
  Offset log_start;
  Term start_term;  // as in Checkpoint
  Offset end;
  LogPoint durable;
  std::optional<NewestSlot> newest;  // none: no checkpoint is in force
  bool end_uncertain = false;
  Offset sparse_end;  // of the last sparse batch behind the watermark
  RecoveryReport report;
};

Result<Recovered> recover(Env& env, const Clock& clock, const std::string& dir,
                          const LogIdentity& identity, std::uint64_t run_bytes);

}  // namespace penstock::storage
