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

std::string segment_file_name(Offset base, SegmentFile kind);

struct SegmentName {
  Offset base;
  SegmentFile kind;
};

// None for every other name.
std::optional<SegmentName> parse_segment_name(std::string_view name);

}  // namespace penstock::storage
