#include "broker/controller/retirement.h"

#include <algorithm>

#include "base/mutant.h"

namespace penstock::broker {
namespace {

Retirement keep(std::string why) { return {Fate::kKeep, std::move(why)}; }

bool counts(const raft::Membership& membership, raft::NodeId node) {
  return contains(membership.voters, node) || contains(membership.outgoing, node) ||
         contains(membership.learners, node);
}

}  // namespace

Retirement retirement_of(const ReplicaOnDisk& replica, const ClusterImage& image,
                         const std::optional<ReportedMembership>& reported) {
  if (image.deleted().contains(replica.id.topic)) return {Fate::kTrash, "its topic was deleted"};
  const TopicPtr topic = image.find(replica.id.topic);
  if (topic == nullptr) {
    if (mutant(Mutant::kAbsenceDeletes)) return {Fate::kTrash, "unknown"};
    return keep("metadata does not know its topic; absence deletes nothing");
  }
  if (image.applied() < replica.placed_before) return keep("metadata is older than it was here");
  const auto index = static_cast<std::uint32_t>(replica.id.partition.value());
  if (index >= topic->partitions) return keep("metadata does not know its partition");
  const PartitionImage& placed = *topic->placement[index];
  if (placed.has(replica.broker)) return keep("it is placed here");
  if (placed.placed_at <= replica.placed_at) return keep("metadata is older than the replica");
  if (mutant(Mutant::kRetiresUnasked)) return {Fate::kTrash, "placed elsewhere"};
  if (!reported || reported->placed_at < placed.placed_at) {
    return keep("the leader has not reported on the new placement");
  }
  if (!reported->committed || reported->membership.is_joint()) {
    return keep("the group's membership is changing");
  }
  if (replica.log_end > reported->log_end) return keep("it has more than its leader had then");
  if (counts(reported->membership, replica.broker)) return keep("the group still counts on it");
  return {Fate::kTrash, "placed elsewhere, and no member of its group"};
}

bool is_free(raft::NodeId broker, const ClusterImage& image, const ReportedMemberships& reported) {
  if (mutant(Mutant::kFinishesDrainEarly)) return true;
  for (const auto& [name, topic] : image.topics()) {
    for (std::uint32_t p = 0; p < topic->partitions; ++p) {
      const PartitionImage& placed = *topic->placement[p];
      const auto told = reported.find({topic->id, PartitionId(static_cast<std::int32_t>(p))});
      const bool is_reached = told != reported.end() && told->second.committed &&
                              told->second.placed_at >= placed.placed_at;
      if (!is_reached || placed.has(broker) || counts(told->second.membership, broker))
        return false;
    }
  }
  return true;
}

}  // namespace penstock::broker
