#include "tools/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <fstream>
#include <utility>

namespace penstock::tools {
namespace {

constexpr std::chrono::milliseconds kLookInterval{20};

// Runs between fork and exec: only calls that are safe there.
[[noreturn]] void become(char* const* arguments, int log_fd, int error_fd, pid_t parent) {
  for (const int number : {SIGINT, SIGTERM, SIGPIPE, SIGHUP, SIGCHLD}) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(1);  // it died before the line above
  const int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null_fd >= 0) dup2(null_fd, STDIN_FILENO);
  dup2(log_fd, STDOUT_FILENO);
  dup2(log_fd, STDERR_FILENO);
  execv(arguments[0], arguments);
  const int error = errno;
  [[maybe_unused]] const ssize_t written = write(error_fd, &error, sizeof error);
  _exit(127);
}

Error system_error(int number, const std::string& what) {
  return {number == ENOENT ? Errc::kNotFound : Errc::kIoError, what + ": " + std::strerror(number)};
}

ExitStatus decode(int status) {
  if (WIFSIGNALED(status)) return {.code = 0, .signal = WTERMSIG(status)};
  return {.code = WEXITSTATUS(status), .signal = 0};
}

}  // namespace

std::string ExitStatus::to_string() const {
  if (signal == 0) return "exit code " + std::to_string(code);
  return "signal " + std::to_string(signal) + " (" + strsignal(signal) + ")";
}

Result<ChildProcess> ChildProcess::start(const std::vector<std::string>& command,
                                         const std::string& log) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const int log_fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (log_fd < 0) return fail(system_error(errno, "open " + log));
  int errors[2];
  if (pipe2(errors, O_CLOEXEC) != 0) {
    const int number = errno;
    ::close(log_fd);
    return fail(system_error(number, "make a pipe"));
  }
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) become(arguments.data(), log_fd, errors[1], parent);
  const int fork_error = errno;
  ::close(log_fd);
  ::close(errors[1]);
  int exec_error = 0;
  const ssize_t got = pid < 0 ? 0 : ::read(errors[0], &exec_error, sizeof exec_error);
  ::close(errors[0]);
  if (pid < 0) return fail(system_error(fork_error, "start " + command[0]));
  ChildProcess child(pid, static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (got > 0) {
    child.stop(std::chrono::milliseconds(0));
    return fail(system_error(exec_error, "start " + command[0]));
  }
  return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::exchange(other.pidfd_, -1)),
      status_(other.status_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this != &other) {
    if (pid_ > 0) stop(std::chrono::milliseconds(0));
    pid_ = std::exchange(other.pid_, -1);
    pidfd_ = std::exchange(other.pidfd_, -1);
    status_ = other.status_;
  }
  return *this;
}

ChildProcess::~ChildProcess() {
  if (pid_ > 0) stop(std::chrono::milliseconds(0));
}

std::optional<ExitStatus> ChildProcess::ended() {
  int status = 0;
  if (pid_ <= 0) return status_;
  if (!status_ && waitpid(pid_, &status, WNOHANG) == pid_) status_ = decode(status);
  return status_;
}

void ChildProcess::wait_for_end(std::chrono::milliseconds patience) {
  // Without a descriptor to wait for (an old kernel), the process is looked at now and then.
  const std::chrono::milliseconds step = pidfd_ >= 0 ? patience : kLookInterval;
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!ended() && std::chrono::steady_clock::now() < deadline) {
    pollfd fd{pidfd_, POLLIN, 0};
    poll(&fd, 1, static_cast<int>(step.count()));
  }
}

ExitStatus ChildProcess::stop(std::chrono::milliseconds patience) {
  if (pid_ <= 0) return status_.value_or(ExitStatus{});
  if (!ended()) {
    kill(pid_, SIGTERM);
    wait_for_end(patience);
  }
  if (!ended()) {
    kill(pid_, SIGKILL);
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    status_ = decode(status);
  }
  if (pidfd_ >= 0) ::close(pidfd_);
  pidfd_ = -1;
  pid_ = -1;
  return *status_;
}

std::string log_tail(const std::string& path, std::size_t lines) {
  std::ifstream file(path);
  std::deque<std::string> last;
  for (std::string line; std::getline(file, line);) {
    last.push_back(std::move(line));
    if (last.size() > lines) last.pop_front();
  }
  std::string text;
  for (const std::string& line : last) text += "  " + line + "\n";
  return text;
}

}  // namespace penstock::tools
