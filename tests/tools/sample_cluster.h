// A cluster of three brokers and one partition, with which nothing is wrong.
#pragma once

#include "client/cluster_status.h"

namespace penstock::tools {

inline client::BrokerStatus sample_broker(std::int32_t id) {
  return {.id = id,
          .host = "10.0.0." + std::to_string(id),
          .port = 7333,
          .rack = "r" + std::to_string(id),
          .state = "active",
          .reachable = true,
          .votes = true,
          .leaders = id == 1 ? 1U : 0U,
          .replicas = 1,
          .size_bytes = 1'500};
}

inline client::ClusterStatus sample_cluster() {
  client::ClusterStatus status;
  status.controller = 1;
  client::PartitionStatus partition;
  partition.topic = "orders";
  partition.leader = 1;
  partition.term = Term(7);
  partition.high_watermark = Offset(12'345);
  partition.log_end = Offset(12'345);
  for (const std::int32_t id : {1, 2, 3}) {
    status.brokers.push_back(sample_broker(id));
    partition.replicas.push_back({.broker = id,
                                  .durable_end = Offset(12'345),
                                  .lag_records = 0,
                                  .lag_bytes = 0,
                                  .lag_ms = 0,
                                  .voter = true,
                                  .reachable = true});
    partition.wanted.push_back(id);
  }
  status.partitions.push_back(partition);
  return status;
}

}  // namespace penstock::tools
