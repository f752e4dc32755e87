#include "tools/start_spec.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <string>

#include "tools/time_spec.h"

namespace penstock::tools {
namespace {

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Result<StartSpec> parse_start(std::string_view text, Timestamp now) {
  if (text == "beginning") return StartSpec{StartSpec::Kind::kBeginning, 0};
  if (text == "end") return StartSpec{StartSpec::Kind::kEnd, 0};
  if (text.starts_with('@')) {
    PENSTOCK_TRY_ASSIGN(const Timestamp time, parse_time(text.substr(1), now));
    return StartSpec{StartSpec::Kind::kTime, time.ms()};
  }
  const auto number = whole_number(text);
  if (!number || *number == std::numeric_limits<std::int64_t>::min()) {
    return fail(Errc::kInvalidArgument,
                "--from takes beginning, end, an offset, -N (the last N records) or @TIME, not '" +
                    std::string(text) + "'");
  }
  if (*number < 0) return StartSpec{StartSpec::Kind::kLast, -*number};
  return StartSpec{StartSpec::Kind::kOffset, *number};
}

Result<Offset> resolve_start(const StartSpec& start, Offset log_start, Offset high_watermark) {
  switch (start.kind) {
    case StartSpec::Kind::kEnd:
      return high_watermark;
    case StartSpec::Kind::kLast:
      return start.value > high_watermark - log_start ? log_start : high_watermark - start.value;
    case StartSpec::Kind::kOffset:
      if (Offset(start.value) < log_start || Offset(start.value) > high_watermark) {
        return fail(Errc::kOffsetOutOfRange, "offset " + std::to_string(start.value) +
                                                 " is not in the log, which holds " +
                                                 std::to_string(log_start.value()) + " up to " +
                                                 std::to_string(high_watermark.value()));
      }
      return Offset(start.value);
    case StartSpec::Kind::kBeginning:
    case StartSpec::Kind::kTime:
      break;
  }
  return log_start;
}

}  // namespace penstock::tools
