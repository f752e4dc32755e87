// ClusterState: the metadata state machine: commands are decided on the present state, records
// change it.
//
// A command handler is const: it returns the records that would carry the command out, and its
// answer. The host makes the records durable, then applies them, and only then releases the answer.
// Invariants: apply() is the only mutator, and it alone, fed with the same records, gives the same
// state anywhere; restoring a snapshot and applying the records behind it gives that state too.
// Threads: one at a time; image() may be shared freely.
// Failure: a command that cannot be carried out is an error for its sender. apply() fails only for
// a record that contradicts the state, which means a damaged or foreign metadata log (kCorrupt).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "broker/controller/broker_registry.h"
#include "broker/controller/cluster_image.h"
#include "broker/controller/metadata_record.h"
#include "broker/controller/producer_registry.h"

namespace penstock::broker {

// --- topics

struct CreateTopic {
  std::string name;
  std::uint32_t partitions = 0;
  std::uint32_t replication_factor = 0;  // 0: the cluster's default
  SettingMap settings;
  Uuid id;  // fresh, from the host's randomness
  Timestamp now;
};
struct DeleteTopic {
  std::string name;
  Timestamp now;
};
struct AlterTopic {
  std::string name;
  SettingMap set;
  std::vector<std::string> reset;
  std::uint32_t partitions = 0;  // 0: unchanged
};
struct ForgetTopic {
  Uuid id;
  raft::NodeId broker = raft::kNobody;  // where nothing of it is left; nobody: nowhere is
};

// --- placement

struct MoveReplicas {
  std::string topic;
  PartitionId partition;
  ReplicaList replicas;  // as many as the topic's replication factor; the first should lead
  // Refused with kChangeInProgress when the partition was placed anew since.
  std::optional<Offset> planned_at = std::nullopt;
};
struct ChangeReplicationFactor {
  std::string topic;
  std::uint32_t replication_factor = 0;
};

// --- brokers (RegisterBroker: broker_registry.h)

struct StartBroker {  // of a cluster that is this one broker
  std::int32_t broker_id = 0;
  Uuid directory;
  Timestamp now;
};
// Its replicas shall move to others. kNotEnoughBrokers when some topic has more replicas than
// brokers would remain.
struct DrainBroker {
  raft::NodeId broker;
  Timestamp now;
};
// By the controller, when no partition counts the broker as a member any more.
struct FinishDrain {
  raft::NodeId broker;
  Timestamp now;
};
struct ResumeBroker {
  raft::NodeId broker;
  Timestamp now;
};
// Drains for good: cannot be resumed once it is empty, nor register again.
struct DecommissionBroker {
  raft::NodeId broker;
  Timestamp now;
};
// Of a decommissioned broker.
struct RemoveBroker {
  raft::NodeId broker;
  Timestamp now;
};

// --- producers (RegisterProducer: producer_registry.h)

// A block of numbers for producers without a name, for the broker to give out one by one. An answer
// that is lost loses a block.
struct AllocateProducerIds {
  raft::NodeId broker;
  std::uint32_t count = 0;
};
struct ProducerIdBlock {
  std::int64_t first = 0;
  std::uint32_t count = 0;
  friend bool operator==(const ProducerIdBlock&, const ProducerIdBlock&) = default;
};
// By an operator: nobody writes under that name any more.
struct ForgetProducer {
  std::string name;
};

template <typename Answer>
struct Decision {
  std::vector<MetadataRecord> records;  // made durable together or not at all; may be empty
  Answer answer;
};

class ClusterState {
 public:
  Result<Decision<Uuid>> handle(const CreateTopic& command) const;
  Result<Decision<Uuid>> handle(const DeleteTopic& command) const;
  Result<Decision<Uuid>> handle(const AlterTopic& command) const;
  Result<Decision<Uuid>> handle(const ForgetTopic& command) const;
  Result<Decision<Uuid>> handle(const MoveReplicas& command) const;
  Result<Decision<Uuid>> handle(const ChangeReplicationFactor& command) const;
  Result<Decision<Term>> handle(const StartBroker& command) const;
  Result<Decision<raft::NodeId>> handle(const RegisterBroker& command) const;
  Result<Decision<BrokerMode>> handle(const DrainBroker& command) const;
  Result<Decision<BrokerMode>> handle(const FinishDrain& command) const;
  Result<Decision<BrokerMode>> handle(const ResumeBroker& command) const;
  Result<Decision<BrokerMode>> handle(const DecommissionBroker& command) const;
  Result<Decision<raft::NodeId>> handle(const RemoveBroker& command) const;
  Result<Decision<ProducerIdBlock>> handle(const AllocateProducerIds& command) const;
  Result<Decision<record::ProducerIdentity>> handle(const RegisterProducer& command) const;
  Result<Decision<record::ProducerIdentity>> handle(const ForgetProducer& command) const;

  Status apply(Offset offset, const MetadataRecord& record);
  // The log went on without a record for this state (a control batch).
  void skip_to(Offset next);

  // Format: docs/metadata.md, "Snapshot". The same state gives the same bytes anywhere.
  Bytes snapshot() const;
  // kCorrupt: not exactly what snapshot() wrote; kUnsupportedVersion: a newer release wrote it.
  static Result<ClusterState> restore(ByteView snapshot);

  ImagePtr image() const;
  const ClusterImage::Deleted& deleted() const { return deleted_; }
  const BrokerRegistry& brokers() const { return brokers_; }
  const ProducerRegistry& producers() const { return producers_; }
  Term leader_epoch() const { return leader_epoch_; }
  Offset applied() const { return applied_; }
  std::uint64_t partition_count() const { return partition_count_; }

 private:
  class Restoring;

  Status apply_one(Offset offset, const BrokerStarted& record);
  Status apply_one(Offset offset, const BrokerRegistered& record);
  Status apply_one(Offset offset, const BrokerModeChanged& record);
  Status apply_one(Offset offset, const BrokerRemoved& record);
  Status apply_one(Offset offset, const TopicCreated& record);
  Status apply_one(Offset offset, const TopicAltered& record);
  Status apply_one(Offset offset, const TopicDeleted& record);
  Status apply_one(Offset offset, const TopicForgotten& record);
  Status apply_one(Offset offset, const ReplicasPlaced& record);
  Status apply_one(Offset offset, const ProducerIdsAllocated& record);
  Status apply_one(Offset offset, const ProducerRegistered& record);
  Status apply_one(Offset offset, const ProducerForgotten& record);

  Result<TopicPtr> existing(std::string_view name) const;
  bool holds_replicas(raft::NodeId broker) const;
  Result<Decision<BrokerMode>> change_mode(raft::NodeId broker, BrokerMode wanted,
                                           Timestamp now) const;
  // Why the list cannot be where a partition lives, if it cannot.
  std::optional<std::string> fault_in(const ReplicaList& replicas) const;
  Status add_partitions(Offset offset, TopicImage& topic, std::uint32_t partitions,
                        const std::vector<ReplicaList>& placement) const;
  void put(TopicPtr topic);

  BrokerRegistry brokers_;
  ProducerRegistry producers_;
  ClusterImage::Topics topics_;
  std::map<Uuid, TopicPtr> by_id_;
  ClusterImage::Deleted deleted_;
  std::uint64_t partition_count_ = 0;
  Term leader_epoch_{0};
  Offset applied_;

  // What the last image was made of; a part that has changed since is null.
  mutable ClusterImage::Parts parts_;
};

}  // namespace penstock::broker
