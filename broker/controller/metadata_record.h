// MetadataRecord: one durable fact about the cluster, and its bytes in the metadata log.
//
// Format: one byte type, one byte version, then fields (fields.h); nothing may follow. A type or
// version that this build does not know is an error, never skipped: what it says may matter. A
// record that says no more than an older version can is written in that version. The fields of each
// type: docs/metadata.md. Golden bytes: tests/broker/controller/metadata_record_golden_test.cc.
// Failure: decode() returns kUnsupportedVersion for an unknown type or version (a newer release
// wrote it), kCorrupt for everything else that is not exactly a record.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"
#include "broker/controller/topic_settings.h"
#include "broker/raft/types.h"
#include "protocol/record/sequence.h"

namespace penstock::broker {

// Brokers that hold a partition; the first is the one that should lead it.
using ReplicaList = std::vector<raft::NodeId>;
bool contains(const ReplicaList& replicas, raft::NodeId broker);

// A broker that is alone began to serve. Its partitions are led under `leader_epoch` from here on.
struct BrokerStarted {
  std::int32_t broker_id = 0;
  Uuid directory;
  Term leader_epoch;
  Timestamp at;
  friend bool operator==(const BrokerStarted&, const BrokerStarted&) = default;
};

struct TopicCreated {
  Uuid id;
  std::string name;
  std::uint32_t partitions = 0;
  std::uint32_t replication_factor = 1;
  Timestamp at;
  SettingMap settings;  // only what the topic sets itself
  // One list a partition. Empty (version 1): all on the broker that started last.
  std::vector<ReplicaList> placement = {};
  friend bool operator==(const TopicCreated&, const TopicCreated&) = default;
};

// Carries the whole new state of what can change.
struct TopicAltered {
  Uuid id;
  std::uint32_t partitions = 0;
  SettingMap settings;
  // Of the partitions that are new, in order. Empty (version 1): on the broker that started last.
  std::vector<ReplicaList> placement = {};
  friend bool operator==(const TopicAltered&, const TopicAltered&) = default;
};

// The topic's records may be removed from disk from here on.
struct TopicDeleted {
  Uuid id;
  Timestamp at;
  friend bool operator==(const TopicDeleted&, const TopicDeleted&) = default;
};

// Nothing of the deleted topic is on the broker's disk any more; when that is so of all brokers the
// topic's id needs no remembering.
struct TopicForgotten {
  Uuid id;
  raft::NodeId broker = raft::kNobody;  // nobody (version 1): of all
  friend bool operator==(const TopicForgotten&, const TopicForgotten&) = default;
};

// The present state of a broker as it told it at its start. New at its first one.
struct BrokerRegistered {
  raft::NodeId broker;
  Uuid directory;
  std::string host;
  std::uint16_t port = 0;
  std::string rack;      // empty: none told
  Timestamp started_at;  // of its process
  friend bool operator==(const BrokerRegistered&, const BrokerRegistered&) = default;
};

enum class BrokerMode : std::uint8_t {
  kActive = 0,           // holds replicas, leads, gets new ones
  kDraining = 1,         // what it holds and leads moves away; gets nothing new
  kDrained = 2,          // holds nothing; may be stopped, or resumed
  kDecommissioning = 3,  // draining for good
  kDecommissioned = 4,   // holds nothing and never will again; may be removed
};
std::string_view to_string(BrokerMode mode);

struct BrokerModeChanged {
  raft::NodeId broker;
  BrokerMode mode = BrokerMode::kActive;
  Timestamp at;
  friend bool operator==(const BrokerModeChanged&, const BrokerModeChanged&) = default;
};

// Its number is not given again.
struct BrokerRemoved {
  raft::NodeId broker;
  Timestamp at;
  friend bool operator==(const BrokerRemoved&, const BrokerRemoved&) = default;
};

// Replicas of some partitions of a topic shall be elsewhere, or in another order. The offset of
// this record is their new placement epoch.
struct ReplicasPlaced {
  struct Partition {
    PartitionId partition;
    ReplicaList replicas;
    friend bool operator==(const Partition&, const Partition&) = default;
  };
  Uuid topic;
  std::uint32_t replication_factor = 1;  // of the topic from here on
  std::vector<Partition> partitions;     // ascending
  friend bool operator==(const ReplicasPlaced&, const ReplicasPlaced&) = default;
};

// The broker may give these numbers to producers without a name. No number is ever given twice.
struct ProducerIdsAllocated {
  raft::NodeId broker;
  std::int64_t first = 0;
  std::uint32_t count = 0;
  friend bool operator==(const ProducerIdsAllocated&, const ProducerIdsAllocated&) = default;
};

// The producer of that name writes as this number and epoch from here on; every other one that
// does so under that name is an old one.
struct ProducerRegistered {
  std::string name;
  record::ProducerIdentity identity;
  Uuid instance;  // of the process that registered
  Timestamp at;
  friend bool operator==(const ProducerRegistered&, const ProducerRegistered&) = default;
};

// The name may begin anew, with another number.
struct ProducerForgotten {
  std::string name;
  friend bool operator==(const ProducerForgotten&, const ProducerForgotten&) = default;
};

using MetadataRecord =
    std::variant<BrokerStarted, TopicCreated, TopicAltered, TopicDeleted, TopicForgotten,
                 BrokerRegistered, BrokerModeChanged, BrokerRemoved, ReplicasPlaced,
                 ProducerIdsAllocated, ProducerRegistered, ProducerForgotten>;

Bytes encode(const MetadataRecord& record);
Result<MetadataRecord> decode_metadata_record(ByteView bytes);

// For logs and script tests: "topic-created name=orders partitions=3 ...".
std::string to_string(const MetadataRecord& record);
// "1,2,3"
std::string to_string(const ReplicaList& replicas);

}  // namespace penstock::broker
