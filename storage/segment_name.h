// Names of the files of one log folder.
//
// Format: `<base offset, 20 decimal digits>.log` and `.idx`, and `checkpoint`; so that a sorted
// listing is the order of the log.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/types.h"

namespace penstock::storage {

enum class SegmentFile { kLog, kIndex };

inline constexpr std::string_view kCheckpointName = "checkpoint";
// What the owner of a replicated log keeps beside it (docs/storage_format.md, "Replica state"); the
// log itself neither reads nor writes it.
inline constexpr std::string_view kReplicaStateName = "replica.state";
// The same ("Known producers").
inline constexpr std::string_view kProducersName = "replica.producers";

std::string segment_file_name(Offset base, SegmentFile kind);

struct SegmentName {
  Offset base;
  SegmentFile kind;
};

// What key compaction writes beside the segment that it replaces (compacted_segment.h).
inline constexpr std::string_view kCompactedSuffix = ".compacted";
// The name without the suffix; none for every other name.
std::optional<SegmentName> parse_compacted_name(std::string_view name);

// A file that belongs into the folder of a log but is no part of a segment, or a temporary one that
// a crash left of it.
bool is_beside_segments(std::string_view name);

// None for every other name.
std::optional<SegmentName> parse_segment_name(std::string_view name);

}  // namespace penstock::storage
