// Numbers of settings as people write them: "8MiB", "7d", "unlimited", and back.
//
// Units: a size is bytes, or a number with B, KiB, MiB, GiB; a duration is milliseconds, or a
// number with ms, s, m, h, d. Failure: kInvalidSetting says what is understood.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace penstock::broker {

enum class SettingType : std::uint8_t { kSize, kDuration, kChoice };

// Stands for "no limit" in the settings that allow it; written "unlimited" or "-1".
inline constexpr std::int64_t kUnlimited = -1;

Result<std::int64_t> parse_size(std::string_view text);
Result<std::int64_t> parse_duration_ms(std::string_view text);

// The largest unit that divides the number: 1048576 is "1MiB", 90000 is "90s".
std::string format_size(std::int64_t bytes);
std::string format_duration_ms(std::int64_t ms);

}  // namespace penstock::broker
