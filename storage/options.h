// Settings of one log; the broker fills them from a topic's settings.
#pragma once

#include <cstdint>
#include <optional>

#include "base/types.h"

namespace penstock::storage {

struct LogOptions {
  std::uint64_t segment_bytes = 256U << 20;  // roll when the next batch would not fit
  std::int64_t segment_ms =
      7LL * 24 * 3600 * 1000;  // roll when the oldest record is older than this
  std::optional<std::int64_t> retention_ms = 7LL * 24 * 3600 * 1000;  // none: keep for ever
  std::optional<std::uint64_t> retention_bytes;                       // none: no limit
  std::uint32_t index_interval_bytes = 4096;   // one index entry per at least that many bytes
  std::uint64_t checkpoint_bytes = 64U << 20;  // recovery scans at most about this much
  std::int64_t checkpoint_interval_ms = 200;   // dirty longer than this: checkpoint
};

// Whose log it is: written into every side file, so that files of another partition are recognised.
struct LogIdentity {
  TopicPartition partition;
};

}  // namespace penstock::storage
