#include "tools/time_spec.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>

namespace penstock::tools {
namespace {

constexpr std::int64_t kMaxRelativeMs = 100LL * 365 * 24 * 3600 * 1000;
// Fewer digits are seconds or a year far more often than milliseconds of the early seventies.
constexpr std::int64_t kMinEpochMs = 100'000'000'000;

Error no_time(std::string_view text) {
  return {Errc::kInvalidArgument,
          "'" + std::string(text) +
              "' is no time: write 2024-05-01T12:30:00Z, milliseconds since 1970, or -1h (before "
              "now; units ms, s, m, h, d, w)"};
}

std::optional<std::int64_t> whole_number(std::string_view digits) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::optional<std::int64_t> unit_ms(std::string_view unit) {
  if (unit == "ms") return 1;
  if (unit == "s") return 1000;
  if (unit == "m" || unit == "min") return 60'000;
  if (unit == "h") return 3'600'000;
  if (unit == "d") return 24LL * 3'600'000;
  if (unit == "w") return 7LL * 24 * 3'600'000;
  return std::nullopt;
}

// "-1h" without its sign.
std::optional<std::int64_t> parse_duration_ms(std::string_view text) {
  const std::size_t digits = text.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
  const auto count = whole_number(text.substr(0, digits));
  const auto unit = unit_ms(text.substr(digits));
  if (!count || !unit || *count > kMaxRelativeMs / *unit) return std::nullopt;
  return *count * *unit;
}

// Eats the fields of an ISO 8601 time from the front.
class IsoParser {
 public:
  explicit IsoParser(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }
  bool literal(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // Exactly `width` digits in [low, high].
  bool field(std::size_t width, int low, int high, int& out) {
    if (rest_.size() < width) return false;
    const std::string_view digits = rest_.substr(0, width);
    if (digits.find_first_not_of("0123456789") != std::string_view::npos) return false;
    out = static_cast<int>(*whole_number(digits));
    rest_.remove_prefix(width);
    return out >= low && out <= high;
  }
  // Digits behind the point, to milliseconds; further ones are dropped.
  bool fraction(int& ms) {
    std::size_t count = rest_.find_first_not_of("0123456789");
    if (count == std::string_view::npos) count = rest_.size();
    if (count == 0 || count > 9) return false;
    std::string digits(rest_.substr(0, count));
    digits.resize(3, '0');
    ms = static_cast<int>(*whole_number(digits));
    rest_.remove_prefix(count);
    return true;
  }
  // "Z", "+02:00", "-0530" or nothing.
  bool zone(int& minutes) {
    minutes = 0;
    if (done() || literal("Zz")) return done();
    const bool east = rest_.front() == '+';
    int hour = 0;
    int minute = 0;
    if (!literal("+-") || !field(2, 0, 14, hour)) return false;
    literal(":");
    if (!done() && !field(2, 0, 59, minute)) return false;
    minutes = (east ? 1 : -1) * (hour * 60 + minute);
    return done();
  }

 private:
  std::string_view rest_;
};

std::optional<std::int64_t> parse_iso_ms(std::string_view text) {
  IsoParser in(text);
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ms = 0, zone_minutes = 0;
  if (!in.field(4, 1970, 9999, year) || !in.literal("-") || !in.field(2, 1, 12, month) ||
      !in.literal("-") || !in.field(2, 1, 31, day)) {
    return std::nullopt;
  }
  if (in.literal("Tt ")) {
    if (!in.field(2, 0, 23, hour) || !in.literal(":") || !in.field(2, 0, 59, minute)) {
      return std::nullopt;
    }
    if (in.literal(":") && !in.field(2, 0, 59, second)) return std::nullopt;
    if (in.literal(".,") && !in.fraction(ms)) return std::nullopt;
    if (!in.zone(zone_minutes)) return std::nullopt;
  }
  if (!in.done()) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t minutes = (days * 24 + hour) * 60 + minute - zone_minutes;
  return (minutes * 60 + second) * 1000 + ms;
}

}  // namespace

Result<Timestamp> parse_time(std::string_view text, Timestamp now) {
  if (text == "now") return now;
  if (text.starts_with('-')) {
    const auto before = parse_duration_ms(text.substr(1));
    if (!before) return fail(no_time(text));
    return Timestamp(now.ms() - *before);
  }
  if (text.find_first_not_of("0123456789") == std::string_view::npos) {
    const auto ms = whole_number(text);
    if (!ms || (*ms != 0 && *ms < kMinEpochMs)) return fail(no_time(text));
    return Timestamp(*ms);
  }
  const auto ms = parse_iso_ms(text);
  if (!ms) return fail(no_time(text));
  return Timestamp(*ms);
}

std::string format_time(Timestamp time) {
  if (time.ms() < 0) return "-";
  const std::chrono::sys_time<std::chrono::milliseconds> at{std::chrono::milliseconds(time.ms())};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(at - day);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02ld:%02ld:%02ld.%03ldZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(),
                clock.seconds().count(), clock.subseconds().count());
  return text.data();
}

}  // namespace penstock::tools
