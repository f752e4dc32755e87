// MetadataCache: what the client knows of topics and brokers, and how old that knowledge is.
//
// Answers come from several brokers, which hear of changes at different times, so they cross.
// Invariants: an answer never takes a partition back to an older leader epoch of the same topic,
// nor takes partitions away. A topic of the same name with another id replaces the old one whole,
// and a topic that a broker does not know is forgotten, unless the answer is older than what is
// known (by the metadata offset that brokers tell). Threads: one. Time comes in.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "client/instant.h"
#include "protocol/rpc/endpoint.h"

namespace penstock::client {

using BrokerId = std::int32_t;
inline constexpr BrokerId kNoBroker = -1;

// How far a broker had applied the metadata log when it answered; 0: it did not say.
using MetadataOffset = std::int64_t;

struct PartitionMetadata {
  BrokerId leader = kNoBroker;
  Term leader_epoch;
  std::vector<BrokerId> replicas{};

  friend bool operator==(const PartitionMetadata&, const PartitionMetadata&) = default;
};

struct TopicMetadata {
  std::string name;
  Uuid id;
  std::vector<PartitionMetadata> partitions;  // by number, from 0
  Instant fetched_at;
  MetadataOffset as_of = 0;

  bool has(PartitionId partition) const {
    return partition.value() >= 0 &&
           static_cast<std::size_t>(partition.value()) < partitions.size();
  }
};

// kNotLeader that says which brokers are needed, for a partition that nobody leads.
Error no_leader(std::string_view topic, PartitionId partition,
                const std::vector<BrokerId>& replicas);

class MetadataCache {
 public:
  // All brokers that one answer names. Those of an older answer only add what is not known yet.
  void update_brokers(const std::map<BrokerId, rpc::Endpoint>& named, MetadataOffset as_of);
  // False when the answer was older than what is known: nothing of it is new.
  bool update_topic(TopicMetadata topic);
  // A broker that had applied `as_of` does not know the topic. False when it is the broker that is
  // behind.
  bool forget_topic(std::string_view name, MetadataOffset as_of = 0);

  // Null when not known.
  const TopicMetadata* topic(std::string_view name) const;
  const rpc::Endpoint* broker(BrokerId id) const;
  const std::map<BrokerId, rpc::Endpoint>& brokers() const { return brokers_; }

  bool is_older_than(std::string_view name, std::chrono::milliseconds age, Instant now) const;

 private:
  std::map<std::string, TopicMetadata, std::less<>> topics_;
  std::map<BrokerId, rpc::Endpoint> brokers_;
  MetadataOffset brokers_as_of_ = 0;
};

}  // namespace penstock::client
