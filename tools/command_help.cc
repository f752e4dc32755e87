#include "tools/command_help.h"

#include <utility>
#include <vector>

#include "base/command_line.h"

namespace penstock::tools {
namespace {

constexpr std::string_view kExitCodes =
    "Exit codes: 0 done; 1 the operation failed or a difference was found; 2 the command line is\n"
    "wrong; 3 no broker can be reached; 130 interrupted.\n";

std::string flag_form(const FlagSpec& flag) {
  std::string form = flag.letter == 0 ? "" : "-" + std::string(1, flag.letter) + ", ";
  form += "--" + flag.name;
  if (flag.kind != FlagKind::kSwitch) form += "=" + flag.value;
  return form;
}

std::string flag_text(const FlagSpec& flag) {
  std::string text = flag.meaning;
  if (!flag.default_value.empty()) text += " (default " + flag.default_value + ")";
  if (!flag.environment.empty()) text += " [$" + flag.environment + "]";
  return text;
}

std::string summaries(std::span<const Command> commands, std::string_view group) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Command& command : commands) {
    if (!group.empty() && !command.name.starts_with(std::string(group) + " ")) continue;
    rows.emplace_back(command.name, command.summary);
  }
  return two_columns(rows);
}

}  // namespace

std::string usage_line(const Command& command) {
  return "usage: penstock " + command.name + (command.operands.empty() ? "" : " ") +
         command.operands + (command.flags.empty() ? "" : " [flags]");
}

std::string overview(std::span<const Command> commands) {
  return "penstock: event logs on this machine and others\n\nusage: penstock COMMAND [...]\n\n" +
         summaries(commands, "") +
         "\n  penstock help COMMAND    flags and examples of a command\n"
         "  penstock --version       version of this build\n\n" +
         std::string(kExitCodes);
}

std::string group_help(std::span<const Command> commands, std::string_view group) {
  return "usage: penstock " + std::string(group) + " COMMAND [...]\n\n" +
         summaries(commands, group) + "\nMore: penstock help " + std::string(group) + " COMMAND\n";
}

std::string command_help(const Command& command) {
  std::string text =
      "penstock " + command.name + ": " + command.summary + "\n\n" + usage_line(command) + "\n";
  if (!command.flags.empty()) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const FlagSpec& flag : command.flags) rows.emplace_back(flag_form(flag), flag_text(flag));
    text += "\n" + two_columns(rows);
  }
  if (!command.details.empty()) text += "\n" + command.details;
  return text + "\n" + std::string(kExitCodes);
}

}  // namespace penstock::tools
