// ServerMetrics: everything that the broker measures, in one Prometheus registry.
//
// docs/METRICS.md is generated from the registry's families, so a metric exists only with its help
// text. Threads: any; counters are atomic. Gauges that are read from elsewhere are set just before
// a scrape.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <cstdint>
#include <string>

#include "base/errc.h"
#include "broker/partition/partition_observer.h"
#include "protocol/wire/api.h"

namespace penstock::broker {

// What is set before a scrape.
struct Snapshot {
  std::uint64_t connections = 0;
  std::uint64_t connections_total = 0;
  std::uint64_t connections_refused_total = 0;
  std::uint64_t protocol_violations_total = 0;
  std::uint64_t received_bytes_total = 0;
  std::uint64_t sent_bytes_total = 0;
  std::uint64_t request_memory_bytes = 0;
  std::uint64_t topics = 0;
  std::uint64_t partitions = 0;
  std::uint64_t partitions_damaged = 0;
  std::uint64_t log_bytes = 0;
  std::uint64_t known_producers = 0;
  std::uint64_t compacted_partitions = 0;
  std::uint64_t compaction_dirty_bytes = 0;
  double compaction_dirty_ratio = 0;  // the largest of a partition
  std::uint64_t disk_total_bytes = 0;
  std::uint64_t disk_available_bytes = 0;
  bool disk_refusing = false;
  std::uint64_t resident_bytes = 0;
  double uptime_seconds = 0;
};

class ServerMetrics final : public PartitionObserver {
 public:
  ServerMetrics();

  void request_done(wire::Api api, std::int64_t queued_ns, std::int64_t took_ns);
  void request_failed(wire::Api api, Errc code);  // the request, or one partition of it
  void reply_delayed(std::int64_t took_ns);       // from durable to answered

  void appended(std::uint64_t bytes, std::int64_t records, std::int64_t took_ns) override;
  void repeated(std::uint32_t batches) override;
  void flushed(std::int64_t queued_ns, std::int64_t took_ns) override;
  void checkpointed(std::int64_t took_ns) override;
  void read(std::uint64_t bytes, bool from_disk) override;
  void retention_freed(std::uint64_t bytes) override;
  void compacted(const storage::CompactionFigures& figures) override;
  void compaction_failed() override;

  std::uint64_t requests_total() const;
  void set(const Snapshot& now);
  // Prometheus text format, version 0.0.4.
  std::string to_text() const;
  const prometheus::Registry& registry() const { return registry_; }

 private:
  struct PerApi {
    prometheus::Counter* requests = nullptr;
    prometheus::Histogram* seconds = nullptr;
  };
  static constexpr std::size_t kApiSlots = 64;
  PerApi& slot(wire::Api api);

  prometheus::Counter& counter(const std::string& name, const std::string& help,
                               const prometheus::Labels& labels = {});
  prometheus::Gauge& gauge(const std::string& name, const std::string& help);
  prometheus::Histogram& histogram(const std::string& name, const std::string& help,
                                   const prometheus::Labels& labels = {});

  prometheus::Registry registry_;
  std::array<PerApi, kApiSlots> apis_{};
  prometheus::Family<prometheus::Counter>& errors_;
  prometheus::Histogram& stage_queue_;
  prometheus::Histogram& stage_append_;
  prometheus::Histogram& stage_flush_wait_;
  prometheus::Histogram& stage_fsync_;
  prometheus::Histogram& stage_reply_;
  prometheus::Counter& appended_bytes_;
  prometheus::Counter& appended_records_;
  prometheus::Counter& repeated_batches_;
  prometheus::Counter& read_bytes_cache_;
  prometheus::Counter& read_bytes_disk_;
  prometheus::Counter& retention_bytes_;
  prometheus::Counter& compaction_passes_;
  prometheus::Counter& compaction_failures_;
  prometheus::Counter& compaction_read_;
  prometheus::Counter& compaction_written_;
  prometheus::Counter& compaction_freed_;
  prometheus::Counter& compaction_superseded_;
  prometheus::Counter& compaction_tombstones_;
  prometheus::Histogram& checkpoint_seconds_;
  // Totals that other modules count: monotone, set as a whole.
  prometheus::Gauge& connections_;
  prometheus::Counter& connections_total_;
  prometheus::Counter& connections_refused_;
  prometheus::Counter& protocol_violations_;
  prometheus::Counter& received_bytes_;
  prometheus::Counter& sent_bytes_;
  prometheus::Gauge& request_memory_;
  prometheus::Gauge& topics_;
  prometheus::Gauge& partitions_;
  prometheus::Gauge& partitions_damaged_;
  prometheus::Gauge& log_bytes_;
  prometheus::Gauge& known_producers_;
  prometheus::Gauge& compacted_partitions_;
  prometheus::Gauge& compaction_dirty_bytes_;
  prometheus::Gauge& compaction_dirty_ratio_;
  prometheus::Gauge& disk_total_;
  prometheus::Gauge& disk_available_;
  prometheus::Gauge& disk_refusing_;
  prometheus::Gauge& resident_;
  prometheus::Gauge& uptime_;
};

}  // namespace penstock::broker
