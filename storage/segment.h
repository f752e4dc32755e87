// Segment: what the log keeps in memory of one of its segments.
//
// Invariants: runs [0, file_entries) are in the side file (and in `resident` when that is loaded),
// `tail` holds the closed ones behind them that the side file lacks, `open` the one at the end. Of
// a sealed segment `open` is empty and carries the totals. Threads: the owner's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/types.h"
#include "storage/checkpoint.h"
#include "storage/options.h"
#include "storage/run.h"
#include "storage/segment_index.h"
#include "storage/side_files.h"

namespace penstock::storage {

enum class Runs { kWhole, kWithGaps };

struct Segment {
  Offset base;
  Timestamp created;
  Run open;
  std::vector<Run> tail;
  std::uint32_t file_entries = 0;
  std::optional<std::vector<Run>> resident;

  bool sealed = false;
  bool header_due = false;  // the side file is to be begun anew
  bool seal_due = false;
  // The runs have gaps (damage): such an index is not written over one that may still be better.
  bool index_is_patched = false;
  std::uint64_t index_version = 0;  // counts replacements of the runs

  std::shared_ptr<File> log;    // open handle; a sealed segment's may be dropped
  std::uint64_t allocated = 0;  // space known to be reserved
  std::uint64_t next_allocation = 0;
  std::uint64_t last_use = 0;

  Offset end() const { return base + open.end_delta; }
  std::uint64_t size() const { return open.end_position(); }
  LogPoint point() const { return {base, open, created}; }

  // Where the runs of the side file end.
  const Run& first_beyond_file() const { return tail.empty() ? open : tail.front(); }
  // Number of closed runs that end at or below `position`, counted from the segment's start.
  std::uint32_t runs_below(std::uint64_t position) const;
  bool index_due() const { return !index_is_patched && (header_due || seal_due || !tail.empty()); }

  // What is to be written to the side file so that it holds `runs` runs (and the seal, if all of
  // them and due).
  IndexWrite index_write(const std::string& path, const LogIdentity& identity,
                         std::uint32_t runs) const;
  // That write, which brought the file to `runs` runs, has reached the disk.
  void index_written(std::uint32_t runs, const IndexWrite& write);
  // The side file was found bad: `runs`, made from the log, replace what it should hold.
  void replace_runs(std::vector<Run> runs, Runs kind);

  // Adds the batch that follows; runs close when they have `run_bytes` and where the epoch changes.
  void add(const record::BatchView& batch, Timestamp now, std::uint64_t run_bytes);
  // What is appended next begins a new run.
  void close_run();
  // Closes the run and the segment.
  void seal();
};

}  // namespace penstock::storage
