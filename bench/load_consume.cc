#include "bench/load_consume.h"

#include <algorithm>

#include "base/clock.h"

namespace penstock::bench {

Result<ConsumeResult> run_consume(const BenchConfig& config, const BenchTopic& topic) {
  PENSTOCK_TRY_ASSIGN(const std::vector<OffsetRange> ranges, topic.ranges());
  std::int64_t expected = 0;
  for (const OffsetRange& range : ranges) expected += range.end - range.begin;
  if (expected == 0) {
    return fail(Errc::kInvalidArgument, "topic '" + topic.name() + "' holds no records to read");
  }

  std::vector<std::unique_ptr<LoadConsumer>> consumers;
  const std::int64_t start = system_clock().steady_ns();
  for (auto& hand : deal_partitions(topic.name(), topic.partitions(), config.consumers,
                                    client::StartAt::beginning())) {
    std::vector<PartitionId> mine;
    for (const auto& one : hand) mine.push_back(one.partition);
    PENSTOCK_TRY_ASSIGN(auto consumer, LoadConsumer::open(config, std::move(hand), {}));
    consumers.push_back(std::move(consumer));
    consumers.back()->run([reader = consumers.back().get(), mine, &ranges] {
      return std::ranges::all_of(mine, [&](PartitionId p) {
        const OffsetRange& range = ranges[static_cast<std::size_t>(p.value())];
        return range.begin == range.end || reader->position(p) >= range.end;
      });
    });
  }

  ConsumeResult result;
  std::int64_t end = start;
  Status first_failure;
  for (auto& consumer : consumers) {
    auto outcome = consumer->finish();
    if (!outcome) {
      if (first_failure) first_failure = fail(std::move(outcome).error());
      continue;
    }
    result.outcome.records += outcome->records;
    result.outcome.value_bytes += outcome->value_bytes;
    result.outcome.batch_bytes += outcome->batch_bytes;
    result.outcome.fetches += outcome->fetches;
    end = std::max(end, outcome->end_ns);
  }
  PENSTOCK_TRY(first_failure);
  result.seconds = static_cast<double>(end - start) / 1e9;
  // More than expected is possible on a topic that others write to.
  const auto wanted = static_cast<std::uint64_t>(expected);
  result.missing = wanted > result.outcome.records ? wanted - result.outcome.records : 0;
  return result;
}

}  // namespace penstock::bench
