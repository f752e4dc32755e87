#include "tools/doctor_probes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/clock.h"
#include "tools/interrupt.h"

namespace penstock::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kFlushBudgetNs = 2'000'000'000;
constexpr std::int64_t kClockIntervalNs = 200'000'000;
constexpr std::size_t kFlushBytes = 4096;

std::int64_t now_ns(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

std::string existing_folder(const std::string& path) {
  std::error_code error;
  fs::path at = fs::absolute(path, error).lexically_normal();
  while (!at.empty() && at != at.root_path() && !fs::is_directory(at, error)) {
    at = at.parent_path();
  }
  const fs::path real = fs::canonical(at, error);
  return error ? at.string() : real.string();
}

FlushTimes probe_flush(const std::string& folder, std::size_t samples) {
  FlushTimes times;
  std::string name = folder + "/penstock-doctor.XXXXXX";
  const int fd = mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) return times;
  unlink(name.c_str());
  std::array<char, kFlushBytes> block{};
  block.fill('x');
  const std::int64_t began_ns = now_ns(CLOCK_MONOTONIC);
  for (std::size_t i = 0; i < samples; ++i) {
    const std::int64_t before_ns = now_ns(CLOCK_MONOTONIC);
    if (write(fd, block.data(), block.size()) != static_cast<ssize_t>(block.size())) break;
    if (fdatasync(fd) != 0) break;
    const std::int64_t after_ns = now_ns(CLOCK_MONOTONIC);
    times.us.push_back(static_cast<double>(after_ns - before_ns) / 1000);
    if (after_ns - began_ns > kFlushBudgetNs) break;
  }
  close(fd);
  std::ranges::sort(times.us);
  return times;
}

std::optional<FileSystem> probe_file_system(const std::string& folder) {
  return file_system_of(read_text("/proc/self/mountinfo"), folder);
}

DirState probe_data_dir(const std::string& path) {
  DirState state;
  struct stat status = {};
  state.exists = stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
  state.writable = access(existing_folder(path).c_str(), W_OK | X_OK) == 0;
  state.owned = state.exists && status.st_uid == geteuid();
  state.others_may_write = state.exists && (status.st_mode & S_IWOTH) != 0;
  return state;
}

ClockState probe_clock() {
  ClockState state;
  const std::int64_t steady_ns = now_ns(CLOCK_MONOTONIC_RAW);
  const std::int64_t wall_ns = now_ns(CLOCK_REALTIME);
  (void)sleep_until(system_clock().steady_ns() + kClockIntervalNs);
  const std::int64_t steady_passed_ns = now_ns(CLOCK_MONOTONIC_RAW) - steady_ns;
  const std::int64_t wall_passed_ns = now_ns(CLOCK_REALTIME) - wall_ns;
  state.drift_us = static_cast<double>(wall_passed_ns - steady_passed_ns) / 1000;
  state.over_us = static_cast<double>(steady_passed_ns) / 1000;
  state.wall = system_clock().wall();
  timex kernel{};
  state.synchronised = adjtimex(&kernel) >= 0 && (kernel.status & STA_UNSYNC) == 0;
  return state;
}

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace penstock::tools
