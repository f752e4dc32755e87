#include "broker/controller/setting_value.h"

#include <array>
#include <charconv>
#include <span>

namespace penstock::broker {
namespace {

struct Unit {
  std::string_view suffix;
  std::int64_t factor;
};

// Largest first: formatting takes the first one that divides.
constexpr std::array kSizes = {Unit{"GiB", 1LL << 30}, Unit{"MiB", 1LL << 20},
                               Unit{"KiB", 1LL << 10}, Unit{"B", 1}};
constexpr std::array kDurations = {Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000},
                                   Unit{"s", 1'000}, Unit{"ms", 1}};

Result<std::int64_t> parse(std::string_view text, std::span<const Unit> units,
                           std::string_view understood) {
  if (text == "unlimited") return kUnlimited;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view suffix(end, static_cast<std::size_t>(text.data() + text.size() - end));
  std::int64_t product = number;
  bool known = suffix.empty();
  for (const Unit& unit : units) {
    if (suffix != unit.suffix) continue;
    known = !__builtin_mul_overflow(number, unit.factor, &product);
  }
  if (error != std::errc{} || !known) {
    return fail(Errc::kInvalidSetting,
                "'" + std::string(text) + "' is not a number" + std::string(understood));
  }
  return product;
}

std::string format(std::int64_t number, std::span<const Unit> units) {
  if (number == kUnlimited) return "unlimited";
  for (const Unit& unit : units) {
    if (number != 0 && number % unit.factor == 0) {
      return std::to_string(number / unit.factor) + std::string(unit.suffix);
    }
  }
  return std::to_string(number);
}

}  // namespace

Result<std::int64_t> parse_size(std::string_view text) {
  return parse(text, kSizes, " of bytes, or one with B, KiB, MiB or GiB");
}

Result<std::int64_t> parse_duration_ms(std::string_view text) {
  return parse(text, kDurations, " of milliseconds, or one with ms, s, m, h or d");
}

std::string format_size(std::int64_t bytes) { return format(bytes, kSizes); }
std::string format_duration_ms(std::int64_t ms) { return format(ms, kDurations); }

}  // namespace penstock::broker
