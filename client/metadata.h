// MetadataCache: what the client knows of topics and brokers, and how old that knowledge is.
//
// Invariants: an answer never takes a partition back to an older leader epoch of the same topic
// (answers of several brokers may cross), nor takes partitions away. A topic of the same name with
// another id replaces the old one whole. Threads: one. Time comes in.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "client/instant.h"
#include "protocol/rpc/endpoint.h"

namespace penstock::client {

using BrokerId = std::int32_t;
inline constexpr BrokerId kNoBroker = -1;

struct PartitionMetadata {
  BrokerId leader = kNoBroker;
  Term leader_epoch;
};

struct TopicMetadata {
  std::string name;
  Uuid id;
  std::vector<PartitionMetadata> partitions;  // by number, from 0
  Instant fetched_at;

  bool has(PartitionId partition) const {
    return partition.value() >= 0 &&
           static_cast<std::size_t>(partition.value()) < partitions.size();
  }
};

class MetadataCache {
 public:
  void update_broker(BrokerId id, rpc::Endpoint endpoint);
  void update_topic(TopicMetadata topic);
  void forget_topic(std::string_view name);

  // Null when not known.
  const TopicMetadata* topic(std::string_view name) const;
  const rpc::Endpoint* broker(BrokerId id) const;
  const std::map<BrokerId, rpc::Endpoint>& brokers() const { return brokers_; }

  bool is_older_than(std::string_view name, std::chrono::milliseconds age, Instant now) const;

 private:
  std::map<std::string, TopicMetadata, std::less<>> topics_;
  std::map<BrokerId, rpc::Endpoint> brokers_;
};

}  // namespace penstock::client
