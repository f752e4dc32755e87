// dump_log: what lies in a log's folder, in lines for people, with everything checked.
//
// Invariants: only reads; works on a log that another process is writing, and on a damaged one.
// Failure: what is wrong in the files is a line and a count, not an error; kNotFound when the
// folder is not there, kIoError when it cannot be read.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/result.h"
#include "base/types.h"

namespace penstock::storage {

enum class DumpDetail {
  kSummary,  // checkpoint and segments
  kIndexes,  // and every index entry
  kBatches,  // and every batch
};

struct DumpOptions {
  DumpDetail detail = DumpDetail::kBatches;
  // Only lines about [from, to); everything is checked all the same.
  std::optional<Offset> from;
  std::optional<Offset> to;
};

struct DumpReport {
  std::uint64_t segments = 0;
  std::uint64_t batches = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;  // of batches
  std::uint64_t index_entries = 0;
  std::uint64_t torn_bytes = 0;      // behind the last batch, beyond the watermark: no problem
  std::uint64_t damaged = 0;         // batches, runs or files below the watermark that fail a check
  std::uint64_t bad_side_files = 0;  // would be made anew; nothing is lost
  bool healthy() const { return damaged == 0 && bad_side_files == 0; }
};

using DumpSink = std::function<void(std::string_view line)>;

// A line begins with two spaces for each level, then with what it is about: `checkpoint`,
// `segment`, `batch`, `run`, `seal`, `PROBLEM`.
Result<DumpReport> dump_log(Env& env, const std::string& dir, const DumpOptions& options,
                            const DumpSink& sink);

}  // namespace penstock::storage
