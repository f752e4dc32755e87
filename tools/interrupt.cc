#include "tools/interrupt.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>

#include "base/assert.h"
#include "base/clock.h"

namespace penstock::tools {
namespace {

std::atomic<bool> g_interrupted{false};
std::atomic<int> g_event_fd{-1};

void on_signal(int) {
  const int saved = errno;
  g_interrupted.store(true);
  const std::uint64_t one = 1;
  // Nothing can be done about a failure inside a signal handler; the flag above is set anyway.
  [[maybe_unused]] const ssize_t written = write(g_event_fd.load(), &one, sizeof one);
  errno = saved;
}

}  // namespace

void catch_interrupts() {
  if (g_event_fd.load() >= 0) return;
  g_event_fd.store(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  PENSTOCK_ASSERT(g_event_fd.load() >= 0, "an event descriptor can be made");
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESETHAND;  // the second signal has its default effect
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

bool interrupted() { return g_interrupted.load(); }

int interrupt_fd() { return g_event_fd.load(); }

Waited wait_readable(int fd, std::chrono::milliseconds timeout) {
  std::array<pollfd, 2> fds{pollfd{interrupt_fd(), POLLIN, 0}, pollfd{fd, POLLIN, 0}};
  const int ready = poll(fds.data(), fds.size(), static_cast<int>(timeout.count()));
  if (interrupted()) return Waited::kInterrupted;
  return ready > 0 && fds[1].revents != 0 ? Waited::kReadable : Waited::kTimeout;
}

bool sleep_until(std::int64_t due_ns) {
  while (!interrupted()) {
    const std::int64_t left_ns = due_ns - system_clock().steady_ns();
    if (left_ns <= 0) return true;
    pollfd fd{interrupt_fd(), POLLIN, 0};
    const timespec left{.tv_sec = left_ns / 1'000'000'000, .tv_nsec = left_ns % 1'000'000'000};
    ppoll(&fd, 1, &left, nullptr);
  }
  return false;
}

}  // namespace penstock::tools
