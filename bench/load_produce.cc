#include "bench/load_produce.h"

#include <vector>

#include "base/clock.h"

namespace penstock::bench {

LoadPlan plan_of(const BenchConfig& config, std::int64_t start_ns, std::uint16_t index) {
  LoadPlan plan{.start_ns = start_ns, .measure_from_ns = start_ns, .run = {}, .producer = index};
  // A load without a rate has no warm-up: its throughput counts from the first record to the last.
  const double warmup = config.rate > 0 ? config.warmup_seconds : 0;
  plan.measure_from_ns += static_cast<std::int64_t>(warmup * 1e9);
  plan.stop_ns = plan.measure_from_ns + static_cast<std::int64_t>(config.seconds * 1e9);
  plan.rate = config.rate / config.producers;
  plan.records = config.records / config.producers;
  if (index < config.records % config.producers) ++plan.records;
  return plan;
}

Result<ProduceResult> run_produce(const BenchConfig& config, const std::string& topic) {
  std::vector<std::unique_ptr<LoadProducer>> producers;
  for (std::uint32_t i = 0; i < config.producers; ++i) {
    PENSTOCK_TRY_ASSIGN(auto producer, LoadProducer::open(config, topic));
    producers.push_back(std::move(producer));
  }
  const std::int64_t start = system_clock().steady_ns();
  for (std::uint16_t i = 0; i < producers.size(); ++i) {
    producers[i]->run(plan_of(config, start, i));
  }
  ProduceResult result;
  Status first_failure;
  for (auto& producer : producers) {
    auto outcome = producer->finish();
    if (outcome) {
      result.outcome.add(*outcome);
    } else if (first_failure) {
      first_failure = fail(std::move(outcome).error());
    }
  }
  PENSTOCK_TRY(first_failure);
  result.seconds = static_cast<double>(result.outcome.end_ns - start) / 1e9;
  return result;
}

}  // namespace penstock::bench
