// What a cluster tells of itself, and what an operator asks of it: plain values.
//
// Units are in the names; of what is not known, the number is -1.
// Threads: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/types.h"

namespace penstock::client {

struct BrokerStatus {
  std::int32_t id = -1;
  std::string host;
  std::uint16_t port = 0;
  std::string rack;
  std::string state;       // "active", "draining", "drained", "decommissioned"
  bool reachable = false;  // by the broker that answers
  bool votes = false;      // on the cluster's metadata
  std::uint32_t leaders = 0;
  std::uint32_t replicas = 0;
  std::uint64_t size_bytes = 0;
};

struct ReplicaStatus {
  std::int32_t broker = -1;
  Offset durable_end;
  std::int64_t lag_records = 0;
  std::int64_t lag_bytes = -1;
  std::int64_t lag_ms = 0;  // since it was last level with the leader; 0: it is
  bool voter = false;
  bool reachable = false;
};

struct PartitionStatus {
  Uuid topic_id;
  std::string topic;
  PartitionId partition;
  std::int32_t leader = -1;  // -1: none
  Term term;
  Offset high_watermark;
  Offset log_end;
  std::vector<ReplicaStatus> replicas;
  std::vector<std::int32_t> wanted;  // brokers, preferred leader first
  std::string step;                  // towards that, in words; empty: nothing to do
  bool under_replicated = false;
  bool at_risk = false;  // one more failure would stop it
};

// Records that a broker's own disk does not give back as they were written.
struct DamageStatus {
  std::string topic;
  PartitionId partition;
  std::int32_t broker = -1;
  Offset begin;  // [begin, end)
  Offset end;
  std::string reason;
  std::string repair;  // what is being done about it
};

struct ClusterStatus {
  std::int32_t controller = -1;  // -1: none
  std::vector<BrokerStatus> brokers;
  std::vector<PartitionStatus> partitions;
  std::vector<std::int32_t> silent;  // brokers whose partitions may be missing here
  std::vector<DamageStatus> damages;
};

struct DrainBroker {
  std::int32_t broker = -1;
};
struct ResumeBroker {
  std::int32_t broker = -1;
};
struct DecommissionBroker {
  std::int32_t broker = -1;
};
struct RemoveBroker {
  std::int32_t broker = -1;
};
struct MoveReplicas {
  std::string topic;
  PartitionId partition;
  std::vector<std::int32_t> replicas;  // preferred leader first
};
struct SetReplicationFactor {
  std::string topic;
  std::uint32_t replication_factor = 0;
};
struct TransferLeader {
  std::string topic;
  PartitionId partition;
  std::int32_t to = -1;  // -1: the preferred one
};

using ClusterChange = std::variant<DrainBroker, ResumeBroker, DecommissionBroker, RemoveBroker,
                                   MoveReplicas, SetReplicationFactor, TransferLeader>;

}  // namespace penstock::client
