#include "tools/up_session.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>

namespace penstock::tools {
namespace {

constexpr std::uint64_t kMaxPidFileBytes = 64;

std::optional<pid_t> read_pid(const std::string& path) {
  const auto bytes = posix_env().read_file(path, kMaxPidFileBytes);
  if (!bytes) return std::nullopt;
  const std::string_view text = as_text(*bytes);
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error != std::errc() || pid <= 1) return std::nullopt;
  return pid;
}

}  // namespace

Result<UpSession> UpSession::begin(const std::string& data_dir) {
  PENSTOCK_TRY(posix_env().create_dirs(data_dir));
  const std::string pid_file = data_dir + "/up.pid";
  auto lock = posix_env().lock(data_dir + "/up.lock");
  if (!lock) {
    if (lock.error().code() != Errc::kLocked) return fail(std::move(lock).error());
    const auto pid = read_pid(pid_file);
    return fail(Errc::kLocked, "penstock up runs on " + data_dir + " already" +
                                   (pid ? " (pid " + std::to_string(*pid) + ")" : ""));
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  PENSTOCK_TRY(posix_env().replace_file(pid_file, as_bytes(pid)));
  return UpSession(pid_file, std::move(*lock));
}

UpSession::~UpSession() {
  // Before the lock goes; a leftover would do no harm.
  if (lock_) (void)posix_env().remove_file(pid_file_);
}

Result<std::optional<pid_t>> UpSession::running(const std::string& data_dir) {
  PENSTOCK_TRY_ASSIGN(const bool exists, posix_env().exists(data_dir + "/up.lock"));
  if (!exists) return std::nullopt;
  const auto lock = posix_env().lock(data_dir + "/up.lock");
  if (lock) return std::nullopt;
  if (lock.error().code() != Errc::kLocked) return fail(lock.error());
  return read_pid(data_dir + "/up.pid");
}

Status stop_process(pid_t pid, std::chrono::milliseconds patience) {
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) {
    if (errno == ESRCH) return {};
    return fail(Errc::kIoError,
                "watch process " + std::to_string(pid) + ": " + std::strerror(errno));
  }
  const int killed = kill(pid, SIGTERM);
  const int kill_error = errno;
  pollfd fd{pidfd, POLLIN, 0};
  int ended = 0;
  if (killed == 0) ended = poll(&fd, 1, static_cast<int>(patience.count()));
  close(pidfd);
  if (killed != 0 && kill_error == EPERM) {
    return fail(Errc::kPermissionDenied, "process " + std::to_string(pid) + " is another user's");
  }
  if (killed != 0 || ended > 0) return {};
  return fail(Errc::kTimeout, "process " + std::to_string(pid) + " did not end within " +
                                  std::to_string(patience.count() / 1000) + " s");
}

}  // namespace penstock::tools
