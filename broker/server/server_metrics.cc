#include "broker/server/server_metrics.h"

#include <prometheus/text_serializer.h>

#include "base/assert.h"

namespace penstock::broker {
namespace {

// From a cached append to a disk that hangs.
const prometheus::Histogram::BucketBoundaries kSeconds = {
    0.00002, 0.00005, 0.0001, 0.0002, 0.0003, 0.0005, 0.00075, 0.001, 0.0015, 0.002, 0.003,
    0.005,   0.01,    0.02,   0.05,   0.1,    0.2,    0.5,     1,     2,      5,     10};

const std::string kStageName = "penstock_broker_produce_stage_seconds";
const std::string kStageHelp =
    "Time of one stage of producing. queue: received until begun; append: checked and in the page "
    "cache; flush_wait: waiting for a place on the disk; fsync: one group commit; reply: from "
    "durable "
    "to answered.";

double seconds(std::int64_t ns) { return static_cast<double>(ns) * 1e-9; }

void raise_to(prometheus::Counter& counter, std::uint64_t total) {
  const double more = static_cast<double>(total) - counter.Value();
  if (more > 0) counter.Increment(more);
}

}  // namespace

prometheus::Counter& ServerMetrics::counter(const std::string& name, const std::string& help,
                                            const prometheus::Labels& labels) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry_).Add(labels);
}

prometheus::Gauge& ServerMetrics::gauge(const std::string& name, const std::string& help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry_).Add({});
}

prometheus::Histogram& ServerMetrics::histogram(const std::string& name, const std::string& help,
                                                const prometheus::Labels& labels) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry_).Add(labels,
                                                                                    kSeconds);
}

ServerMetrics::ServerMetrics()
    : errors_(prometheus::BuildCounter()
                  .Name("penstock_broker_errors_total")
                  .Help("Requests, or partitions of requests, that were answered with an error.")
                  .Register(registry_)),
      stage_queue_(histogram(kStageName, kStageHelp, {{"stage", "queue"}})),
      stage_append_(histogram(kStageName, kStageHelp, {{"stage", "append"}})),
      stage_flush_wait_(histogram(kStageName, kStageHelp, {{"stage", "flush_wait"}})),
      stage_fsync_(histogram(kStageName, kStageHelp, {{"stage", "fsync"}})),
      stage_reply_(histogram(kStageName, kStageHelp, {{"stage", "reply"}})),
      appended_bytes_(counter("penstock_partition_appended_bytes_total",
                              "Bytes of record batches appended, as stored.")),
      appended_records_(counter("penstock_partition_appended_records_total", "Records appended.")),
      repeated_batches_(counter("penstock_partition_repeated_batches_total",
                                "Batches that producers sent again and that were in the log "
                                "already: they were answered, and not appended twice.")),
      read_bytes_cache_(counter("penstock_partition_read_bytes_total",
                                "Bytes of record batches read, from the page cache or the disk.",
                                {{"from", "cache"}})),
      read_bytes_disk_(counter("penstock_partition_read_bytes_total",
                               "Bytes of record batches read, from the page cache or the disk.",
                               {{"from", "disk"}})),
      retention_bytes_(counter("penstock_partition_retention_freed_bytes_total",
                               "Bytes that retention removed.")),
      compaction_passes_(counter("penstock_compaction_passes_total",
                                 "Passes of key compaction that ended, one way or the other.")),
      compaction_failures_(counter("penstock_compaction_failures_total",
                                   "Passes that could not begin or were given up: damage, a full "
                                   "disk, or a log that was cut meanwhile. The log says which; "
                                   "they are tried again.")),
      compaction_read_(
          counter("penstock_compaction_read_bytes_total", "Bytes that passes have read.")),
      compaction_written_(
          counter("penstock_compaction_written_bytes_total", "Bytes that passes have written.")),
      compaction_freed_(counter("penstock_compaction_freed_bytes_total",
                                "Bytes by which passes have made logs smaller.")),
      compaction_superseded_(counter("penstock_compaction_removed_records_total",
                                     "Records that passes have removed: older values of a key, or "
                                     "tombstones whose time was over.",
                                     {{"what", "superseded"}})),
      compaction_tombstones_(counter("penstock_compaction_removed_records_total",
                                     "Records that passes have removed: older values of a key, or "
                                     "tombstones whose time was over.",
                                     {{"what", "tombstone"}})),
      checkpoint_seconds_(histogram("penstock_partition_checkpoint_seconds",
                                    "Time to write one checkpoint, which bounds recovery.")),
      connections_(gauge("penstock_rpc_connections", "Connections that are open.")),
      connections_total_(
          counter("penstock_rpc_connections_total", "Connections accepted since the start.")),
      connections_refused_(counter("penstock_rpc_connections_refused_total",
                                   "Connections refused because a limit was reached.")),
      protocol_violations_(counter("penstock_rpc_protocol_violations_total",
                                   "Connections closed because the peer sent garbage or stalled.")),
      received_bytes_(counter("penstock_rpc_received_bytes_total", "Bytes received from clients.")),
      sent_bytes_(counter("penstock_rpc_sent_bytes_total", "Bytes sent to clients.")),
      request_memory_(gauge("penstock_rpc_request_memory_bytes",
                            "Memory of requests that are being read or carried out.")),
      topics_(gauge("penstock_broker_topics", "Topics.")),
      partitions_(gauge("penstock_broker_partitions", "Partitions.")),
      partitions_damaged_(gauge("penstock_broker_partitions_damaged",
                                "Partitions that could not be opened or hold damaged records. An "
                                "operator must look at each.")),
      log_bytes_(gauge("penstock_broker_log_bytes", "Size of all partitions' logs.")),
      known_producers_(gauge("penstock_broker_known_producers",
                             "Idempotent producers that partitions remember, each counted in "
                             "every partition that it writes to.")),
      compacted_partitions_(
          gauge("penstock_compaction_partitions", "Partitions that are compacted by key.")),
      compaction_dirty_bytes_(gauge("penstock_compaction_dirty_bytes",
                                    "Bytes of whole files that came since their partition's last "
                                    "pass.")),
      compaction_dirty_ratio_(gauge("penstock_compaction_dirty_ratio",
                                    "Share of such bytes, of the partition where it is largest. A "
                                    "pass begins at one half; a share that stays near 1 says that "
                                    "passes do not keep up.")),
      disk_total_(gauge("penstock_disk_total_bytes", "Size of the data directory's file system.")),
      disk_available_(gauge("penstock_disk_available_bytes",
                            "Free space of the data directory's file system.")),
      disk_refusing_(
          gauge("penstock_disk_refusing_producers",
                "1 while producers are refused because free space is below the reserve.")),
      resident_(gauge("penstock_process_resident_bytes", "Resident memory of the process.")),
      uptime_(gauge("penstock_process_uptime_seconds", "Time since the broker started.")) {
  auto& requests = prometheus::BuildCounter()
                       .Name("penstock_broker_requests_total")
                       .Help("Requests answered, by API.")
                       .Register(registry_);
  auto& times = prometheus::BuildHistogram()
                    .Name("penstock_broker_request_seconds")
                    .Help(
                        "Time from a request's last byte to its answer, by API. A fetch may wait "
                        "for records on purpose.")
                    .Register(registry_);
  for (const wire::ApiInfo& api : wire::api_table()) {
    if (api.api == wire::Api::kHandshake) continue;  // the RPC layer answers it
    const prometheus::Labels labels = {{"api", std::string(api.name)}};
    slot(api.api) = {.requests = &requests.Add(labels), .seconds = &times.Add(labels, kSeconds)};
  }
  // A family without a series would be missing from the reference.
  errors_.Add({{"api", "Produce"}, {"error", std::string(info(Errc::kDiskFull).name)}});
}

ServerMetrics::PerApi& ServerMetrics::slot(wire::Api api) {
  const auto index = static_cast<std::size_t>(api);
  PENSTOCK_ASSERT(index < kApiSlots, "every API number has a slot");
  return apis_[index];
}

void ServerMetrics::request_done(wire::Api api, std::int64_t queued_ns, std::int64_t took_ns) {
  const PerApi& metrics = slot(api);
  metrics.requests->Increment();
  metrics.seconds->Observe(seconds(took_ns));
  if (api == wire::Api::kProduce) stage_queue_.Observe(seconds(queued_ns));
}

std::uint64_t ServerMetrics::requests_total() const {
  double total = 0;
  for (const PerApi& api : apis_) total += api.requests == nullptr ? 0 : api.requests->Value();
  return static_cast<std::uint64_t>(total);
}

void ServerMetrics::request_failed(wire::Api api, Errc code) {
  errors_.Add({{"api", std::string(wire::name(api))}, {"error", std::string(info(code).name)}})
      .Increment();
}

void ServerMetrics::reply_delayed(std::int64_t took_ns) { stage_reply_.Observe(seconds(took_ns)); }

void ServerMetrics::appended(std::uint64_t bytes, std::int64_t records, std::int64_t took_ns) {
  appended_bytes_.Increment(static_cast<double>(bytes));
  appended_records_.Increment(static_cast<double>(records));
  stage_append_.Observe(seconds(took_ns));
}

void ServerMetrics::repeated(std::uint32_t batches) { repeated_batches_.Increment(batches); }

void ServerMetrics::flushed(std::int64_t queued_ns, std::int64_t took_ns) {
  stage_flush_wait_.Observe(seconds(queued_ns));
  stage_fsync_.Observe(seconds(took_ns));
}

void ServerMetrics::checkpointed(std::int64_t took_ns) {
  checkpoint_seconds_.Observe(seconds(took_ns));
}

void ServerMetrics::read(std::uint64_t bytes, bool from_disk) {
  (from_disk ? read_bytes_disk_ : read_bytes_cache_).Increment(static_cast<double>(bytes));
}

void ServerMetrics::retention_freed(std::uint64_t bytes) {
  retention_bytes_.Increment(static_cast<double>(bytes));
}

void ServerMetrics::compacted(const storage::CompactionFigures& figures) {
  const auto add = [](prometheus::Counter& counter, std::uint64_t count) {
    counter.Increment(static_cast<double>(count));
  };
  add(compaction_passes_, 1);
  add(compaction_read_, figures.bytes_read);
  add(compaction_written_, figures.bytes_written);
  add(compaction_freed_, figures.bytes_freed);
  add(compaction_superseded_, figures.records_superseded);
  add(compaction_tombstones_, figures.tombstones_removed);
}

void ServerMetrics::compaction_failed() { compaction_failures_.Increment(); }

void ServerMetrics::set(const Snapshot& now) {
  const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
  connections_.Set(number(now.connections));
  raise_to(connections_total_, now.connections_total);
  raise_to(connections_refused_, now.connections_refused_total);
  raise_to(protocol_violations_, now.protocol_violations_total);
  raise_to(received_bytes_, now.received_bytes_total);
  raise_to(sent_bytes_, now.sent_bytes_total);
  request_memory_.Set(number(now.request_memory_bytes));
  topics_.Set(number(now.topics));
  partitions_.Set(number(now.partitions));
  partitions_damaged_.Set(number(now.partitions_damaged));
  log_bytes_.Set(number(now.log_bytes));
  known_producers_.Set(number(now.known_producers));
  compacted_partitions_.Set(number(now.compacted_partitions));
  compaction_dirty_bytes_.Set(number(now.compaction_dirty_bytes));
  compaction_dirty_ratio_.Set(now.compaction_dirty_ratio);
  disk_total_.Set(number(now.disk_total_bytes));
  disk_available_.Set(number(now.disk_available_bytes));
  disk_refusing_.Set(now.disk_refusing ? 1 : 0);
  resident_.Set(number(now.resident_bytes));
  uptime_.Set(now.uptime_seconds);
}

std::string ServerMetrics::to_text() const {
  return prometheus::TextSerializer().Serialize(registry_.Collect());
}

}  // namespace penstock::broker
