// LeaderNews: what a partition's leader tells all brokers.
//
// Clients may ask any broker, so all of them should know who leads; and a broker whose replica is a
// member no longer learns from it that the replica may go. Threads: a value.
#pragma once

#include "base/types.h"
#include "broker/raft/types.h"

namespace penstock::broker {

struct LeaderNews {
  TopicPartition partition;
  raft::NodeId leader;
  Term term;  // the larger one is the newer
  // Of the group, when it is committed; of nobody: it is changing.
  raft::Membership membership = {};
  // Placement epoch that the membership was brought to; zero: on its way.
  Offset placed_at = {};
  // Of the leader's log: a copy that has more has heard of something later.
  Offset log_end = {};
  friend bool operator==(const LeaderNews&, const LeaderNews&) = default;
};

}  // namespace penstock::broker
