// UpSession: which `penstock up` runs on a data directory, and how to stop it.
//
// Format: <data_dir>/up.lock is locked while it runs; <data_dir>/up.pid holds its process id. The
// lock decides: a pid file that nobody holds the lock to is a leftover.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/file.h"
#include "base/result.h"

namespace penstock::tools {

class UpSession {
 public:
  // Claims the folder, which is created if need be. kLocked names the process that has it.
  static Result<UpSession> begin(const std::string& data_dir);
  ~UpSession();
  UpSession(UpSession&&) = default;

  // Process id of the session on `data_dir`; none when there is none.
  static Result<std::optional<pid_t>> running(const std::string& data_dir);

 private:
  UpSession(std::string pid_file, std::unique_ptr<FileLock> lock)
      : pid_file_(std::move(pid_file)), lock_(std::move(lock)) {}

  std::string pid_file_;
  std::unique_ptr<FileLock> lock_;
};

// SIGTERM, and waits for the end; kTimeout when it takes longer.
Status stop_process(pid_t pid, std::chrono::milliseconds patience);

}  // namespace penstock::tools
