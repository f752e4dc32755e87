// Whether a replica on this broker's disk may go to trash.
//
// What metadata does not mention is kept: absence never deletes. A replica goes when metadata says
// that its topic was deleted, or when a placement newer than the replica leaves this broker out and
// the group itself, in a committed membership, no longer counts it as a member. Pure.
#pragma once

#include <optional>
#include <string>

#include "base/types.h"
#include "broker/controller/cluster_image.h"
#include "broker/raft/types.h"

namespace penstock::broker {

struct ReplicaOnDisk {
  TopicPartition id;
  raft::NodeId broker;  // this one
  Offset placed_at;     // newest placement epoch that is known to have put it here
};

// What the leader of the group says of it.
struct ReportedMembership {
  Offset placed_at;  // placement epoch that the leader had reached
  raft::Membership membership;
  bool committed = false;
};

enum class Fate : std::uint8_t { kKeep, kTrash };

struct Retirement {
  Fate fate = Fate::kKeep;
  std::string why;
};

Retirement retirement_of(const ReplicaOnDisk& replica, const ClusterImage& image,
                         const std::optional<ReportedMembership>& reported);

}  // namespace penstock::broker
