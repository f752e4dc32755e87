// CompactedSegment: a segment that is written beside those which it is to replace, and how the
// change is carried out, undone or finished after a crash.
//
// Format: `<base>.log.compacted` and `<base>.idx.compacted`, in the folder of the log.
// Invariants: the side file appears only when the log file is durable under its name, and goes
// first when both are given up. So what a crash leaves tells what is to be done: a log file is
// given up; a side file alone says that the log file has taken the place of the old one, and that
// the rest is to follow. docs/storage_format.md, "Compaction".
// Threads: one at a time, any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/types.h"
#include "protocol/record/batch.h"
#include "storage/options.h"
#include "storage/segment.h"

namespace penstock::storage {

class CompactedSegment {
 public:
  CompactedSegment(Env& env, std::string dir, LogIdentity identity, Offset base, Timestamp created,
                   std::uint64_t run_bytes);

  // Nothing is written before that: what was added until then is the first part of `source`, byte
  // for byte, and is copied from there.
  Status begin(const File& source);
  bool begun() const { return file_ != nullptr; }

  // The batch that follows; it came into the log at `appended`.
  Status add(const record::BatchView& batch, Timestamp appended);
  // Returned means that both files are durable. Precondition: begun, and not empty.
  Status finish();

  // What the log needs to know of it; after finish().
  Segment segment() const;
  std::uint64_t size() const { return segment_.size(); }
  // A write or a sync failed otherwise than for want of space.
  bool write_failed() const { return write_failed_; }

 private:
  Status create();
  Status write_out();
  Status write_index();
  Status note(Status status);

  Env& env_;
  const std::string dir_;
  const LogIdentity identity_;
  const std::uint64_t run_bytes_;
  Segment segment_;
  std::unique_ptr<File> file_;
  Bytes buffer_;
  std::uint64_t written_ = 0;
  bool write_failed_ = false;
};

// Removes both files, if they are there.
Status give_up_compacted(Env& env, const std::string& dir, Offset base);

// The commit: afterwards, and after any crash, the new segment is in force. Not durable.
Status replace_log_file(Env& env, const std::string& dir, Offset base);
// What follows: the segments at `merged` go, the side file takes its place. Durable when it
// returns; may be called again.
Status finish_replacing(Env& env, const std::string& dir, Offset base,
                        const std::vector<Offset>& merged);

// Before anything else is read of a folder: finishes what was committed, gives up the rest.
Status settle_compaction(Env& env, const std::string& dir, std::vector<std::string>& notes);

}  // namespace penstock::storage
