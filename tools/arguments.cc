#include "tools/arguments.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <ranges>

#include "base/assert.h"
#include "base/nearest.h"

namespace penstock::tools {
namespace {

// A word of the command line that stands for a flag.
struct FlagWord {
  std::string shown;  // as the user wrote it, without the value
  std::string name;   // canonical; one letter for the short form
  std::optional<std::string> value;
};

bool is_flag_word(std::string_view word) {
  if (word.size() < 2 || word[0] != '-') return false;
  return word[1] == '-' || std::isalpha(static_cast<unsigned char>(word[1])) != 0;
}

FlagWord split_flag_word(std::string_view word) {
  FlagWord flag;
  const std::size_t equals = word.find('=');
  flag.shown = std::string(word.substr(0, equals));
  flag.name = flag.shown.substr(flag.shown.starts_with("--") ? 2 : 1);
  std::ranges::replace(flag.name, '-', '_');
  if (equals != std::string_view::npos) flag.value = std::string(word.substr(equals + 1));
  return flag;
}

const FlagSpec* find_flag(std::span<const FlagSpec> specs, const FlagWord& flag) {
  const bool is_letter = flag.name.size() == 1 && !flag.shown.starts_with("--");
  for (const FlagSpec& spec : specs) {
    if (is_letter ? spec.letter == flag.name[0] : spec.name == flag.name) return &spec;
  }
  return nullptr;
}

// The switch that --noNAME turns off.
const FlagSpec* find_negated(std::span<const FlagSpec> specs, const FlagWord& flag) {
  if (!flag.shown.starts_with("--no") || flag.value) return nullptr;
  FlagWord positive = flag;
  positive.name = flag.name.substr(2);
  const FlagSpec* spec = find_flag(specs, positive);
  return spec != nullptr && spec->kind == FlagKind::kSwitch ? spec : nullptr;
}

Error unknown_flag(const FlagWord& flag, std::span<const FlagSpec> accepted,
                   std::span<const FlagSpec> known) {
  const std::string what = "unknown flag " + flag.shown;
  if (find_flag(known, flag) != nullptr) {
    return {Errc::kInvalidArgument, what + ": another command has it, this one does not"};
  }
  std::vector<std::string> names;
  for (const FlagSpec& spec : accepted) names.push_back(spec.name);
  if (const auto close = nearest(flag.name, names)) {
    return {Errc::kInvalidArgument, what + ": did you mean --" + *close + "?"};
  }
  return {Errc::kInvalidArgument, what};
}

Result<std::string> switch_value(const FlagWord& flag) {
  if (!flag.value || *flag.value == "true" || *flag.value == "1") return "true";
  if (*flag.value == "false" || *flag.value == "0") return "false";
  return fail(
      Errc::kInvalidArgument,
      "flag " + flag.shown + " is a switch: it takes true or false, not '" + *flag.value + "'");
}

}  // namespace

std::string Arguments::text(std::string_view flag) const {
  for (const auto& [name, value] : std::views::reverse(given_)) {
    if (name == flag) return value;
  }
  const auto found = std::ranges::find(defaults_, flag, [](const auto& d) { return d.first; });
  PENSTOCK_ASSERT(found != defaults_.end(), "a command reads only flags that its table lists");
  return found->second;
}

Result<std::int64_t> Arguments::integer(std::string_view flag, std::int64_t low,
                                        std::int64_t high) const {
  const std::string given = text(flag);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), value);
  if (error == std::errc() && end == given.data() + given.size() && value >= low && value <= high) {
    return value;
  }
  std::string range = "a whole number";
  if (high != std::numeric_limits<std::int64_t>::max()) {
    range += " from " + std::to_string(low) + " to " + std::to_string(high);
  } else if (low != std::numeric_limits<std::int64_t>::min()) {
    range += " of at least " + std::to_string(low);
  }
  return fail(Errc::kInvalidArgument,
              "flag --" + std::string(flag) + " takes " + range + ", not '" + given + "'");
}

Result<double> Arguments::number(std::string_view flag, double low, double high) const {
  const std::string given = text(flag);
  double value = 0;
  const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), value);
  if (error == std::errc() && end == given.data() + given.size() && value >= low && value <= high) {
    return value;
  }
  return fail(Errc::kInvalidArgument,
              "flag --" + std::string(flag) + " takes a number, not '" + given + "'");
}

std::vector<std::string> Arguments::all(std::string_view flag) const {
  std::vector<std::string> values;
  for (const auto& [name, value] : given_) {
    if (name == flag) values.push_back(value);
  }
  return values;
}

bool Arguments::given(std::string_view flag) const {
  return std::ranges::any_of(given_, [&](const auto& given) { return given.first == flag; });
}

Result<Arguments> parse_arguments(std::span<const std::string> words,
                                  std::span<const FlagSpec> accepted,
                                  std::span<const FlagSpec> known) {
  Arguments out;
  for (const FlagSpec& spec : accepted) {
    const bool is_off = spec.kind == FlagKind::kSwitch && spec.default_value.empty();
    out.defaults_.emplace_back(spec.name, is_off ? "false" : spec.default_value);
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--") {
      out.operands_.insert(out.operands_.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                           words.end());
      break;
    }
    if (!is_flag_word(words[i])) {
      out.operands_.push_back(words[i]);
      continue;
    }
    const FlagWord flag = split_flag_word(words[i]);
    const FlagSpec* spec = find_flag(accepted, flag);
    if (spec == nullptr) {
      const FlagSpec* negated = find_negated(accepted, flag);
      if (negated == nullptr) return fail(unknown_flag(flag, accepted, known));
      out.given_.emplace_back(negated->name, "false");
      continue;
    }
    if (spec->kind == FlagKind::kSwitch) {
      PENSTOCK_TRY_ASSIGN(std::string value, switch_value(flag));
      out.given_.emplace_back(spec->name, std::move(value));
    } else if (flag.value) {
      out.given_.emplace_back(spec->name, *flag.value);
    } else if (i + 1 < words.size() && !words[i + 1].starts_with("--")) {
      out.given_.emplace_back(spec->name, words[++i]);
    } else {
      return fail(Errc::kInvalidArgument,
                  "flag " + flag.shown + " needs a value: --" + spec->name + "=VALUE");
    }
  }
  return out;
}

std::size_t leading_flags(std::span<const std::string> words, std::span<const FlagSpec> known) {
  std::size_t i = 0;
  while (i < words.size() && is_flag_word(words[i]) && words[i] != "--") {
    const FlagWord flag = split_flag_word(words[i]);
    const FlagSpec* spec = find_flag(known, flag);
    const bool takes_next = spec != nullptr && spec->kind != FlagKind::kSwitch && !flag.value;
    i += takes_next ? 2 : 1;
  }
  return std::min(i, words.size());
}

}  // namespace penstock::tools
