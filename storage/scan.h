// Reading a segment's .log front to back, with nothing to go by but the batches themselves.
//
// Invariants: a batch counts only when its structure, its CRC, its offset (it must continue what
// came before) and its epoch (never going back) are right. Failure: bytes that are no batch end the
// scan; only a failing disk is an error.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/types.h"
#include "protocol/record/batch.h"
#include "storage/run.h"

namespace penstock::storage {

struct ScanFrom {
  std::uint64_t position = 0;
  Offset expected;  // base offset of the first batch
  Term epoch;       // batches with a lower one do not count
  // Batches that reach beyond it do not count: offsets of a segment are 32 bits.
  Offset below = Offset(std::numeric_limits<std::int64_t>::max());
};

struct ScanStop {
  std::uint64_t position = 0;  // end of the last batch that counts
  Offset end;
  Term epoch;
  std::string reason;  // why the scan went no further; empty: the file ended, or zeros follow
};

using BatchSink = std::function<void(const record::BatchView&)>;

// Hands over batches from `from` until one does not count or `limit` (a position) is reached.
Result<ScanStop> scan_batches(const File& file, ScanFrom from, std::uint64_t limit,
                              const BatchSink& sink);

// Where to look for a valid batch: it begins in [from, begin_before), ends at or before `limit`,
// and its base offset is in [at_least, below).
struct BatchSearch {
  std::uint64_t from = 0;
  std::uint64_t begin_before = 0;
  std::uint64_t limit = 0;
  Offset at_least;
  Offset below;
};
struct FoundBatch {
  std::uint64_t position = 0;
  Offset base;
};
// The first one: whether something lives behind damage.
Result<std::optional<FoundBatch>> find_batch(const File& file, const BatchSearch& search);

// End of the last non-zero byte in [from, file size); `from` when all are zero.
Result<std::uint64_t> end_of_bytes(const File& file, std::uint64_t from);

// Runs of a segment, made anew from its batches.
struct RebuiltRuns {
  std::vector<Run> runs;  // closed ones
  Run open;               // the one at the end
  struct Gap {
    Offset begin;
    Offset end;
    std::string reason;
  };
  std::vector<Gap> gaps;  // what could not be read
  std::string stopped;    // as ScanStop::reason
};

struct RebuildOptions {
  Offset segment_base;
  std::uint64_t run_bytes = 0;
  Timestamp now;
  std::uint64_t limit = 0;  // position to stop at
  // Nothing but zeros from here on (or the limit): no search for what lives behind damage.
  std::uint64_t zeros_from = std::numeric_limits<std::uint64_t>::max();
  // Where the segment ends for sure: what is missing is a gap.
  std::optional<Offset> known_end = std::nullopt;
};

// Continues from `start` (an empty Run for the whole segment). Steps over what is no batch when
// something valid follows it, or when known_end says that something was there.
Result<RebuiltRuns> rebuild_runs(const File& file, const Run& start, const RebuildOptions& options);

}  // namespace penstock::storage
