// The consume load: reads a whole topic, as it was when the run began, from its beginning.
#pragma once

#include "base/result.h"
#include "bench/bench_command.h"
#include "bench/load_consumer.h"
#include "bench/load_topic.h"

namespace penstock::bench {

struct ConsumeResult {
  ReadOutcome outcome;
  double seconds = 0;  // from the first assignment to the last record held
  // Offsets of the topic that brought no record. Zero unless records were removed one by one.
  std::uint64_t missing = 0;
};

Result<ConsumeResult> run_consume(const BenchConfig& config, const BenchTopic& topic);

}  // namespace penstock::bench
