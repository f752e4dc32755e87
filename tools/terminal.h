// What standard streams are connected to, and questions to the person in front of them.
#pragma once

#include <cstddef>
#include <string>

namespace penstock::tools {

// Columns of the terminal behind `fd`; 0 when it is none.
std::size_t terminal_width(int fd);

// True when a person can be asked: standard input and standard error are terminals.
bool can_ask();
// Prints `question` and reads one line; true for "y" or "yes".
bool ask(const std::string& question);

}  // namespace penstock::tools
