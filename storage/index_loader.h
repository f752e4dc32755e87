// Loads the runs of a segment from its side file, or makes them anew from the log when the side
// file cannot be believed.
//
// Invariants: what is returned covers the wanted part of the segment, except for the gaps it names.
// Threads: any. Failure: only a failing disk is an error.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "storage/options.h"
#include "storage/run.h"
#include "storage/scan.h"

namespace penstock::storage {

struct IndexSource {
  Env* env = nullptr;
  std::string path;
  std::shared_ptr<File> log;
  LogIdentity identity;
  Offset base;
  // What the side file should cover: [0, end_position) and [0, end_delta).
  std::uint32_t end_position = 0;
  std::uint32_t end_delta = 0;
  std::uint64_t run_bytes = 0;
  Timestamp now;
};

struct LoadedIndex {
  std::vector<Run> runs;
  bool rebuilt = false;
  std::vector<RebuiltRuns::Gap> gaps;
};

Result<LoadedIndex> load_index(const IndexSource& source);

}  // namespace penstock::storage
