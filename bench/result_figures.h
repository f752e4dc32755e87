// How results are put into words: a table for people and one figure line for scripts.
//
// Format: docs/performance.md lists every key. A key whose value could not be had is absent, never
// 0.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/bench_command.h"
#include "bench/broker_watch.h"
#include "bench/floor.h"
#include "bench/load_consume.h"
#include "bench/load_e2e.h"
#include "bench/load_produce.h"
#include "bench/report.h"

namespace penstock::bench {

struct RunReport {
  std::vector<std::vector<std::string>> rows;
  Figure figure;
};

// The limit of a produce run.
struct DiskBound {
  std::uint64_t flush_bytes = 0;
  ThroughputFloor write;       // write and flush by turns
  ThroughputFloor overlapped;  // writing goes on during a flush, as in a broker
};

// The limit of an end-to-end run: one flush, and one way to the broker and one from it.
struct LatencyBound {
  LatencyFloor flush;
  LatencyFloor ping;
};

RunReport produce_report(const BenchConfig& config, std::uint32_t partitions,
                         const ProduceResult& result, const RunCost& cost,
                         const std::optional<DiskBound>& bound);

// `produced_mb_per_s`: of a produce run in the same call, to compare with.
RunReport consume_report(const BenchConfig& config, std::uint32_t partitions,
                         const ConsumeResult& result, const RunCost& cost,
                         const std::optional<ThroughputFloor>& bound,
                         std::optional<double> produced_mb_per_s);

RunReport e2e_report(const BenchConfig& config, std::uint32_t partitions, const E2eResult& result,
                     const RunCost& cost, const std::optional<LatencyBound>& bound);

}  // namespace penstock::bench
