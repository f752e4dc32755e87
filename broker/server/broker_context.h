// BrokerContext: what the handlers of a broker share.
//
// Threads: fixed before the first shard runs; what it points to says its own rules. Lifetime:
// outlives every request.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "broker/partition/disk_guard.h"
#include "broker/server/broker_config.h"
#include "broker/server/node_identity.h"
#include "broker/server/server_metrics.h"
#include "broker/server/shard.h"

namespace penstock::broker {

class TopicAdmin;

struct BrokerContext {
  BrokerConfig config;
  NodeIdentity identity;
  std::string software;
  std::int64_t started_ns = 0;
  const Clock* clock = nullptr;
  ServerMetrics metrics;
  std::unique_ptr<DiskGuard> disk;
  std::vector<std::unique_ptr<Shard>> shards;
  TopicAdmin* admin = nullptr;

  // Neighbouring partitions of a topic live on different shards; for life.
  std::size_t shard_index(const TopicPartition& id) const {
    return (std::hash<Uuid>()(id.topic) + static_cast<std::size_t>(id.partition.value())) %
           shards.size();
  }
  Shard& shard_of(const TopicPartition& id) { return *shards[shard_index(id)]; }
  // Where metadata is changed.
  Shard& admin_shard() { return *shards.front(); }
};

}  // namespace penstock::broker
