// The end-to-end load: producers publish stamped records at a rate, consumers read them meanwhile;
// the latency of a record is from when it was due to when a consumer held it.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "bench/bench_command.h"
#include "bench/histogram.h"
#include "bench/load_producer.h"
#include "bench/load_topic.h"

namespace penstock::bench {

struct E2eResult {
  LoadOutcome produced;  // its latency is that of the acknowledgements
  double seconds = 0;    // of the whole run, warm-up included
  Histogram latency;     // without the warm-up
  std::uint64_t received = 0;
  std::uint64_t lost = 0;      // acknowledged, but never received
  std::uint64_t repeated = 0;  // received again or out of order
};

// config.rate > 0, config.record_bytes >= kMinStampedRecordBytes.
Result<E2eResult> run_e2e(const BenchConfig& config, const BenchTopic& topic);

}  // namespace penstock::bench
