// What the controller finds to do about its brokers. Pure.
//
// Who votes in its own group, and when a broker that is to be emptied is empty.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/types.h"
#include "broker/controller/cluster_image.h"
#include "broker/controller/reconcile.h"
#include "broker/controller/voters.h"
#include "broker/raft/group.h"
#include "broker/server/leader_table.h"

namespace penstock::broker {

// Brokers that have been heard within kBrokerMissingMs, this one included.
ReplicaList live_brokers(raft::NodeId self, const std::vector<raft::PeerStatus>& peers,
                         std::int64_t now_ms);

// The members of the metadata group: every broker that is registered, as far as a group has room. A
// decommissioned one too, until it is removed: it has copies to let go and deletions to confirm.
ControllerMembers metadata_members(const ClusterImage& image, const ReplicaList& voters_now,
                                   const ReplicaList& live);

// Whether the partition's group may still count the broker as a member, now or later: it is placed
// there, or was placed anew and its leader has not told that the membership is the present
// placement's.
bool counts_on(const TopicImage& topic, PartitionId partition, raft::NodeId broker,
               const std::optional<LeaderNews>& news);

// How far the cluster's moves are, as a part of the partitions' leaders told it.
struct MoveProgress {
  // Partitions that are placed anew and not there yet. Those that wait for a broker that is not
  // live are not counted: they may wait for ever.
  std::size_t under_way = 0;
  ReplicaList counted_on;  // of the brokers that leave: some partition counts on them

  void add(const MoveProgress& other);
};

// `is_told`: whether `leaders` hears of the partition; others are left out.
MoveProgress progress_of_moves(const ClusterImage& image, const LeaderTable& leaders,
                               const std::function<bool(const TopicPartition&)>& is_told,
                               const ReplicaList& leaving, const ReplicaList& live);

}  // namespace penstock::broker
