#include "tools/doctor_checks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "tools/output_table.h"
#include "tools/time_spec.h"

namespace penstock::tools {
namespace {

// A system call that copies 4 KiB and returns takes about that long: no device was asked.
constexpr double kMemoryFlushUs = 5;
// The best devices with power-loss protection answer a flush in about 15 to 30 us.
constexpr double kFastestDeviceUs = 15;
constexpr double kSlowFlushUs = 50'000;

constexpr std::uint64_t kLowSpaceBytes = 2ULL << 30;
constexpr std::uint64_t kNoSpaceBytes = 256ULL << 20;
constexpr std::uint64_t kComfortableFiles = 16'384;
constexpr std::uint64_t kFewFiles = 1'024;
constexpr std::uint64_t kDefaultMapCount = 65'530;
constexpr double kMaxDriftPpm = 500;  // the kernel's own limit for slewing a clock
constexpr Timestamp kEarliestSaneWall{1'704'067'200'000};  // 2024-01-01

std::string us(double value) {
  std::array<char, 32> text{};
  if (value < 1000) {
    std::snprintf(text.data(), text.size(), "%.0f us", value);
  } else {
    std::snprintf(text.data(), text.size(), "%.2f ms", value / 1000);
  }
  return text.data();
}

bool contains_option(const std::string& options, std::string_view wanted) {
  std::istringstream stream(options);
  for (std::string option; std::getline(stream, option, ',');) {
    if (option == wanted) return true;
  }
  return false;
}

bool one_of(std::string_view type, std::initializer_list<std::string_view> types) {
  return std::ranges::find(types, type) != types.end();
}

bool lies_below(std::string_view path, std::string_view mount_point) {
  if (mount_point == "/") return true;
  return path.starts_with(mount_point) &&
         (path.size() == mount_point.size() || path[mount_point.size()] == '/');
}

// mountinfo writes blanks and the like as "\040".
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out +=
          static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + text[i + 3] - '0');
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kWarn:
      return "warn";
    case Verdict::kFail:
      return "FAIL";
  }
  return "";
}

double FlushTimes::at(double quantile) const {
  if (us.empty()) return 0;
  const auto index = static_cast<std::size_t>(quantile * static_cast<double>(us.size()));
  return us[std::min(index, us.size() - 1)];
}

std::optional<FileSystem> file_system_of(std::string_view mountinfo, std::string_view path) {
  std::optional<FileSystem> best;
  std::istringstream lines{std::string(mountinfo)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream columns(line);
    std::vector<std::string> fields;
    for (std::string field; columns >> field;) fields.push_back(std::move(field));
    // "36 35 98:0 /root /mount/point rw,noatime optional... - ext4 /dev/sda1 rw,errors=continue"
    const auto dash = std::ranges::find(fields, "-");
    if (fields.size() < 10 || fields.end() - dash < 4) continue;
    const std::string mount_point = unescape(fields[4]);
    if (!lies_below(path, mount_point)) continue;
    // A later mount on the same place hides the earlier one.
    if (best && mount_point.size() < best->mount_point.size()) continue;
    best = FileSystem{
        .type = dash[1], .options = fields[5] + "," + dash[3], .mount_point = mount_point};
  }
  return best;
}

Finding judge_flush(const FlushTimes& times) {
  const double median = times.at(0.5);
  Finding finding{.check = "fsync",
                  .verdict = Verdict::kOk,
                  .found = "4 KiB append + fdatasync: p50 " + us(median) + ", p99 " +
                           us(times.at(0.99)) + ", max " + us(times.at(1)),
                  .advice = {}};
  if (times.us.empty()) {
    finding.verdict = Verdict::kFail;
    finding.found = "could not be measured";
  } else if (median < kMemoryFlushUs) {
    finding.verdict = Verdict::kFail;
    finding.advice =
        "no device was asked: flushes are ignored here (memory file system, eatmydata, a virtual "
        "disk with cache=unsafe). Acknowledged records would not survive a power cut";
  } else if (median < kFastestDeviceUs) {
    finding.verdict = Verdict::kWarn;
    finding.advice =
        "faster than known devices: make sure that the disk, or the host of this virtual machine, "
        "does not ignore flushes";
  } else if (times.at(0.99) > kSlowFlushUs) {
    finding.verdict = Verdict::kWarn;
    finding.advice =
        "slow: every acknowledgement waits for a flush; is something else using the disk?";
  }
  return finding;
}

Finding judge_file_system(const std::optional<FileSystem>& fs) {
  Finding finding{.check = "file system", .verdict = Verdict::kOk, .found = {}, .advice = {}};
  if (!fs) {
    finding.verdict = Verdict::kWarn;
    finding.found = "unknown";
    return finding;
  }
  finding.found = fs->type + " on " + fs->mount_point;
  if (one_of(fs->type, {"tmpfs", "ramfs", "devtmpfs"})) {
    finding.verdict = Verdict::kFail;
    finding.advice = "lives in memory: everything is gone after a restart; use a disk";
  } else if (contains_option(fs->options, "nobarrier") ||
             contains_option(fs->options, "barrier=0") ||
             contains_option(fs->options, "volatile")) {
    finding.verdict = Verdict::kFail;
    finding.found += " (" + fs->options + ")";
    finding.advice = "mounted so that flushes are ignored: mount it with barriers";
  } else if (one_of(fs->type, {"nfs", "nfs4", "cifs", "smb3", "9p", "ceph"}) ||
             fs->type.starts_with("fuse")) {
    finding.verdict = Verdict::kWarn;
    finding.advice = "not a local disk: what a flush means there is up to the other side";
  } else if (fs->type == "overlay") {
    finding.verdict = Verdict::kWarn;
    finding.advice = "a container's own layer: it goes with the container; use a volume";
  } else if (!one_of(fs->type, {"ext4", "xfs", "btrfs", "zfs"})) {
    finding.verdict = Verdict::kWarn;
    finding.advice = "not tried: ext4 and xfs are";
  }
  return finding;
}

Finding judge_space(const DiskSpace& space) {
  Finding finding{.check = "disk space",
                  .verdict = Verdict::kOk,
                  .found = human_bytes(space.available_bytes) + " of " +
                           human_bytes(space.total_bytes) + " free",
                  .advice = {}};
  if (space.available_bytes < kNoSpaceBytes) {
    finding.verdict = Verdict::kFail;
    finding.advice = "too little to start with: producers would be refused at once";
  } else if (space.available_bytes < kLowSpaceBytes) {
    finding.verdict = Verdict::kWarn;
    finding.advice = "little: free some, or shorten retention (penstock topic alter)";
  }
  return finding;
}

Finding judge_data_dir(const std::string& path, const DirState& state) {
  Finding finding{.check = "data directory", .verdict = Verdict::kOk, .found = path, .advice = {}};
  if (!state.exists) {
    finding.found += " (not there yet)";
    if (!state.writable) {
      finding.verdict = Verdict::kFail;
      finding.advice = "it cannot be created by this user: choose another --data_dir";
    }
  } else if (!state.writable) {
    finding.verdict = Verdict::kFail;
    finding.found += " (not writable)";
    finding.advice = "run as its owner, or choose another --data_dir";
  } else if (!state.owned) {
    finding.verdict = Verdict::kWarn;
    finding.found += " (another user's)";
    finding.advice = "files of two users mix easily: run everything as one user";
  } else if (state.others_may_write) {
    finding.verdict = Verdict::kWarn;
    finding.found += " (others may write)";
    finding.advice = "anybody can alter the log: chmod o-w " + path;
  }
  return finding;
}

Finding judge_clock(const ClockState& clock) {
  const double ppm = clock.over_us <= 0 ? 0 : std::abs(clock.drift_us) / clock.over_us * 1e6;
  Finding finding{.check = "clock",
                  .verdict = Verdict::kOk,
                  .found = format_time(clock.wall) +
                           (clock.synchronised ? ", synchronised" : ", not synchronised"),
                  .advice = {}};
  if (clock.wall < kEarliestSaneWall) {
    finding.verdict = Verdict::kFail;
    finding.advice = "far in the past: retention and record times would be wrong; set the clock";
  } else if (ppm > kMaxDriftPpm) {
    finding.verdict = Verdict::kWarn;
    finding.found +=
        ", " + us(std::abs(clock.drift_us)) + " off the steady clock within " + us(clock.over_us);
    finding.advice = "the wall clock is being set or slewed hard: look at the time service";
  } else if (!clock.synchronised) {
    finding.verdict = Verdict::kWarn;
    finding.advice = "no time service keeps it right: install chrony or systemd-timesyncd";
  }
  return finding;
}

Finding judge_open_files(std::uint64_t soft_limit, std::uint64_t hard_limit) {
  Finding finding{.check = "open files",
                  .verdict = Verdict::kOk,
                  .found = "limit " + with_thousands(soft_limit) + " (up to " +
                           with_thousands(hard_limit) + ")",
                  .advice = {}};
  // Every segment and every connection is an open file.
  if (soft_limit < kFewFiles) {
    finding.verdict = Verdict::kFail;
    finding.advice = "too few for segments and connections: ulimit -n 65536";
  } else if (soft_limit < kComfortableFiles) {
    finding.verdict = Verdict::kWarn;
    finding.advice = "enough for some hundred partitions: ulimit -n 65536 for more";
  }
  return finding;
}

Finding judge_locked_memory(std::optional<std::uint64_t> limit_bytes) {
  return {.check = "locked memory",
          .verdict = Verdict::kOk,
          .found = "limit " + (limit_bytes ? human_bytes(*limit_bytes) : "unlimited"),
          .advice = {}};  // nothing locks memory; shown because other systems on the host may
}

Finding judge_map_count(std::optional<std::uint64_t> limit) {
  Finding finding{.check = "memory maps",
                  .verdict = Verdict::kOk,
                  .found = limit ? "vm.max_map_count " + with_thousands(*limit) : "cannot be read",
                  .advice = {}};
  if (limit && *limit < kDefaultMapCount) {
    finding.verdict = Verdict::kWarn;
    finding.advice = "below the kernel's default: sysctl vm.max_map_count=65530";
  }
  return finding;
}

Finding judge_huge_pages(std::string_view text) {
  const std::size_t open = text.find('[');
  const std::size_t close = text.find(']');
  const std::string mode = open == std::string_view::npos || close == std::string_view::npos
                               ? "unknown"
                               : std::string(text.substr(open + 1, close - open - 1));
  Finding finding{.check = "huge pages",
                  .verdict = Verdict::kOk,
                  .found = "transparent huge pages: " + mode,
                  .advice = {}};
  if (mode == "always") {
    finding.verdict = Verdict::kWarn;
    finding.advice =
        "may stall a process for milliseconds and swell its memory: echo madvise > "
        "/sys/kernel/mm/transparent_hugepage/enabled";
  }
  return finding;
}

Finding judge_port(const std::string& check, std::uint16_t port,
                   const std::optional<Listener>& listener) {
  Finding finding{
      .check = check,
      .verdict = Verdict::kOk,
      .found = std::to_string(port) + (listener ? ": " + listener->to_string() : ": free"),
      .advice = {}};
  if (!listener || listener->name == "penstockd") return finding;
  finding.verdict = listener->pid < 0 ? Verdict::kWarn : Verdict::kFail;
  finding.advice = listener->pid < 0 ? "if it is no broker, choose another with --port"
                                     : "not a Penstock broker: stop it, or choose another --port";
  return finding;
}

Verdict worst(std::span<const Finding> findings) {
  Verdict verdict = Verdict::kOk;
  for (const Finding& finding : findings) verdict = std::max(verdict, finding.verdict);
  return verdict;
}

}  // namespace penstock::tools
