// PeerMessage and LeaderNews to and from their wire forms (protocol/wire/cluster.proto).
//
// Failure: kInvalidArgument for a message that cannot be one: a missing part, a negative offset,
// lists over their limits or out of order. What is well formed but wrong is the consensus core's to
// refuse.
#pragma once

#include "base/result.h"
#include "base/types.h"
#include "broker/host/peer_message.h"
#include "broker/peer/leader_news.h"
#include "protocol/wire/cluster.pb.h"

namespace penstock::broker {

// A message with the group that it belongs to. The cluster's metadata is the group of the nil id.
struct GroupMessage {
  TopicPartition group;
  PeerMessage message;
};

void to_wire(const GroupMessage& message, wire::v1::ConsensusMessage& out);

// `attachment` is the message's own part. Sender and receiver stand in the exchange.
Result<GroupMessage> from_wire(const wire::v1::ConsensusMessage& message, raft::NodeId from,
                               raft::NodeId to, SharedBytes attachment);

void to_wire(const LeaderNews& news, wire::v1::Leadership& out);
Result<LeaderNews> from_wire(const wire::v1::Leadership& news);

void to_wire(const raft::Membership& membership, wire::v1::Membership& out);
Result<raft::Membership> from_wire(const wire::v1::Membership& membership);

}  // namespace penstock::broker
