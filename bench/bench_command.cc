#include "bench/bench_command.h"

#include <algorithm>
#include <ostream>

#include "base/file.h"
#include "bench/broker_watch.h"
#include "bench/floor.h"
#include "bench/limits.h"
#include "bench/load_consume.h"
#include "bench/load_e2e.h"
#include "bench/load_produce.h"
#include "bench/load_topic.h"
#include "bench/result_figures.h"

namespace penstock::bench {
namespace {

constexpr double kE2eRate = 10'000;
// Until the broker says better: what it gathers behind one flush when producers keep it busy.
constexpr std::uint64_t kAssumedFlushBytes = 1U << 20;

Status check_range(std::string_view name, double value, double low, double high) {
  if (value >= low && value <= high) return {};
  return fail(Errc::kInvalidArgument, "--" + std::string(name) + " is " + four_digits(value) +
                                          "; it must lie between " + four_digits(low) + " and " +
                                          four_digits(high));
}

Status check(const BenchConfig& config) {
  const auto number = [](auto value) { return static_cast<double>(value); };
  PENSTOCK_TRY(check_range("partitions", number(config.partitions), 1, kMaxPartitions));
  PENSTOCK_TRY(check_range("producers", number(config.producers), 1, kMaxLoadThreads));
  PENSTOCK_TRY(check_range("consumers", number(config.consumers), 1, kMaxLoadThreads));
  PENSTOCK_TRY(check_range("seconds", config.seconds, 0.01, kMaxSeconds));
  PENSTOCK_TRY(check_range("warmup_seconds", config.warmup_seconds, 0, kMaxSeconds));
  PENSTOCK_TRY(check_range("rate", config.rate, 0, kMaxRate));
  PENSTOCK_TRY(check_range("floor_seconds", config.floor_seconds, 0, kMaxSeconds));
  PENSTOCK_TRY(check_range("floor_flush_bytes", number(config.floor_flush_bytes), 0,
                           number(kFloorFileBytes)));
  const double least = config.mode == BenchMode::kE2e ? number(kMinStampedRecordBytes) : 1;
  PENSTOCK_TRY(
      check_range("record_bytes", number(config.record_bytes), least, number(kMaxRecordBytes)));
  if (config.linger_ms) {
    PENSTOCK_TRY(check_range("linger_ms", number(*config.linger_ms), 0, 60'000));
  }
  if (config.records > 0 && config.records < config.producers) {
    return fail(Errc::kInvalidArgument, "--records must be at least one for each producer");
  }
  return {};
}

FloorOptions floor_options(const BenchConfig& config) {
  return {.dir = config.floor_dir, .seconds = config.floor_seconds, .seed = config.seed};
}

// What bounds a produce run: the disk, flushed as the broker flushed it.
Result<DiskBound> disk_bound(const BenchConfig& config, const RunCost& cost) {
  DiskBound bound;
  bound.flush_bytes = config.floor_flush_bytes;
  if (bound.flush_bytes == 0) bound.flush_bytes = cost.bytes_per_flush.value_or(kAssumedFlushBytes);
  bound.flush_bytes = std::clamp<std::uint64_t>(bound.flush_bytes, 1, kFloorFileBytes);
  const FloorOptions options = floor_options(config);
  PENSTOCK_TRY_ASSIGN(bound.write, flushed_write_floor(posix_env(), options, bound.flush_bytes));
  PENSTOCK_TRY_ASSIGN(bound.overlapped, flushed_write_floor(posix_env(), options, bound.flush_bytes,
                                                            FlushPattern::kOverlapped));
  return bound;
}

// Errors of records are errors of the run, but only after its figures are out.
Status verdict(std::uint64_t bad, const std::string& what, const std::string& first_error) {
  if (bad == 0) return {};
  return fail(Errc::kMismatch, std::to_string(bad) + " records " + what +
                                   (first_error.empty() ? "" : "; the first: " + first_error));
}

class Run {
 public:
  Run(const BenchConfig& config, std::ostream& out) : config_(config), out_(out) {}

  Status produce(const BenchTopic& topic) {
    out_ << "producing into " << topic.name() << std::endl;
    const BrokerWatch watch = BrokerWatch::begin(config_);
    PENSTOCK_TRY_ASSIGN(const ProduceResult result, run_produce(config_, topic.name()));
    const RunCost cost = watch.end();
    std::optional<DiskBound> bound;
    if (config_.floor_seconds > 0) {
      PENSTOCK_TRY_ASSIGN(bound, disk_bound(config_, cost));
    }
    produced_mb_per_s_ = result.mb_per_s(config_.record_bytes);
    print(produce_report(config_, topic.partitions(), result, cost, bound));
    return verdict(result.outcome.failed + result.outcome.unknown, "were not acknowledged",
                   result.outcome.first_error);
  }

  Status consume(const BenchTopic& topic) {
    out_ << "consuming " << topic.name() << " from its beginning" << std::endl;
    const BrokerWatch watch = BrokerWatch::begin(config_);
    PENSTOCK_TRY_ASSIGN(const ConsumeResult result, run_consume(config_, topic));
    const RunCost cost = watch.end();
    std::optional<ThroughputFloor> bound;
    if (config_.floor_seconds > 0) {
      PENSTOCK_TRY_ASSIGN(bound, loopback_stream_floor(floor_options(config_), 1U << 20));
    }
    print(consume_report(config_, topic.partitions(), result, cost, bound, produced_mb_per_s_));
    return verdict(result.missing, "are missing", "");
  }

  Status e2e(const BenchTopic& topic) {
    out_ << "producing into " << topic.name() << " at " << four_digits(config_.rate)
         << " records/s and consuming it" << std::endl;
    const BrokerWatch watch = BrokerWatch::begin(config_);
    PENSTOCK_TRY_ASSIGN(const E2eResult result, run_e2e(config_, topic));
    const RunCost cost = watch.end();
    std::optional<LatencyBound> bound;
    if (config_.floor_seconds > 0) {
      bound.emplace();
      const FloorOptions options = floor_options(config_);
      PENSTOCK_TRY_ASSIGN(bound->flush, small_flush_floor(posix_env(), options, 4096));
      PENSTOCK_TRY_ASSIGN(bound->ping, loopback_ping_floor(options, config_.record_bytes));
    }
    print(e2e_report(config_, topic.partitions(), result, cost, bound));
    PENSTOCK_TRY(verdict(result.produced.failed + result.produced.unknown, "were not acknowledged",
                         result.produced.first_error));
    return verdict(result.lost + result.repeated, "were lost, or came twice or out of order", "");
  }

  Status floors() {
    FloorOptions options = floor_options(config_);
    if (options.seconds == 0) options.seconds = 1;
    PENSTOCK_TRY_ASSIGN(figures_, run_floors(posix_env(), options, out_));
    return {};
  }

  const std::vector<Figure>& figures() const { return figures_; }

 private:
  void print(const RunReport& report) {
    print_table(out_, report.rows);
    out_ << report.figure.line() << std::endl;
    figures_.push_back(report.figure);
  }

  const BenchConfig& config_;
  std::ostream& out_;
  std::vector<Figure> figures_;
  std::optional<double> produced_mb_per_s_;  // by a produce run on the same topic before
};

Status run_on_topic(const BenchConfig& config, Run& run) {
  PENSTOCK_TRY_ASSIGN(BenchTopic topic, BenchTopic::open(config));
  Status status;
  if (config.mode == BenchMode::kProduce) {
    status = run.produce(topic);
  } else if (config.mode == BenchMode::kE2e) {
    status = run.e2e(topic);
  } else {
    // A topic of our own is empty: what is read back is written first, and measured as well.
    if (topic.is_temporary()) status = run.produce(topic);
    if (status) status = run.consume(topic);
  }
  const Status removed = topic.remove();
  return status ? removed : status;
}

}  // namespace

Status run_bench(const BenchConfig& given, std::ostream& out) {
  BenchConfig config = given;
  if (config.mode == BenchMode::kE2e) {
    if (config.rate == 0) config.rate = kE2eRate;
    if (!config.linger_ms) config.linger_ms = 0;
  }
  PENSTOCK_TRY(check(config));
  Run run(config, out);
  Status status = config.mode == BenchMode::kFloor ? run.floors() : run_on_topic(config, run);
  if (!config.json_file.empty() && !run.figures().empty()) {
    const Status written = write_json_file(config.json_file, run.figures());
    if (status) status = written;
  }
  return status;
}

}  // namespace penstock::bench
