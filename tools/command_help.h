// The texts of `penstock --help` and `penstock help COMMAND`, made from the table of commands.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "tools/command.h"

namespace penstock::tools {

std::string overview(std::span<const Command> commands);
// The commands of a group, such as "topic".
std::string group_help(std::span<const Command> commands, std::string_view group);
std::string command_help(const Command& command);
// "usage: penstock produce TOPIC [FILE|-] [flags]"
std::string usage_line(const Command& command);

}  // namespace penstock::tools
