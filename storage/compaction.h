// A pass of key compaction as its caller sees it: what it may do, and the ticket that does it.
//
// A pass reads what was appended since the last one and remembers the last offset of each key; then
// it writes the segments from the log's start again without what is superseded, and puts each new
// one in the place of its old ones. It moves in pieces: Log::begin_compaction(), then
// CompactionTicket::run() on any thread and Log::complete_compaction() on the owner's, again and
// again until that says so. docs/decisions/0009-key-compaction.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "storage/limits.h"

namespace penstock::storage {

struct CompactionRequest {
  // Nothing at or behind it is touched. Precondition: everything below is committed, and whatever
  // is made of the log (a machine's state, the table of producers) has a snapshot at or behind it,
  // or can be made of a compacted log.
  Offset limit;
  // Of the tombstones whose delay is over here, those below it may go. Precondition: every replica
  // has compacted everything below it at least `tombstone_delay_ms` ago (Log::settled_end). With
  // one replica: kNoLimit.
  Offset tombstones_below;
  // Ascending: batches with these offsets keep their headers (each producer's last batch).
  std::vector<Offset> needed;
  std::int64_t min_lag_ms = 0;  // segments that were appended to since are left alone
  std::int64_t tombstone_delay_ms = 24LL * 3600 * 1000;
  std::size_t map_bytes = kCompactionMapBytes;
  std::uint64_t piece_bytes = kCompactionPieceBytes;
  std::uint64_t hash_seed = 0;  // another one for each pass (key_map.h)
};

struct CompactionFigures {
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t bytes_freed = 0;
  std::uint64_t records_superseded = 0;
  std::uint64_t tombstones_removed = 0;
  std::uint64_t unreadable_batches = 0;  // left as they are: nobody knows their keys
  std::uint64_t segments_replaced = 0;
};

class CompactionTicket {
 public:
  // Moves about `piece_bytes`. Blocking; one call at a time.
  Status run() const;
  // Read and written by the last run(): what a throttle counts.
  std::uint64_t moved_bytes() const;
  const CompactionFigures& figures() const;

 private:
  friend class Log;
  std::shared_ptr<class CompactionPass> pass_;
};

enum class CompactionProgress {
  kMore,   // run() again
  kDone,   // the pass is over
  kStale,  // given up: the log was cut or changed under it. Begin anew.
};

}  // namespace penstock::storage
