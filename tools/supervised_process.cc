#include "tools/supervised_process.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iostream>

#include "base/clock.h"
#include "tools/limits.h"

namespace penstock::tools {
namespace {

constexpr std::size_t kTailLines = 8;

// Old logs are kept once, under another name, so that they do not grow for ever.
void rotate_log(const std::string& path) {
  std::error_code error;
  if (std::filesystem::file_size(path, error) > kMaxLogBytes && !error) {
    std::filesystem::rename(path, path + ".1", error);
  }
}

}  // namespace

std::string SupervisedProcess::epitaph(const std::string& what, const ExitStatus& status,
                                       const std::string& then) const {
  return "the " + name_ + " " + what + status.to_string() + then + "; " + log_ + " ends with\n" +
         log_tail(log_, kTailLines);
}

Status SupervisedProcess::start(std::vector<std::string> command) {
  command_ = std::move(command);
  return start_again();
}

Status SupervisedProcess::start_again() {
  rotate_log(log_);
  started_ns_ = system_clock().steady_ns();
  PENSTOCK_TRY_ASSIGN(child_, ChildProcess::start(command_, log_));
  return {};
}

void SupervisedProcess::look_after() {
  const std::int64_t now_ns = system_clock().steady_ns();
  if (child_) {
    const auto status = child_->ended();
    if (!status) return;
    child_.reset();
    const bool lived = now_ns - started_ns_ > std::chrono::nanoseconds(kRestartBackoffMax).count();
    backoff_ = lived || backoff_.count() == 0 ? kRestartBackoff
                                              : std::min(backoff_ * 2, kRestartBackoffMax);
    restart_at_ns_ = now_ns + std::chrono::nanoseconds(backoff_).count();
    std::cerr << "penstock: "
              << epitaph("ended (", *status,
                         "); starting it again in " + std::to_string(backoff_.count()) + " ms");
  } else if (now_ns >= restart_at_ns_) {
    const Status started = start_again();
    if (!started) {
      restart_at_ns_ = now_ns + std::chrono::nanoseconds(kRestartBackoffMax).count();
      std::cerr << "penstock: " << started.error().message() << "\n";
    }
  }
}

void SupervisedProcess::stop() {
  if (!child_) return;
  const bool was_running = !child_->ended();
  const ExitStatus status = child_->stop(kDrainTimeout);
  // One that has only just begun does not catch the signal yet, and dies of it: as asked.
  if (was_running && !status.clean() && status.signal != SIGTERM) {
    std::cerr << "penstock: the " << name_ << " did not stop cleanly: " << status.to_string()
              << "\n";
  }
  child_.reset();
}

}  // namespace penstock::tools
