// How an Error is told to the user of the command line: one line of what failed and why, one of
// what to do next, and the exit code.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "tools/exit_codes.h"

namespace penstock::tools {

ExitCode exit_code(Errc code);

// What to do about it; none when there is nothing better to say than the message itself.
std::optional<std::string> hint(const Error& error);

// "penstock: create topic 'a': ... (TopicExists)\nhint: ...\n"
std::string failure_text(const Error& error);

}  // namespace penstock::tools
