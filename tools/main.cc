// penstock: the command line.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "tools/commands.h"
#include "tools/dispatch.h"

int main(int argc, char** argv) {
  using penstock::tools::ExitCode;
  std::ios::sync_with_stdio(false);
  // A reader that goes away (`| head`) shows as a failed write and ends the command quietly.
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> words(argv + 1, argv + argc);
  const ExitCode code =
      penstock::tools::dispatch(words, penstock::tools::all_commands(), std::cout, std::cerr);
  errno = 0;
  std::cout.flush();
  if (!std::cout && errno != EPIPE && errno != 0 && code == ExitCode::kOk) {
    std::perror("penstock: write to standard output");
    return static_cast<int>(ExitCode::kFailed);
  }
  return static_cast<int>(code);
}
