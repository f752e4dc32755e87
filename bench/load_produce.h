// The produce load: several producers publish into one topic, as fast as possible or at a rate.
#pragma once

#include <string>

#include "base/result.h"
#include "bench/bench_command.h"
#include "bench/load_producer.h"

namespace penstock::bench {

struct ProduceResult {
  LoadOutcome outcome;
  double seconds = 0;  // from the common start to the last outcome, warm-up included

  double mb_per_s(std::uint64_t record_bytes) const {
    return seconds > 0 ? static_cast<double>(outcome.delivered * record_bytes) / 1e6 / seconds : 0;
  }
};

// Blocks until every record has an outcome. An error only when the load could not be run; records
// that failed are in the result.
Result<ProduceResult> run_produce(const BenchConfig& config, const std::string& topic);

// The plan of producer `index` of a run that begins at `start_ns`.
// Worked example: 10 records over 3 producers are 4, 3 and 3; rate 9 is 3 each.
LoadPlan plan_of(const BenchConfig& config, std::int64_t start_ns, std::uint16_t index);

}  // namespace penstock::bench
