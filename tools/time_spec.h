// Points in time as people type them.
//
//   2024-05-01            midnight UTC
//   2024-05-01T12:30      also with :SS, .mmm, a blank instead of T; UTC unless Z or +02:00 follows
//   1714566600000         milliseconds since 1970 (shorter numbers, seconds or a year, are refused)
//   -90s -15m -1h -2d -1w -500ms   before now
//   now
// Pure: "now" comes in. Failure: kInvalidArgument lists the forms.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/types.h"

namespace penstock::tools {

Result<Timestamp> parse_time(std::string_view text, Timestamp now);

// "2024-05-01T12:30:00.000Z"; "-" for a negative timestamp (none).
std::string format_time(Timestamp time);

}  // namespace penstock::tools
