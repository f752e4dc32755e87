// Cleaner: what key compaction leaves of batches, in one pass over them. Pure.
//
// A record goes when a later one with its key is known (`latest`), or when it is a tombstone whose
// time is over. Everything else stays where it is: records without a key, records at or behind
// `mapped_end`, control batches, and batches that this version does not understand to the last bit.
// Invariants: what comes out covers the offsets that went in, without a gap; boundaries that are
// left were there before; a batch of which nothing went comes out byte for byte. Batches without
// records are joined, within one leader epoch, unless somebody needs them (`needed`).
// Lifetime: the rules and what they refer to outlive the cleaner; a batch that is handed out lives
// as long as the call. Threads: one. Failure: what the sink returns, and kBatchTooLarge.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "base/result.h"
#include "base/types.h"
#include "protocol/record/batch.h"
#include "protocol/record/record.h"
#include "storage/key_map.h"

namespace penstock::storage {

struct CleanRules {
  // Of every key that was found in [clean end, mapped_end): its last offset there. Below the clean
  // end no key is left twice.
  const KeyMap& latest;
  Offset mapped_end;
  // Tombstones below it go. Precondition: nothing older with their keys is left on any replica, and
  // everybody had the time to read them (docs/decisions/0009-key-compaction.md).
  Offset tombstones_below;
  // Ascending. A batch that holds one of these offsets keeps its header, and with it producer,
  // epoch and sequence, even when all its records go.
  std::span<const Offset> needed;
  // Batches are not joined across it: a log begins where a batch does.
  Offset log_start;
};

struct CleanCounts {
  std::uint64_t records = 0;  // seen, of batches that may be changed
  std::uint64_t superseded = 0;
  std::uint64_t tombstones = 0;  // that went because their time was over
  std::uint64_t unreadable = 0;  // batches that stayed because their records make no sense
  // Batches that came out otherwise than they went in.
  std::uint64_t changes = 0;
};

class Cleaner {
 public:
  using Sink = std::function<Status(const record::BatchView&)>;

  Cleaner(const CleanRules& rules, Sink sink);

  // The batch that follows. Its checksum has been checked.
  Status add(const record::BatchView& batch);
  // Nothing follows that could be joined.
  Status finish();

  // Counts a change before the batch that shows it is handed out.
  const CleanCounts& counts() const { return counts_; }

 private:
  struct Bare {  // offsets without records, not handed out yet
    Offset begin;
    Offset end;
    Term epoch;
  };
  struct Left;  // what is left of a batch

  bool is_needed(const record::BatchView& batch);
  bool stays(const record::RecordView& record);
  std::optional<Left> what_is_left(const record::BatchView& batch);
  Status take_empty(const record::BatchView& batch);
  Status join(const record::BatchView& batch);
  Status hand_out(const record::BatchView& batch);

  const CleanRules& rules_;
  Sink sink_;
  std::size_t next_needed_ = 0;
  std::optional<Bare> bare_;
  CleanCounts counts_;
};

}  // namespace penstock::storage
