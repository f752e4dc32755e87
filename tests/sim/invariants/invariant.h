// Invariant: a property that must hold after every event, by name, each in a file of its own.
//
// Invariants see what nodes do from outside: what they send, what they report, what is on their
// disks. They keep their own record and never ask the code under test what to expect.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/controller/cluster_image.h"
#include "broker/group/group_state.h"
#include "broker/host/replica.h"
#include "fakes/fake_env.h"
#include "tests/sim/network.h"

namespace penstock::sim {

class Groups;

// Who a batch is: the sender's numbers in the batch's header. Control batches: nobody.
struct BatchName {
  std::int64_t client = -1;
  std::int16_t epoch = -1;
  std::int32_t sequence = -1;  // of its first record
  friend auto operator<=>(const BatchName&, const BatchName&) = default;
};

struct ReplicaView {
  raft::NodeId node;
  GroupNumber group;
  broker::Replica& replica;
  const broker::ReplicaOutput* output = nullptr;  // of the last step, if that is why we look
  bool intact = true;                             // nobody damaged this disk
  bool group_is_metadata = false;
  const fakes::FakeEnv* disk = nullptr;
};

// Why a copy goes.
enum class Gone : std::uint8_t { kTopicDeleted, kPlacedElsewhere };

struct BrokerView {
  raft::NodeId node;
  broker::ImagePtr image;
  Bytes snapshot;  // of the state that the image shows
};

// Of a command about a topic. `certain`: acknowledged; else it may be carried out, now or later.
struct ToldCommand {
  enum class What { kCreate, kDelete, kPartitions, kFactor } what;
  Uuid topic;
  std::uint32_t value = 0;  // partitions, or replication factor
  bool certain = false;
};

// A member's commit that was acknowledged, of one partition.
struct CommitSeen {
  TopicPartition partition;
  Offset offset;
  Uuid member;
  std::int64_t begun_ns = 0;  // when the member began to read the partition
  std::int64_t asked_ns = 0;
  std::int64_t told_ns = 0;
};

class Violations {
 public:
  void add(std::string_view invariant, std::string text) {
    if (all_.size() < 20) all_.push_back(std::string(invariant) + ": " + std::move(text));
  }
  bool none() const { return all_.empty(); }
  const std::vector<std::string>& all() const { return all_; }

 private:
  std::vector<std::string> all_;
};

class Invariant {
 public:
  explicit Invariant(Violations& violations) : violations_(violations) {}
  virtual ~Invariant() = default;
  virtual std::string_view name() const = 0;

  // A replica was opened from its disk, after a crash or for the first time. `intact`: nobody
  // damaged that disk.
  virtual void started(const ReplicaView&, bool /*intact*/) {}
  virtual void crashed(raft::NodeId) {}
  virtual void stepped(const ReplicaView&) {}
  // Before the node acts on it, and perhaps dies in the middle.
  virtual void received(GroupNumber, const broker::PeerMessage&) {}
  virtual void sent(GroupNumber, const broker::PeerMessage&) {}
  // What clients saw.
  virtual void requested(GroupNumber, BatchName) {}
  virtual void acknowledged(GroupNumber, BatchName, Offset) {}
  virtual void refused(GroupNumber, BatchName) {}  // told that it definitely did not happen
  virtual void deletion_asked(GroupNumber, Offset /*before*/) {}
  // What readers saw: a replica served, or refused, what is committed from `from` on.
  virtual void served(const ReplicaView&, Offset /*from*/, const Result<storage::ReadResult>&) {}
  virtual void read_asked(GroupNumber, std::uint64_t /*context*/) {}
  virtual void read_confirmed(const ReplicaView&, std::uint64_t /*context*/, Offset) {}
  // --- metadata
  // The broker has a new image of the cluster, or its first one since it was started.
  virtual void published(const BrokerView&) {}
  // A copy is gone from the node's disk, its votes too.
  virtual void trashed(raft::NodeId, GroupNumber, Gone) {}
  // What an operator was told about a command, or has to assume.
  virtual void told(const ToldCommand&) {}
  // --- consumer groups
  // The node has applied more of the groups' log, or begun with what it had.
  virtual void groups_changed(raft::NodeId, const group::GroupState&) {}
  virtual void position_committed(const CommitSeen&) {}
  // A member asked for a position, and got this one.
  virtual void position_told(const TopicPartition&, std::int64_t /*asked_ns*/, Offset) {}

  // Everything has healed; what metadata came to.
  virtual void settled(const broker::ClusterImage&) {}

  // Everything has healed and come to rest; the members of a group whose disks are intact.
  virtual void rested(const std::vector<ReplicaView>&) {}
  virtual void ended() {}

 protected:
  void violated(std::string text) { violations_.add(name(), std::move(text)); }

 private:
  Violations& violations_;
};

// Every one there is.
std::vector<std::unique_ptr<Invariant>> all_invariants(Violations& violations, Groups& groups);

}  // namespace penstock::sim
