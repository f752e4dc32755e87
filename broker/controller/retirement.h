// Whether a replica on this broker's disk may go to trash; whether a broker is empty.
//
// What metadata does not mention is kept: absence never deletes. A replica goes when metadata says
// that its topic was deleted, or when a placement newer than the replica leaves this broker out and
// the group itself, in a committed membership, no longer counts it as a member. Pure.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>

#include "base/types.h"
#include "broker/controller/cluster_image.h"
#include "broker/raft/types.h"

namespace penstock::broker {

// Beyond every log.
inline constexpr Offset kNoOffset{std::numeric_limits<std::int64_t>::max()};

struct ReplicaOnDisk {
  TopicPartition id;
  raft::NodeId broker;  // this one
  Offset placed_at;     // newest placement epoch that is known to have put it here
  // This broker has had metadata up to there, and placed it; after a start its image may be older.
  Offset placed_before = {};
  Offset log_end = {};
};

// What the leader of the group says of it.
struct ReportedMembership {
  Offset placed_at;  // placement epoch that the leader had reached
  raft::Membership membership;
  bool committed = false;
  // Of the leader when it told. A copy with more has heard of something later: it may have been
  // taken back into the group since.
  Offset log_end = kNoOffset;
};

enum class Fate : std::uint8_t { kKeep, kTrash };

struct Retirement {
  Fate fate = Fate::kKeep;
  std::string why;
};

Retirement retirement_of(const ReplicaOnDisk& replica, const ClusterImage& image,
                         const std::optional<ReportedMembership>& reported);

// What leaders told of the partitions that they lead.
using ReportedMemberships = std::map<TopicPartition, ReportedMembership>;

// Whether nobody counts on the broker any more, so that its drain is finished: each partition's
// leader has told that its committed membership is that of the present placement, and the broker is
// none of it.
bool is_free(raft::NodeId broker, const ClusterImage& image, const ReportedMemberships& reported);

}  // namespace penstock::broker
