// Where `consume --from` begins: beginning, end, an offset, the last N records, or a time.
//
// Pure. Failure: kInvalidArgument lists the forms.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "base/types.h"

namespace penstock::tools {

struct StartSpec {
  enum class Kind { kBeginning, kEnd, kOffset, kLast, kTime };
  Kind kind = Kind::kBeginning;
  std::int64_t value = 0;  // offset, number of records, or milliseconds since 1970

  friend bool operator==(const StartSpec&, const StartSpec&) = default;
};

// "beginning", "end", "1234", "-10" (the last ten of each partition), "@TIME" (tools/time_spec.h).
Result<StartSpec> parse_start(std::string_view text, Timestamp now);

// First offset to read of a partition that holds [log_start, high_watermark); not for kTime, which
// only the broker can tell. kOffsetOutOfRange names the range: an offset may be the high watermark,
// but not beyond. Worked example: of [100, 150), -10 begins at 140 and -80 at 100.
Result<Offset> resolve_start(const StartSpec& start, Offset log_start, Offset high_watermark);

}  // namespace penstock::tools
