#include "bench/result_figures.h"

#include <spdlog/fmt/fmt.h>

namespace penstock::bench {
namespace {

double ms(const Histogram& latency, double quantile) {
  return static_cast<double>(latency.percentile(quantile)) / 1e6;
}

double per(double amount, double of) { return of > 0 ? amount / of : 0; }

std::string name_of(client::Durability durability) {
  switch (durability) {
    case client::Durability::kFsynced:
      return "fsynced";
    case client::Durability::kWritten:
      return "written";
    case client::Durability::kTopicDefault:
      break;
  }
  return "topic";
}

void add_latency(RunReport& report, const std::string& prefix, const Histogram& latency) {
  if (latency.count() == 0) return;
  report.figure.add(prefix + "p50_ms", ms(latency, 0.5))
      .add(prefix + "p99_ms", ms(latency, 0.99))
      .add(prefix + "p999_ms", ms(latency, 0.999))
      .add(prefix + "max_ms", ms(latency, 1));
  report.rows.push_back({prefix.empty() ? "latency" : "latency of acknowledgements",
                         "p50 " + four_digits(ms(latency, 0.5)) + " ms",
                         "p99 " + four_digits(ms(latency, 0.99)) + " ms",
                         "p99.9 " + four_digits(ms(latency, 0.999)) + " ms",
                         "max " + four_digits(ms(latency, 1)) + " ms"});
}

// CPU for a GB of record values: what a small machine pays.
void add_cost(RunReport& report, const RunCost& cost, double value_bytes) {
  const double gigabytes = value_bytes / 1e9;
  report.figure.add("client_cpu_s_per_gb", per(cost.client_cpu_seconds, gigabytes));
  report.rows.push_back(
      {"CPU of this client", four_digits(per(cost.client_cpu_seconds, gigabytes)) + " s/GB"});
  if (cost.broker_cpu_seconds) {
    report.figure.add("broker_cpu_s_per_gb", per(*cost.broker_cpu_seconds, gigabytes));
    report.rows.push_back(
        {"CPU of the broker", four_digits(per(*cost.broker_cpu_seconds, gigabytes)) + " s/GB"});
  }
  if (cost.broker_rss_bytes) report.figure.add("broker_rss_bytes", *cost.broker_rss_bytes);
}

void add_throughput(RunReport& report, std::uint64_t records, std::uint64_t value_bytes,
                    double seconds) {
  const double rate = per(static_cast<double>(records), seconds);
  const double mb_per_s = per(static_cast<double>(value_bytes) / 1e6, seconds);
  report.figure.add("seconds", seconds).add("records_per_s", rate).add("mb_per_s", mb_per_s);
  report.rows.push_back({"records", fmt::format("{}", records)});
  report.rows.push_back(
      {"throughput", four_digits(rate) + " records/s", four_digits(mb_per_s) + " MB/s"});
}

}  // namespace

RunReport produce_report(const BenchConfig& config, std::uint32_t partitions,
                         const ProduceResult& result, const RunCost& cost,
                         const std::optional<DiskBound>& bound) {
  const LoadOutcome& outcome = result.outcome;
  const std::uint64_t value_bytes = outcome.delivered * config.record_bytes;
  RunReport report{.rows = {}, .figure = Figure("BENCH_PRODUCE")};
  report.figure.add("records", outcome.delivered)
      .add("record_bytes", config.record_bytes)
      .add("producers", std::uint64_t{config.producers})
      .add("partitions", std::uint64_t{partitions})
      .add("durability", name_of(config.durability))
      .add("codec", std::string(record::name(config.codec)));
  if (config.rate > 0) report.figure.add("rate", config.rate);
  add_throughput(report, outcome.delivered, value_bytes, result.seconds);
  if (bound) {
    const double reached = result.mb_per_s(config.record_bytes);
    const double ratio = per(reached, bound->write.mb_per_s());
    const double overlapped = per(reached, bound->overlapped.mb_per_s());
    report.figure.add("floor_mb_per_s", bound->write.mb_per_s())
        .add("floor_flush_bytes", bound->flush_bytes)
        .add("ratio", ratio)
        .add("floor_overlapped_mb_per_s", bound->overlapped.mb_per_s())
        .add("ratio_overlapped", overlapped);
    report.rows.push_back(
        {fmt::format("disk floor, flushed every {} KiB", bound->flush_bytes >> 10),
         four_digits(bound->write.mb_per_s()) + " MB/s", "ratio " + four_digits(ratio)});
    report.rows.push_back({"the same, writing on while flushing",
                           four_digits(bound->overlapped.mb_per_s()) + " MB/s",
                           "ratio " + four_digits(overlapped)});
  }
  if (cost.bytes_per_flush) report.figure.add("bytes_per_flush", *cost.bytes_per_flush);
  add_latency(report, "", outcome.latency);
  add_cost(report, cost, static_cast<double>(value_bytes));
  report.figure.add("requests", outcome.requests)
      .add("retries", outcome.retries)
      .add("errors", outcome.failed + outcome.unknown);
  return report;
}

RunReport consume_report(const BenchConfig& config, std::uint32_t partitions,
                         const ConsumeResult& result, const RunCost& cost,
                         const std::optional<ThroughputFloor>& bound,
                         std::optional<double> produced_mb_per_s) {
  const ReadOutcome& outcome = result.outcome;
  RunReport report{.rows = {}, .figure = Figure("BENCH_CONSUME")};
  report.figure.add("records", outcome.records)
      .add("bytes", outcome.value_bytes)
      .add("consumers", std::uint64_t{config.consumers})
      .add("partitions", std::uint64_t{partitions});
  add_throughput(report, outcome.records, outcome.value_bytes, result.seconds);
  const double mb_per_s = per(static_cast<double>(outcome.value_bytes) / 1e6, result.seconds);
  if (bound) {
    report.figure.add("floor_mb_per_s", bound->mb_per_s())
        .add("ratio", per(mb_per_s, bound->mb_per_s()));
    report.rows.push_back({"loopback floor", four_digits(bound->mb_per_s()) + " MB/s",
                           "ratio " + four_digits(per(mb_per_s, bound->mb_per_s()))});
  }
  if (produced_mb_per_s) {
    report.figure.add("ratio_to_produce", per(mb_per_s, *produced_mb_per_s));
    report.rows.push_back(
        {"against producing", "ratio " + four_digits(per(mb_per_s, *produced_mb_per_s))});
  }
  add_cost(report, cost, static_cast<double>(outcome.value_bytes));
  report.figure.add("fetches", outcome.fetches).add("errors", result.missing);
  return report;
}

RunReport e2e_report(const BenchConfig& config, std::uint32_t partitions, const E2eResult& result,
                     const RunCost& cost, const std::optional<LatencyBound>& bound) {
  const LoadOutcome& produced = result.produced;
  RunReport report{.rows = {}, .figure = Figure("BENCH_E2E")};
  report.figure.add("rate", config.rate)
      .add("records", result.latency.count())
      .add("record_bytes", config.record_bytes)
      .add("producers", std::uint64_t{config.producers})
      .add("consumers", std::uint64_t{config.consumers})
      .add("partitions", std::uint64_t{partitions})
      .add("durability", name_of(config.durability))
      .add("seconds", result.seconds)
      .add("reached_per_s", per(static_cast<double>(produced.delivered), result.seconds));
  report.rows.push_back({"records measured", fmt::format("{} of {} (the others are warm-up)",
                                                         result.latency.count(), result.received)});
  add_latency(report, "", result.latency);
  add_latency(report, "ack_", produced.latency);
  if (bound) {
    const double floor_ms = ms(bound->flush.latency, 0.5) + ms(bound->ping.latency, 0.5);
    report.figure.add("floor_p50_ms", floor_ms)
        .add("ratio", per(ms(result.latency, 0.5), floor_ms));
    report.rows.push_back({"floor: a flush and two ways over loopback",
                           "p50 " + four_digits(floor_ms) + " ms",
                           "ratio " + four_digits(per(ms(result.latency, 0.5), floor_ms))});
  }
  add_cost(report, cost, static_cast<double>(produced.delivered * config.record_bytes));
  report.figure.add("lost", result.lost)
      .add("repeated", result.repeated)
      .add("errors", produced.failed + produced.unknown + result.lost + result.repeated);
  return report;
}

}  // namespace penstock::bench
