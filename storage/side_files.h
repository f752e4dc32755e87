// SideFiles: writes the index files and the checkpoint of one log, in the order that makes the
// checkpoint true.
//
// Invariants: index files are synced before the checkpoint that vouches for them is written; the
// slot that holds the newest valid checkpoint is never the one being written. Threads: any; writes
// exclude each other. A write that was prepared before the log was cut (see supersede()) does
// nothing. Failure: when the disk is too full for index entries, the checkpoint is written all the
// same (its space is reserved) and says so; after kFsyncFailed and kIoError the owner fences the
// log.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "storage/checkpoint.h"
#include "storage/segment_index.h"

namespace penstock::storage {

// Entries for the end of one side file.
struct IndexWrite {
  std::string path;
  IndexHeaderBytes header{};
  bool write_header = false;      // the file is begun anew
  std::uint64_t first_entry = 0;  // number of the first of `entries`
  Bytes entries;                  // encoded
  bool ends_file = false;         // a seal is the last one: nothing may follow
};

enum class Stored {
  kAll,
  kWithoutIndexes,  // no room: the indexes are made anew from the log if the process ends now
  kNothing,         // superseded
};

class SideFiles {
 public:
  SideFiles(Env& env, std::string dir);

  // Takes over what recovery found: the slot of the newest checkpoint.
  void resume(std::uint64_t newest_sequence, std::size_t newest_slot);

  std::uint64_t generation() const { return generation_.load(); }
  // From now on, work prepared with an older generation does nothing. Waits for work under way.
  void supersede();

  // Writes and syncs `indexes`, then `checkpoint` under the next sequence number. Blocking.
  // `entries_on_disk` replaces index_entries when there was no room for `indexes`.
  Result<Stored> store(std::uint64_t generation, const std::vector<IndexWrite>& indexes,
                       Checkpoint checkpoint, std::uint32_t entries_on_disk);

 private:
  Status write_index(const IndexWrite& write);
  Status write_slot(const Checkpoint& checkpoint);
  Status open_checkpoint_file();

  Env& env_;
  const std::string dir_;
  std::atomic<std::uint64_t> generation_{0};

  std::mutex mutex_;  // protects what follows, and the files
  std::uint64_t sequence_ = 0;
  std::size_t next_slot_ = 0;
  std::unique_ptr<File> checkpoint_file_;
};

}  // namespace penstock::storage
