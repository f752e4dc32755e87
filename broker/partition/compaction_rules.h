// When a partition's log is compacted: a pure look at what a pass would gain, and what is promised.
//
// A pass reads the whole log, so it waits until half of the files are new; but nothing waits longer
// than the topic's `max_compaction_lag_ms`, not even in the file that is being written. Tombstones
// whose time is over are worth a pass of their own. Units: bytes; milliseconds by the wall clock.
#pragma once

#include <cstdint>
#include <optional>

#include "base/types.h"
#include "storage/log.h"

namespace penstock::broker {

// What a topic asks of key compaction.
struct CompactionRules {
  std::int64_t min_lag_ms = 0;
  std::optional<std::int64_t> max_lag_ms = std::nullopt;  // none: as long as it takes
  std::int64_t tombstone_delay_ms = 0;
};

// What is there to be compacted.
struct CompactionBacklog {
  std::uint64_t sealed_bytes = 0;  // of whole files, which is what a pass may touch
  std::uint64_t dirty_bytes = 0;   // ... that came since the last pass
  std::uint64_t open_bytes = 0;    // of the file that is being written
  // Since the oldest file that is not compacted was begun; -1: all is compacted.
  std::int64_t oldest_ms = -1;
  std::int64_t open_ms = -1;  // the same of the file that is being written; -1: it is empty
  bool tombstones_are_due = false;

  // Of whole files; 0 when there are none.
  double dirty_share() const;
};

// `settled`: what all members have compacted long enough ago.
CompactionBacklog backlog_of(const storage::Log& log, Offset settled, Timestamp now);

enum class CompactionStep : std::uint8_t {
  kNone,
  kSeal,  // the file that is being written, so that the next pass may touch it
  kPass,
};

CompactionStep next_step(const CompactionRules& rules, const CompactionBacklog& backlog);

}  // namespace penstock::broker
