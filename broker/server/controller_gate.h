// ControllerGate: the way of a change of metadata to the broker that decides on it.
//
// A request is carried out here while this broker is the controller, and handed on to it else,
// once: the receiver does not hand it on again. Threads: the admin shard's. Failure: kNotReady when
// there is no controller within kControllerTime (nothing was done); kTimeout when the controller
// did not answer: the outcome is unknown.
#pragma once

#include <optional>

#include "base/result.h"
#include "base/task.h"
#include "broker/server/broker_calls.h"
#include "broker/server/metadata_group.h"
#include "broker/server/node_identity.h"

namespace penstock::broker {

class ControllerGate {
 public:
  ControllerGate(MetadataGroup& metadata, BrokerCalls& calls, NodeIdentity self)
      : metadata_(metadata), calls_(calls), self_(self) {}

  // The controller's answer to the request; none: carry it out here.
  Task<Result<std::optional<Bytes>>> hand_on(wire::Api api, ByteView message);

  // A request to a certain broker, to be carried out there and nowhere else.
  Task<Result<Bytes>> hand_to(raft::NodeId broker, wire::Api api, ByteView message);

  // Nothing of the deleted topic is left on this broker.
  Task<Status> forget_topic(Uuid topic, raft::NodeId broker);

 private:
  MetadataGroup& metadata_;
  BrokerCalls& calls_;
  const NodeIdentity self_;
};

}  // namespace penstock::broker
