// SupervisedProcess: a server that is started again when it dies, with pauses that grow while it
// does not live long.
//
// Threads: one. Lifetime: stop() or the destructor ends it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "tools/child_process.h"

namespace penstock::tools {

class SupervisedProcess {
 public:
  // `name` is for messages: "worker", "broker 2".
  SupervisedProcess(std::string name, std::string log)
      : name_(std::move(name)), log_(std::move(log)) {}

  // The same command is used whenever it is started again.
  Status start(std::vector<std::string> command);
  // None: it runs.
  std::optional<ExitStatus> ended() { return child_ ? child_->ended() : std::nullopt; }
  // Starts it again when it has ended and its pause is over; what happened goes to standard error.
  void look_after();
  // SIGTERM; says so when it does not end cleanly.
  void stop();

  bool is_running() const { return child_.has_value(); }
  pid_t pid() const { return child_ ? child_->pid() : -1; }
  // To be watched; -1: there is nothing to watch, look again after a pause.
  int end_fd() const { return child_ ? child_->end_fd() : -1; }
  const std::string& name() const { return name_; }
  const std::string& log() const { return log_; }
  // "the broker ended (exit code 1); ...broker.log ends with\n..."
  std::string epitaph(const std::string& what, const ExitStatus& status,
                      const std::string& then) const;

 private:
  Status start_again();

  std::string name_;
  std::string log_;
  std::vector<std::string> command_;
  std::optional<ChildProcess> child_;
  std::int64_t started_ns_ = 0;
  std::int64_t restart_at_ns_ = 0;
  std::chrono::milliseconds backoff_{0};
};

}  // namespace penstock::tools
