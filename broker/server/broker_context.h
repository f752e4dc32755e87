// BrokerContext: what the handlers of a broker share.
//
// Threads: fixed before the first shard runs; what it points to says its own rules. Lifetime:
// outlives every request.
#pragma once

#include <atomic>
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

class BrokerCalls;
class ControllerGate;
class MetadataGroup;
class PartitionPlacer;
class ProducerIds;
class TopicAdmin;

struct BrokerContext {
  BrokerConfig config;
  NodeIdentity identity;
  std::string software;
  std::int64_t started_ns = 0;
  Timestamp started_at;
  const Clock* clock = nullptr;
  ServerMetrics metrics;
  std::unique_ptr<DiskGuard> disk;
  std::vector<std::unique_ptr<Shard>> shards;
  // These live on the admin shard.
  MetadataGroup* metadata = nullptr;
  BrokerCalls* calls = nullptr;
  ControllerGate* gate = nullptr;
  PartitionPlacer* placer = nullptr;
  TopicAdmin* admin = nullptr;
  ProducerIds* producer_ids = nullptr;
  // Where clients and brokers reach this one; no host: the address that they used.
  rpc::Endpoint address;
  // It knows as much of the metadata as when it was last stopped: it may say what does not exist.
  std::atomic<bool> has_caught_up = false;

  // Neighbouring partitions of a topic live on different shards; for life.
  // The metadata group (of the nil id) is on the first one.
  std::size_t shard_index(const TopicPartition& id) const {
    if (id.topic.is_nil()) return 0;
    return (std::hash<Uuid>()(id.topic) + static_cast<std::size_t>(id.partition.value())) %
           shards.size();
  }
  Shard& shard_of(const TopicPartition& id) { return *shards[shard_index(id)]; }
  raft::NodeId self() const { return raft::NodeId(identity.node_id); }
  // Where metadata is changed.
  Shard& admin_shard() { return *shards.front(); }
};

}  // namespace penstock::broker
