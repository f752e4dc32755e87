// ProducerIds: at the controller, gives producers their numbers and epochs.
//
// Numbers of producers without a name come from a block that metadata has given to this broker;
// what is left of it when the process ends is never used. Invariants: nothing of producers enters
// the metadata log before every broker of the cluster was seen to know such records: one that does
// not would stop at them. Threads: the admin shard's. Failure: kNotLeader when this broker is not
// the controller; kUnsupported while a broker of an older release is in the cluster, kNotReady
// while one cannot be asked; as ProducerRegistry::decide().
#pragma once

#include "base/result.h"
#include "base/task.h"
#include "broker/controller/cluster_state.h"
#include "broker/server/broker_context.h"

namespace penstock::broker {

class ProducerIds {
 public:
  explicit ProducerIds(BrokerContext& broker) : broker_(broker) {}

  // A number that nobody had before, at epoch 0.
  Task<Result<record::ProducerIdentity>> give();
  // The number of that name, at its next epoch. `now` is set here.
  Task<Result<record::ProducerIdentity>> give(RegisterProducer command);

  // Takes the first block as soon as everybody knows what that is, so that no producer has to wait
  // for a broker that is down later. Nothing when that was done, or is not this broker's to do.
  Task<void> prepare();

 private:
  Task<Status> everybody_knows_producers();
  Task<Status> take_block();

  BrokerContext& broker_;
  ProducerIdBlock block_;  // what is left of it
};

}  // namespace penstock::broker
