// The lines of `dump` as JSON, one object a line, for `dump --json`.
//
//   batch offsets=0..9 position=0 codec=lz4 crc=17 control
//   {"type":"batch","first_offset":0,"last_offset":9,"position":0,"codec":"lz4","crc":17,
//    "control":true}
//
// Format: "type" is the line's first word; NAME=VALUE a member, as a number where every reader gets
// the same from its digits and as a string otherwise; a word alone is true. `PROBLEM` and `note:`
// have the rest of their line as "what"; `stopped:` has it as a member of that name. The topic and
// partition that a file names for itself are "file_topic_id" and "file_partition".
#pragma once

#include <string>
#include <string_view>

#include "base/types.h"

namespace penstock::tools {

// `{"topic":...,"partition":...,` and the members of `line`, which dump_log() has made, with `}`.
std::string dump_line_json(std::string_view topic, PartitionId partition, std::string_view line);

}  // namespace penstock::tools
