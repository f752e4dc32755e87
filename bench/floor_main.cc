// penstock-floor: prints the machine's own limits.
#include <gflags/gflags.h>

#include <array>
#include <iostream>

#include "base/command_line.h"
#include "bench/floor.h"

// X(type, name, value, default, default as shown, meaning)
#define PENSTOCK_FLOOR_FLAG_TABLE(X)                                                      \
  X(string, dir, "DIR", ".", "this folder",                                               \
    "Folder on the disk to measure; what is written there is removed again.")             \
  X(double, seconds, "S", 1, "1", "Duration of each measurement in seconds, 0.01 to 60.") \
  X(string, json, "FILE", "", "none", "File to write the figures into as JSON, besides printing.")

PENSTOCK_FLOOR_FLAG_TABLE(PENSTOCK_DEFINE_FLAG)

namespace penstock::bench {
namespace {

constexpr double kMinSeconds = 0.01;
constexpr double kMaxSeconds = 60;
constexpr int kExitMeasured = 0;
constexpr int kExitFailed = 1;
constexpr auto kFlags = std::to_array<ProgramFlag>({PENSTOCK_FLOOR_FLAG_TABLE(PENSTOCK_FLAG_ROW)});
constexpr auto kExits = std::to_array<ProgramExit>({
    {kExitMeasured, "measured"},
    {kExitFailed, "something could not be measured, or its figures not be written"},
    {kExitUsage, "a flag is unknown or wrong"},
});
constexpr Program kProgram{
    .name = "penstock-floor",
    .version = PENSTOCK_VERSION,
    .summary = "measures what disk, loopback and memory of this machine can do at all",
    .usage = "[--flag=value ...]",
    .flags = kFlags,
    .exits = kExits};

Status measure() {
  const FloorOptions options{.dir = FLAGS_dir, .seconds = FLAGS_seconds};
  PENSTOCK_TRY_ASSIGN(const auto figures, run_floors(posix_env(), options, std::cout));
  return FLAGS_json.empty() ? Status() : write_json_file(FLAGS_json, figures);
}

int run(int argc, char** argv) {
  if (const auto go = command_or_exit(kProgram, argc, argv, std::cout, std::cerr); !go) {
    return go.error();
  }
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  if (FLAGS_seconds < kMinSeconds || FLAGS_seconds > kMaxSeconds) {
    std::cerr << usage_failure(kProgram, {Errc::kInvalidArgument, "--seconds is 0.01 to 60"});
    return kExitUsage;
  }
  if (const Status measured = measure(); !measured) {
    std::cerr << "penstock-floor: " << measured.error().to_string() << '\n';
    return kExitFailed;
  }
  return kExitMeasured;
}

}  // namespace
}  // namespace penstock::bench

int main(int argc, char** argv) { return penstock::bench::run(argc, argv); }
