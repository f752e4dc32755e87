// BrokerRegistry: the brokers of the cluster: who they are, where, and whether they stay.
//
// A broker is a data directory: the same directory gets the same number whenever it registers, and
// a wiped disk, being another directory, gets a new one; the old number stays, dead, until it is
// removed, and is never given again. Invariants: apply() is the only mutator; numbers and
// directories are unique. Threads: one at a time. Failure: as ClusterState.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/types.h"
#include "broker/controller/cluster_image.h"
#include "broker/controller/metadata_record.h"

namespace penstock::broker {

// Sent by every broker at each start, and again until it is answered.
struct RegisterBroker {
  Uuid directory;
  // The number in the directory's `node` file; nobody: it has none yet.
  raft::NodeId known_as = raft::kNobody;
  std::string host;  // where clients and brokers reach it
  std::uint16_t port = 0;
  std::string rack;      // may be empty
  Timestamp started_at;  // of its process: the same in every repetition
};

class BrokerRegistry {
 public:
  using Brokers = ClusterImage::Brokers;

  struct Registration {
    raft::NodeId broker;
    std::optional<BrokerRegistered> record;  // none: all of it is known
  };
  // kForeignData: the directory says that it has a number, but was removed or is of another
  // cluster.
  Result<Registration> decide(const RegisterBroker& command) const;
  // kForeignData when the number belongs to another directory that has registered. Before it did
  // (a broker that is alone never does) the directory may change: metadata was restored elsewhere.
  Status check_start(raft::NodeId broker, const Uuid& directory) const;
  // Mode after `wanted` was asked for. kInvalidArgument when the present mode does not allow it.
  Result<BrokerMode> decide_mode(raft::NodeId broker, BrokerMode wanted) const;

  // What is wrong with the record, if anything; nothing is changed then.
  std::optional<std::string> apply(const BrokerStarted& record);
  std::optional<std::string> apply(const BrokerRegistered& record);
  std::optional<std::string> apply(const BrokerModeChanged& record);
  std::optional<std::string> apply(const BrokerRemoved& record);

  const Brokers& all() const { return brokers_; }
  // kUnknownBroker.
  Result<const BrokerImage*> find(raft::NodeId broker) const;
  std::size_t active() const;
  raft::NodeId next_number() const { return raft::NodeId(next_number_); }
  // The broker of the last BrokerStarted: where topics are that say nothing of placement.
  raft::NodeId last_started() const { return last_started_; }

  // --- for snapshots
  static BrokerRegistry restore(Brokers brokers, raft::NodeId next_number,
                                raft::NodeId last_started);

 private:
  const BrokerImage* find(const Uuid& directory) const;
  Result<raft::NodeId> number_for(const RegisterBroker& command) const;

  Brokers brokers_;
  std::int32_t next_number_ = 1;
  raft::NodeId last_started_;
};

}  // namespace penstock::broker
