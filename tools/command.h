// Command: one row of the table that the command line, its help and its checks are made from.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "tools/arguments.h"
#include "tools/exit_codes.h"

namespace penstock::tools {

struct Command {
  std::string name = {};      // "topic create"
  std::string operands = {};  // "TOPIC [FILE|-]"
  std::string summary = {};   // one line
  std::string details = {};   // behind the flags in its help: explanations and examples
  std::size_t min_operands = 0;
  std::size_t max_operands = 0;
  std::vector<FlagSpec> flags = {};
  // kOk, or kFailed when the answer itself is "no" (a difference was found); everything else that
  // goes wrong is an Error, which is printed once by the caller.
  std::function<Result<ExitCode>(const Arguments&)> run;
};

}  // namespace penstock::tools
