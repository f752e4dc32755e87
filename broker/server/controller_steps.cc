#include "broker/server/controller_steps.h"

#include <algorithm>

#include "broker/controller/limits.h"
#include "broker/raft/limits.h"
#include "broker/server/upkeep_limits.h"

namespace penstock::broker {
namespace {

// Where it was first, the partition still is: nobody else ever was a member.
bool was_never_moved(const TopicImage& topic, PartitionId partition) {
  return topic.partition(partition).placed_at == topic.created_offset(partition);
}

// All brokers, and room_for_learners() below when all voters are replaced.
static_assert(kMaxBrokers + 3 * kMaxMetadataVoters <= raft::kMaxMembers,
              "every broker has its place in the metadata group, whatever its voters do");

// While voters change, the old ones count beside the new.
std::size_t room_for_learners(const ReplicaList& voters, const ReplicaList& voters_now) {
  const auto outgoing =
      std::ranges::count_if(voters_now, [&](raft::NodeId node) { return !contains(voters, node); });
  const std::size_t taken = voters.size() + voters_now.size() + static_cast<std::size_t>(outgoing);
  return raft::kMaxMembers - std::min(taken, raft::kMaxMembers);
}

bool is_under_way(const TopicImage& topic, PartitionId partition,
                  const std::optional<LeaderNews>& news, const ReplicaList& live) {
  const PartitionImage& placed = topic.partition(partition);
  if (was_never_moved(topic, partition)) return false;
  if (news && news->placed_at >= placed.placed_at) return false;
  return std::ranges::all_of(
      placed.replicas, [&](const ReplicaImage& replica) { return contains(live, replica.broker); });
}

}  // namespace

ReplicaList live_brokers(raft::NodeId self, const std::vector<raft::PeerStatus>& peers,
                         std::int64_t now_ms) {
  ReplicaList live = {self};
  for (const raft::PeerStatus& peer : peers) {
    if (now_ms - peer.last_heard_ms <= kBrokerMissingMs) live.push_back(peer.node);
  }
  std::ranges::sort(live);
  return live;
}

ControllerMembers metadata_members(const ClusterImage& image, const ReplicaList& voters_now,
                                   const ReplicaList& live) {
  std::vector<VoterCandidate> candidates;
  for (const auto& [id, broker] : image.brokers()) {
    candidates.push_back(
        {.id = id, .rack = broker.rack, .active = broker.is_active(), .live = contains(live, id)});
  }
  ControllerMembers members = plan_voters(candidates, voters_now);
  members.learners.resize(
      std::min(members.learners.size(), room_for_learners(members.voters, voters_now)));
  return members;
}

bool counts_on(const TopicImage& topic, PartitionId partition, raft::NodeId broker,
               const std::optional<LeaderNews>& news) {
  const PartitionImage& placed = topic.partition(partition);
  if (placed.has(broker)) return true;
  if (was_never_moved(topic, partition)) return false;
  // A leader that is not there yet may not have heard of all placements in between, and still add
  // a broker that this one leaves out.
  return !news || news->placed_at < placed.placed_at;
}

void MoveProgress::add(const MoveProgress& other) {
  under_way += other.under_way;
  for (const raft::NodeId broker : other.counted_on) {
    if (!contains(counted_on, broker)) counted_on.push_back(broker);
  }
}

MoveProgress progress_of_moves(const ClusterImage& image, const LeaderTable& leaders,
                               const std::function<bool(const TopicPartition&)>& is_told,
                               const ReplicaList& leaving, const ReplicaList& live) {
  MoveProgress progress;
  for (const auto& [name, topic] : image.topics()) {
    for (std::uint32_t p = 0; p < topic->partitions; ++p) {
      const TopicPartition id{topic->id, PartitionId(static_cast<std::int32_t>(p))};
      if (!is_told(id)) continue;
      const auto news = leaders.find(id);
      if (is_under_way(*topic, id.partition, news, live)) ++progress.under_way;
      for (const raft::NodeId broker : leaving) {
        if (contains(progress.counted_on, broker)) continue;
        if (counts_on(*topic, id.partition, broker, news)) progress.counted_on.push_back(broker);
      }
    }
  }
  return progress;
}

}  // namespace penstock::broker
