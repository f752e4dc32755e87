// ControllerUpkeep: what the controller does by itself about its brokers: they take part in its
// group, as voters or learners, and those that drain are emptied.
//
// Every look compares what is with what metadata wants, so the next controller goes on where this
// one stopped. Threads: the admin shard's. Lifetime: run() ends when it is cancelled; what it
// refers to outlives it. Failure: a step that is refused is looked at again; what an operator must
// know is logged once an episode.
#pragma once

#include <map>
#include <string>

#include "base/task.h"
#include "broker/server/broker_context.h"
#include "broker/server/controller_steps.h"
#include "broker/server/metadata_group.h"
#include "broker/server/replica_steps.h"

namespace penstock::broker {

class ControllerUpkeep {
 public:
  explicit ControllerUpkeep(const BrokerContext& broker);

  // Until cancelled.
  Task<void> run();

 private:
  // True when the group is being changed.
  bool tend_group();
  Task<void> empty_brokers();
  Task<MoveProgress> ask_shards(ImagePtr image, ReplicaList leaving);
  Task<void> empty(raft::NodeId broker, std::size_t limit);
  Task<void> finish(raft::NodeId broker);
  void complain(raft::NodeId broker, const Error& error);
  std::int64_t now_ms() const;

  const BrokerContext& broker_;
  MetadataGroup& metadata_;
  LedMemory memory_;
  std::map<raft::NodeId, std::string> complaints_;  // made of brokers that drain
};

}  // namespace penstock::broker
