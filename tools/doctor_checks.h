// What `doctor` makes of what it measured: each check as a value in, a verdict out.
//
// Pure. Units: microseconds unless said otherwise.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/types.h"
#include "tools/listeners.h"

namespace penstock::tools {

enum class Verdict { kOk, kWarn, kFail };
std::string_view name(Verdict verdict);

struct Finding {
  std::string check;
  Verdict verdict = Verdict::kOk;
  std::string found = {};
  std::string advice = {};  // empty when there is nothing to do
};

// Times of 4 KiB appends, each followed by fdatasync, sorted.
struct FlushTimes {
  std::vector<double> us;
  double at(double quantile) const;
};

struct FileSystem {
  std::string type;     // "ext4", of /proc/self/mountinfo
  std::string options;  // "rw,relatime"
  std::string mount_point;
};

// The file system that holds `path`, an absolute path without links, from the text of
// /proc/self/mountinfo.
std::optional<FileSystem> file_system_of(std::string_view mountinfo, std::string_view path);

// Does a flush reach a device? Compared with what devices can do: a disk drive needs milliseconds,
// a flash drive without capacitors hundreds of microseconds, one with them 20 and more; less than
// that is memory.
Finding judge_flush(const FlushTimes& times);
Finding judge_file_system(const std::optional<FileSystem>& fs);
Finding judge_space(const DiskSpace& space);

struct DirState {
  bool exists = false;
  bool writable = false;
  bool owned = false;  // by this user
  bool others_may_write = false;
};
Finding judge_data_dir(const std::string& path, const DirState& state);

struct ClockState {
  Timestamp wall;
  double drift_us = 0;  // of the wall clock against the steady one ...
  double over_us = 0;   // ... in this time
  bool synchronised = false;
};
Finding judge_clock(const ClockState& clock);

Finding judge_open_files(std::uint64_t soft_limit, std::uint64_t hard_limit);
Finding judge_locked_memory(std::optional<std::uint64_t> limit_bytes);  // none: unlimited
Finding judge_map_count(std::optional<std::uint64_t> limit);            // none: cannot be read
// Text of /sys/kernel/mm/transparent_hugepage/enabled: "always [madvise] never".
Finding judge_huge_pages(std::string_view text);

Finding judge_port(const std::string& check, std::uint16_t port,
                   const std::optional<Listener>& listener);

Verdict worst(std::span<const Finding> findings);

}  // namespace penstock::tools
