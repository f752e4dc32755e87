// ChildProcess: a server process that `up` has started, and its end.
//
// Invariants: it gets SIGTERM when the process that started it dies, whatever of; it stands in a
// process group of its own, so that Ctrl-C in the terminal reaches only its parent; its output goes
// to a log file. Lifetime: stop() before destruction; the destructor kills what still runs.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace penstock::tools {

struct ExitStatus {
  int code = 0;
  int signal = 0;  // that ended it; 0: it ended by itself

  bool clean() const { return code == 0 && signal == 0; }
  std::string to_string() const;  // "exit code 1", "signal 9 (Killed)"
};

class ChildProcess {
 public:
  // `command` is program and arguments; standard output and error are appended to `log`. kNotFound
  // when there is no such program.
  static Result<ChildProcess> start(const std::vector<std::string>& command,
                                    const std::string& log);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  // Becomes readable when the process has ended; -1 where the kernel has no such thing.
  int end_fd() const { return pidfd_; }
  // Without waiting; none while it runs.
  std::optional<ExitStatus> ended();
  // SIGTERM, then SIGKILL when it takes longer than `patience`.
  ExitStatus stop(std::chrono::milliseconds patience);

 private:
  ChildProcess(pid_t pid, int pidfd) : pid_(pid), pidfd_(pidfd) {}

  void wait_for_end(std::chrono::milliseconds patience);

  pid_t pid_ = -1;
  int pidfd_ = -1;
  std::optional<ExitStatus> status_;
};

// The last `lines` lines of a log file, indented; empty when there is none.
std::string log_tail(const std::string& path, std::size_t lines);

}  // namespace penstock::tools
