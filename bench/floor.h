// Floors: the machine's own limits, measured with nothing of Penstock in between but File, memory
// and sockets; every bench result is printed as a ratio to the one that bounds it.
//
// Invariants: each measurement ends after about `seconds` (a disk one also when its file is full)
// and removes what it created, whether it succeeds or not.
// Units: MB is 10^6 bytes.
// Threads: blocking; the network floors run a second thread of their own.
// Failure: kNotFound, kPermissionDenied or kDiskFull when `dir` cannot take the files; kIoError
// from sockets.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "bench/histogram.h"
#include "bench/report.h"

namespace penstock::bench {

struct FloorOptions {
  std::string dir = ".";  // on the disk to be measured
  double seconds = 1;     // of each measurement
  std::uint64_t seed = 1;
};

struct ThroughputFloor {
  std::uint64_t bytes = 0;
  double seconds = 0;
  std::uint64_t operations = 0;  // flushes, writes, copies or checksums
  double mb_per_s() const { return seconds > 0 ? static_cast<double>(bytes) / 1e6 / seconds : 0; }
};

struct LatencyFloor {
  Histogram latency;  // nanoseconds
};

enum class FlushPattern {
  kAlternating,  // write, flush, write, flush: nothing is written while the disk works
  kOverlapped,   // group commit: the next bytes are written while the previous ones are flushed
};

// Sequential write into a preallocated file, as a log writes, with fdatasync for every
// `flush_bytes`. What counts is flushed.
Result<ThroughputFloor> flushed_write_floor(Env& env, const FloorOptions& options,
                                            std::uint64_t flush_bytes,
                                            FlushPattern pattern = FlushPattern::kAlternating);

// Append of `append_bytes` and fdatasync, one after the other: what one lonely acknowledged record
// costs at least.
Result<LatencyFloor> small_flush_floor(Env& env, const FloorOptions& options,
                                       std::size_t append_bytes);

// One TCP stream over loopback: this thread writes `write_bytes` at a time, another one reads.
Result<ThroughputFloor> loopback_stream_floor(const FloorOptions& options, std::size_t write_bytes);

// `message_bytes` there and back over loopback TCP between two threads that sleep in between.
Result<LatencyFloor> loopback_ping_floor(const FloorOptions& options, std::size_t message_bytes);

ThroughputFloor memory_copy_floor(const FloorOptions& options);
ThroughputFloor crc32c_floor(const FloorOptions& options, std::size_t block_bytes);

// All of the above, as `FLOOR kind=... ` figures; prints a table, then the figure lines.
Result<std::vector<Figure>> run_floors(Env& env, const FloorOptions& options, std::ostream& out);

}  // namespace penstock::bench
