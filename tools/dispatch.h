// From the words of a command line to a run command: finds it, checks its flags and operands,
// answers --help and --version, prints an error once, and gives the exit code.
#pragma once

#include <ostream>
#include <span>
#include <string>

#include "tools/command.h"

namespace penstock::tools {

// `words` are the command line without the program's name.
ExitCode dispatch(std::span<const std::string> words, std::span<const Command> commands,
                  std::ostream& out, std::ostream& err);

}  // namespace penstock::tools
