#include "bench/load_e2e.h"

#include <atomic>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "bench/arrivals.h"
#include "bench/load_consumer.h"
#include "bench/load_produce.h"
#include "bench/load_stamp.h"

namespace penstock::bench {
namespace {

// How long consumers go on for records that were acknowledged and have not come.
constexpr std::int64_t kStragglersNs = 5'000'000'000;
constexpr std::int64_t kNever = INT64_MAX;

// What all readers of one run share with the thread that started them.
struct Shared {
  std::uint64_t run = 0;
  std::atomic<std::int64_t> measure_from_ns = kNever;
  std::atomic<std::uint64_t> expected = UINT64_MAX;  // known when all producers have ended
  std::atomic<std::uint64_t> received = 0;
  std::atomic<std::int64_t> give_up_ns = kNever;

  bool over() const { return received >= expected || system_clock().steady_ns() >= give_up_ns; }
};

// One reader's own counts.
struct Reader {
  Arrivals arrivals;
  Histogram latency;
  std::unique_ptr<LoadConsumer> consumer;

  void take(Shared& shared, PartitionId partition, const record::RecordView& record) {
    const auto stamp = record.value ? Stamp::read(*record.value) : std::nullopt;
    if (!stamp || stamp->run != shared.run) return;
    if (!arrivals.add(partition, stamp->producer, stamp->number)) return;
    ++shared.received;
    if (stamp->due_ns >= shared.measure_from_ns.load(std::memory_order_relaxed)) {
      latency.record(system_clock().steady_ns() - stamp->due_ns);
    }
  }
};

Result<std::vector<std::unique_ptr<Reader>>> start_readers(const BenchConfig& config,
                                                           const BenchTopic& topic,
                                                           Shared& shared) {
  std::vector<std::unique_ptr<Reader>> readers;
  for (auto& hand : deal_partitions(topic.name(), topic.partitions(), config.consumers,
                                    client::StartAt::end())) {
    auto reader = std::make_unique<Reader>();
    PENSTOCK_TRY_ASSIGN(
        reader->consumer,
        LoadConsumer::open(config, std::move(hand),
                           [&shared, reader = reader.get()](auto partition, const auto& record) {
                             reader->take(shared, partition, record);
                           }));
    readers.push_back(std::move(reader));
  }
  return readers;
}

}  // namespace

Result<E2eResult> run_e2e(const BenchConfig& config, const BenchTopic& topic) {
  Shared shared;
  shared.run = random_seed();
  std::vector<std::unique_ptr<LoadProducer>> producers;
  for (std::uint32_t i = 0; i < config.producers; ++i) {
    PENSTOCK_TRY_ASSIGN(auto producer, LoadProducer::open(config, topic.name()));
    producers.push_back(std::move(producer));
  }
  PENSTOCK_TRY_ASSIGN(const auto readers, start_readers(config, topic, shared));
  for (const auto& reader : readers) reader->consumer->run([&shared] { return shared.over(); });

  const std::int64_t start = system_clock().steady_ns();
  shared.measure_from_ns = plan_of(config, start, 0).measure_from_ns;
  for (std::uint16_t i = 0; i < producers.size(); ++i) {
    LoadPlan plan = plan_of(config, start, i);
    plan.run = shared.run;
    producers[i]->run(plan);
  }
  E2eResult result;
  Status first_failure;
  for (auto& producer : producers) {
    auto outcome = producer->finish();
    if (outcome) {
      result.produced.add(*outcome);
    } else if (first_failure) {
      first_failure = fail(std::move(outcome).error());
    }
  }
  // An unknown outcome may still arrive; it is not waited for.
  shared.expected = result.produced.delivered;
  shared.give_up_ns = system_clock().steady_ns() + kStragglersNs;
  for (const auto& reader : readers) {
    auto outcome = reader->consumer->finish();
    if (!outcome && first_failure) first_failure = fail(std::move(outcome).error());
    result.latency.merge(reader->latency);
    result.received += reader->arrivals.accepted();
    result.repeated += reader->arrivals.repeated();
  }
  PENSTOCK_TRY(first_failure);
  result.seconds = static_cast<double>(result.produced.end_ns - start) / 1e9;
  if (result.received < result.produced.delivered) {
    result.lost = result.produced.delivered - result.received;
  }
  return result;
}

}  // namespace penstock::bench
