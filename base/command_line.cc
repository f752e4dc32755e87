#include "base/command_line.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <type_traits>

#include "base/nearest.h"

namespace penstock {
namespace {

constexpr std::size_t kTextWidth = 100;

// A word that stands for a flag.
struct FlagWord {
  std::string_view name;
  std::optional<std::string_view> value;
};

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

FlagWord split(std::string_view word) {
  word.remove_prefix(word.starts_with("--") ? 2 : 1);
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos) return {word, std::nullopt};
  return {word.substr(0, equals), word.substr(equals + 1)};
}

const ProgramFlag* find_flag(const Program& program, std::string_view name) {
  const auto found = std::ranges::find(program.flags, name, &ProgramFlag::name);
  return found == program.flags.end() ? nullptr : &*found;
}

bool is_negated_switch(const Program& program, const FlagWord& word) {
  if (!word.name.starts_with("no") || word.value) return false;
  const ProgramFlag* flag = find_flag(program, word.name.substr(2));
  return flag != nullptr && flag->type == FlagType::kSwitch;
}

template <typename Rows>
std::vector<std::string> names_of(const Rows& rows) {
  std::vector<std::string> names;
  for (const auto& row : rows) names.emplace_back(row.name);
  return names;
}

Error unknown_flag(const Program& program, std::string_view name) {
  std::string message = "unknown flag --" + std::string(name);
  if (const auto close = nearest(name, names_of(program.flags))) {
    message += "; did you mean --" + *close + "?";
  }
  return {Errc::kInvalidArgument, message};
}

// Whether `text` is one such number and nothing else.
template <typename Number>
bool is_all(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  if constexpr (std::is_floating_point_v<Number>) return std::isfinite(number);
  return true;
}

// What a flag of that type takes; none when `value` is that.
std::optional<std::string> wanted_instead(FlagType type, std::string_view value) {
  constexpr auto kSwitchValues = std::to_array<std::string_view>({"true", "false", "1", "0"});
  switch (type) {
    case FlagType::kText:
      return std::nullopt;
    case FlagType::kUint32:
      if (is_all<std::uint32_t>(value)) return std::nullopt;
      return "a whole number from 0 to " + std::to_string(UINT32_MAX);
    case FlagType::kUint64:
      if (is_all<std::uint64_t>(value)) return std::nullopt;
      return "a whole number from 0 on";
    case FlagType::kNumber:
      if (is_all<double>(value)) return std::nullopt;
      return "a number";
    case FlagType::kSwitch:
      if (std::ranges::find(kSwitchValues, value) != kSwitchValues.end()) return std::nullopt;
      return "true or false";
  }
  std::unreachable();
}

// Checks the flag at the front of `words`; how many of them it takes.
Result<std::size_t> check_flag(const Program& program, std::span<const std::string_view> words) {
  FlagWord word = split(words[0]);
  const std::string shown = "--" + std::string(word.name);
  const ProgramFlag* flag = find_flag(program, word.name);
  if (flag == nullptr) {
    if (is_negated_switch(program, word)) return 1U;
    return fail(unknown_flag(program, word.name));
  }
  if (flag->type == FlagType::kSwitch && !word.value) return 1U;
  std::size_t taken = 1;
  if (!word.value) {
    if (words.size() < 2 || words[1].starts_with("--")) {
      return fail(Errc::kInvalidArgument,
                  shown + " needs a value: " + shown + "=" + std::string(flag->value));
    }
    word.value = words[1];
    taken = 2;
  }
  if (const auto wanted = wanted_instead(flag->type, *word.value)) {
    return fail(Errc::kInvalidArgument,
                shown + " takes " + *wanted + ", not " + quoted(*word.value));
  }
  return taken;
}

Status take_operand(const Program& program, std::string_view word, Invocation& invocation) {
  if (program.commands.empty()) {
    return fail(Errc::kInvalidArgument, quoted(word) + " is no flag, and no other words are taken");
  }
  if (!invocation.command.empty()) {
    return fail(Errc::kInvalidArgument,
                quoted(word) + " is one word too many behind " + quoted(invocation.command));
  }
  const std::vector<std::string> names = names_of(program.commands);
  if (std::ranges::find(names, word) == names.end()) {
    const auto close = nearest(word, names);
    return fail(Errc::kInvalidArgument,
                "unknown command " + quoted(word) +
                    (close ? "; did you mean " + quoted(*close) + "?" : ""));
  }
  invocation.command = std::string(word);
  return {};
}

Invocation::Ask asked(std::span<const std::string_view> words) {
  using Ask = Invocation::Ask;
  const auto has = [&](std::string_view word) {
    return std::ranges::find(words, word) != words.end();
  };
  if (has("--help") || has("-help") || has("-h")) return Ask::kHelp;
  if (has("--version") || has("-version")) return Ask::kVersion;
  if (!words.empty() && words[0] == "help") return Ask::kHelp;
  return Ask::kRun;
}

std::string flag_form(const ProgramFlag& flag) {
  std::string form = "--" + std::string(flag.name);
  if (flag.type != FlagType::kSwitch) form += "=" + std::string(flag.value);
  return form;
}

std::string flag_text(const ProgramFlag& flag) {
  const std::string_view before = flag.default_text == "required" ? "" : "default ";
  return std::string(flag.meaning) + " (" + std::string(before) + std::string(flag.default_text) +
         ")";
}

}  // namespace

Result<Invocation> read_command_line(const Program& program,
                                     std::span<const std::string_view> words) {
  Invocation invocation{.ask = asked(words)};
  if (invocation.ask != Invocation::Ask::kRun) return invocation;
  while (!words.empty()) {
    std::size_t taken = 1;
    const bool is_flag = words[0].size() > 1 && words[0].starts_with('-') && words[0] != "--";
    if (is_flag) {
      PENSTOCK_TRY_ASSIGN(taken, check_flag(program, words));
    } else {
      PENSTOCK_TRY(take_operand(program, words[0], invocation));
    }
    words = words.subspan(taken);
  }
  if (!program.commands.empty() && invocation.command.empty()) {
    return fail(Errc::kInvalidArgument,
                "a command is missing; usage: " + std::string(program.name) + " " +
                    std::string(program.usage));
  }
  return invocation;
}

std::string two_columns(const std::vector<std::pair<std::string, std::string>>& rows) {
  std::size_t left = 0;
  for (const auto& [name, text] : rows) left = std::max(left, name.size());
  std::string out;
  for (const auto& [name, text] : rows) {
    std::string line = "  " + name + std::string(left - name.size(), ' ') + " ";
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find(' ', at), text.size());
      if (line.size() + 1 + end - at > kTextWidth) {
        out += line + "\n";
        line = std::string(left + 3, ' ');
      }
      line += " " + text.substr(at, end - at);
      at = end + 1;
    }
    out += line + "\n";
  }
  return out;
}

std::string help_text(const Program& program) {
  using Rows = std::vector<std::pair<std::string, std::string>>;
  std::string text = std::string(program.name) + ": " + std::string(program.summary) +
                     "\n\nusage: " + std::string(program.name) + " " + std::string(program.usage) +
                     "\n\n";
  Rows commands;
  for (const ProgramCommand& command : program.commands) {
    commands.emplace_back(command.name, command.meaning);
  }
  if (!commands.empty()) text += "Commands\n" + two_columns(commands) + "\n";
  Rows flags;
  for (const ProgramFlag& flag : program.flags)
    flags.emplace_back(flag_form(flag), flag_text(flag));
  flags.emplace_back("--help, --version", "Say this, or which build it is.");
  Rows exits;
  for (const ProgramExit& exit : program.exits) {
    exits.emplace_back(std::to_string(exit.code), exit.meaning.substr(0, exit.meaning.find(';')));
  }
  return text + "Flags\n" + two_columns(flags) + "\nExit codes\n" + two_columns(exits);
}

std::string usage_failure(const Program& program, const Error& error) {
  const std::string name(program.name);
  const std::string see = error.message().ends_with('?') ? " See " : "; see ";
  return name + ": " + error.message() + see + name + " --help\n";
}

std::expected<std::string, int> command_or_exit(const Program& program, int argc,
                                                const char* const* argv, std::ostream& out,
                                                std::ostream& err) {
  const std::vector<std::string_view> words(argv + std::min(argc, 1), argv + argc);
  auto invocation = read_command_line(program, words);
  if (!invocation) {
    err << usage_failure(program, invocation.error()) << std::flush;
    return std::unexpected(kExitUsage);
  }
  switch (invocation->ask) {
    case Invocation::Ask::kRun:
      return std::move(invocation->command);
    case Invocation::Ask::kHelp:
      out << help_text(program) << std::flush;
      return std::unexpected(0);
    case Invocation::Ask::kVersion:
      out << program.name << " " << program.version << "\n" << std::flush;
      return std::unexpected(0);
  }
  std::unreachable();
}

}  // namespace penstock
