#include "tools/dispatch.h"

#include <algorithm>
#include <vector>

#include "base/nearest.h"
#include "tools/command_help.h"
#include "tools/report.h"

namespace penstock::tools {
namespace {

using Words = std::vector<std::string>;

struct Found {
  const Command* command = nullptr;
  std::string group;      // set when the words name a group of commands only
  std::size_t words = 0;  // that the name takes
};

Found find_command(std::span<const std::string> words, std::span<const Command> commands) {
  Found found;
  if (words.empty()) return found;
  for (const Command& command : commands) {
    if (command.name == words[0]) return {&command, {}, 1};
    if (words.size() > 1 && command.name == words[0] + " " + words[1]) return {&command, {}, 2};
    if (command.name.starts_with(words[0] + " ")) found.group = words[0];
  }
  return found;
}

std::vector<std::string> names_of(std::span<const Command> commands, const std::string& group) {
  std::vector<std::string> names;
  for (const Command& command : commands) {
    const std::size_t blank = command.name.find(' ');
    if (group.empty()) {
      names.push_back(command.name.substr(0, blank));
    } else if (command.name.starts_with(group + " ")) {
      names.push_back(command.name.substr(blank + 1));
    }
  }
  return names;
}

Error unknown_command(std::span<const std::string> words, const Found& found,
                      std::span<const Command> commands) {
  const std::string& word = found.group.empty() ? words[0] : words[1];
  const std::string prefix = found.group.empty() ? "" : found.group + " ";
  std::string message = "unknown command '" + prefix + word + "'";
  if (const auto close = nearest(word, names_of(commands, found.group))) {
    message += "; did you mean '" + prefix + *close + "'?";
  }
  return {Errc::kInvalidArgument, message};
}

std::vector<FlagSpec> all_flags(std::span<const Command> commands) {
  std::vector<FlagSpec> flags;
  for (const Command& command : commands) {
    flags.insert(flags.end(), command.flags.begin(), command.flags.end());
  }
  return flags;
}

Status check_operands(const Command& command, const Arguments& arguments) {
  const std::size_t count = arguments.operands().size();
  if (count < command.min_operands) {
    return fail(Errc::kInvalidArgument, command.name + " needs " + command.operands);
  }
  if (count > command.max_operands) {
    return fail(Errc::kInvalidArgument, command.name + ": '" +
                                            arguments.operands()[command.max_operands] +
                                            "' is one operand too many");
  }
  return {};
}

bool asks_for_help(std::span<const std::string> words) {
  for (const std::string& word : words) {
    if (word == "--") return false;
    if (word == "--help" || word == "-h") return true;
  }
  return false;
}

ExitCode report(const Error& error, const std::string& then, std::ostream& err) {
  err << failure_text(error);
  if (error.code() == Errc::kInvalidArgument) err << then << "\n";
  return exit_code(error.code());
}

ExitCode run(const Command& command, std::span<const std::string> words,
             std::span<const Command> commands, std::ostream& err) {
  const std::vector<FlagSpec> known = all_flags(commands);
  const std::string see = usage_line(command) + "\nsee: penstock help " + command.name;
  const auto arguments = parse_arguments(words, command.flags, known);
  if (!arguments) return report(arguments.error(), see, err);
  if (const Status checked = check_operands(command, *arguments); !checked) {
    return report(checked.error(), see, err);
  }
  const auto code = command.run(*arguments);
  return code ? *code : report(code.error(), "see: penstock help " + command.name, err);
}

}  // namespace

ExitCode dispatch(std::span<const std::string> words, std::span<const Command> commands,
                  std::ostream& out, std::ostream& err) {
  // Flags that stand before the command belong to it all the same.
  const std::size_t leading = leading_flags(words, all_flags(commands));
  Words rest(words.begin() + static_cast<std::ptrdiff_t>(leading), words.end());
  const Words before(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(leading));
  bool help = asks_for_help(before) || asks_for_help(rest);
  if (std::ranges::find(before, "--version") != before.end() ||
      (!rest.empty() && rest[0] == "version")) {
    out << "penstock " << PENSTOCK_VERSION << "\n";
    return ExitCode::kOk;
  }
  if (!rest.empty() && rest[0] == "help") {
    rest.erase(rest.begin());
    help = true;
  }
  if (rest.empty()) {
    (help ? out : err) << overview(commands);
    return help ? ExitCode::kOk : ExitCode::kUsage;
  }
  const Found found = find_command(rest, commands);
  if (found.command == nullptr) {
    const bool group_alone = !found.group.empty() && (rest.size() == 1 || rest[1].starts_with('-'));
    if (group_alone) {
      (help ? out : err) << group_help(commands, found.group);
      return help ? ExitCode::kOk : ExitCode::kUsage;
    }
    return report(unknown_command(rest, found, commands), "see: penstock help", err);
  }
  if (help) {
    out << command_help(*found.command);
    return ExitCode::kOk;
  }
  rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(found.words));
  rest.insert(rest.begin(), before.begin(), before.end());
  return run(*found.command, rest, commands, err);
}

}  // namespace penstock::tools
