// penstock-floor: prints the machine's own limits.
#include <gflags/gflags.h>

#include <iostream>

#include "bench/floor.h"

DEFINE_string(dir, ".", "folder on the disk to measure; files there are removed again");
DEFINE_double(seconds, 1, "duration of each measurement, 0.01 to 60");
DEFINE_string(json, "", "also write the figures to this file");

int main(int argc, char** argv) {
  gflags::SetUsageMessage("measures disk, loopback and memory of this machine");
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  if (argc > 1 || FLAGS_seconds < 0.01 || FLAGS_seconds > 60) {
    std::cerr << "penstock-floor: takes no arguments, and --seconds from 0.01 to 60\n";
    return 2;
  }
  const penstock::bench::FloorOptions options{.dir = FLAGS_dir, .seconds = FLAGS_seconds};
  const auto figures = penstock::bench::run_floors(penstock::posix_env(), options, std::cout);
  if (!figures) {
    std::cerr << "penstock-floor: " << figures.error().to_string() << '\n';
    return 1;
  }
  if (!FLAGS_json.empty()) {
    const auto written = penstock::bench::write_json_file(FLAGS_json, *figures);
    if (!written) {
      std::cerr << "penstock-floor: " << written.error().to_string() << '\n';
      return 1;
    }
  }
  return 0;
}
