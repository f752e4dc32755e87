// Broker::State: what the broker does beside requests: HTTP answers, housekeeping, memory.
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/log.h"
#include "broker/server/broker_state.h"
#include "broker/server/limits.h"

namespace penstock::broker {
namespace {

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// On the shard.
void add_shard(const Shard& shard, Snapshot& now) {
  const rpc::ServerStats stats = shard.server().stats();
  now.connections += stats.connections_open;
  now.connections_total += stats.connections_total;
  now.connections_refused_total += stats.connections_refused_total;
  now.protocol_violations_total += stats.connections_closed_for_violation_total;
  now.received_bytes_total += stats.received_bytes_total;
  now.sent_bytes_total += stats.sent_bytes_total;
  now.request_memory_bytes += stats.request_memory_bytes;
  now.partitions_damaged += shard.broken_partitions();
  for (const auto& partition : shard.partitions()) {
    ++now.partitions;
    now.log_bytes += partition->size_bytes();
    const ProducerTable* const producers = partition->replica().producers();
    if (producers != nullptr) now.known_producers += producers->producers().size();
    if (!partition->is_compacted()) continue;
    const CompactionBacklog backlog = partition->compaction_backlog();
    ++now.compacted_partitions;
    now.compaction_dirty_bytes += backlog.dirty_bytes;
    now.compaction_dirty_ratio = std::max(now.compaction_dirty_ratio, backlog.dirty_share());
  }
}

}  // namespace

Task<HttpAnswer> Broker::State::answer_http(std::string path) {
  if (path == "/health") {
    const bool full = context_.disk->refusing();
    co_return HttpAnswer{.status = full ? 503U : 200U,
                         .content_type = "text/plain",
                         .body = full ? "disk full: producers are refused\n" : "ok\n"};
  }
  if (path == "/metrics") {
    Snapshot now;
    co_await take_snapshot(now);
    context_.metrics.set(now);
    co_return HttpAnswer{.status = 200,
                         .content_type = "text/plain; version=0.0.4",
                         .body = context_.metrics.to_text()};
  }
  co_return HttpAnswer{
      .status = 404, .content_type = "text/plain", .body = "there are /metrics and /health\n"};
}

Task<void> Broker::State::take_snapshot(Snapshot& now) {
  for (const auto& shard : context_.shards) {
    co_await run_on(shard->executor(), [&shard = *shard, &now] {
      add_shard(shard, now);
      return Status{};
    });
  }
  context_.disk->measure();
  const DiskSpace space = context_.disk->last_seen();
  now.topics = context_.admin_shard().image()->topics().size();
  now.disk_total_bytes = space.total_bytes;
  now.disk_available_bytes = space.available_bytes;
  now.disk_refusing = context_.disk->refusing();
  now.resident_bytes = resident_bytes();
  now.uptime_seconds =
      static_cast<double>(context_.clock->steady_ns() - context_.started_ns) * 1e-9;
}

// One slow timer for all partitions of a shard; nothing that a request waits for.
Task<void> Broker::State::keep_house(Shard& shard) {
  while (co_await sleep_for(kHousekeepingPeriod)) {
    for (const auto& partition : shard.partitions()) partition->apply_retention();
    if (&shard != &context_.admin_shard()) continue;
    const bool refused = context_.disk->refusing();
    context_.disk->measure();
    if (refused != context_.disk->refusing()) {
      logger("broker").warn("producers {} free_bytes={}",
                            refused ? "are served again" : "are refused: the disk is full",
                            context_.disk->last_seen().available_bytes);
    }
    asio::post(saves_, [this] { reserve_.take(); });
    co_await placer_->empty_trash();
    give_memory_back();
  }
}

// The allocator keeps what requests used; an idle broker returns it to the system, once.
void Broker::State::give_memory_back() {
  const std::uint64_t requests = context_.metrics.requests_total();
  if (requests != requests_seen_) {
    requests_seen_ = requests;
    memory_given_back_ = false;
  } else if (!memory_given_back_) {
    memory_given_back_ = true;
    ::malloc_trim(0);
  }
}

}  // namespace penstock::broker
