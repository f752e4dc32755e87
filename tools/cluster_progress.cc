#include "tools/cluster_progress.h"

#include <algorithm>
#include <vector>

#include "tools/cluster_health.h"
#include "tools/output_table.h"

namespace penstock::tools {
namespace {

using client::BrokerStatus;
using client::ClusterStatus;
using client::PartitionStatus;
using client::ReplicaStatus;

std::string plural(std::uint64_t n, const std::string& noun) {
  return with_thousands(n) + " " + noun + (n == 1 ? "" : "s");
}

std::vector<std::int32_t> sorted(std::vector<std::int32_t> ids) {
  std::ranges::sort(ids);
  return ids;
}

// Everybody who is wanted votes, and nobody else does.
bool is_as_wanted(const PartitionStatus& partition) {
  std::vector<std::int32_t> voters;
  for (const ReplicaStatus& replica : partition.replicas) {
    if (!replica.voter) return false;
    voters.push_back(replica.broker);
  }
  return partition.step.empty() && sorted(voters) == sorted(partition.wanted);
}

// "orders/3: broker 3 learns; broker 3 is 1,200 records behind"
std::string text_of(const PartitionStatus& partition) {
  std::string text = name_of(partition) + ": " +
                     (partition.step.empty() ? "waiting for its leader" : partition.step);
  for (const ReplicaStatus& replica : partition.replicas) {
    if (replica.voter || replica.lag_records <= 0) continue;
    text += "; broker " + std::to_string(replica.broker) + " is " +
            plural(static_cast<std::uint64_t>(replica.lag_records), "record") + " behind";
  }
  return text;
}

ClusterProgress emptied(const ClusterStatus& status, std::int32_t id, const std::string& end) {
  const auto same = [&](const BrokerStatus& broker) { return broker.id == id; };
  const auto broker = std::ranges::find_if(status.brokers, same);
  const std::string name = "broker " + std::to_string(id);
  if (broker == status.brokers.end()) return {.done = false, .text = name + " is not told of"};
  if (broker->state == end && broker->leaders == 0 && broker->replicas == 0) {
    return {.done = true, .text = name + " is " + end};
  }
  return {.done = false,
          .text = name + " is " + broker->state + ": " + plural(broker->leaders, "leader") + ", " +
                  plural(broker->replicas, "replica") + " left"};
}

struct Progress {
  const ClusterStatus& status;

  ClusterProgress operator()(const client::DrainBroker& change) const {
    return emptied(status, change.broker, "drained");
  }
  ClusterProgress operator()(const client::DecommissionBroker& change) const {
    return emptied(status, change.broker, "decommissioned");
  }
  ClusterProgress operator()(const client::ResumeBroker&) const {
    return {.done = true, .text = ""};
  }
  ClusterProgress operator()(const client::RemoveBroker&) const {
    return {.done = true, .text = ""};
  }

  ClusterProgress operator()(const client::MoveReplicas& change) const {
    for (const PartitionStatus& partition : status.partitions) {
      if (partition.topic != change.topic || partition.partition != change.partition) continue;
      const bool told = sorted(partition.wanted) == sorted(change.replicas);
      if (told && is_as_wanted(partition)) {
        return {.done = true, .text = name_of(partition) + " has moved"};
      }
      return {.done = false, .text = text_of(partition)};
    }
    return {.done = false, .text = change.topic + " is not told of"};
  }

  ClusterProgress operator()(const client::SetReplicationFactor& change) const {
    std::size_t all = 0;
    std::size_t done = 0;
    const PartitionStatus* next = nullptr;
    for (const PartitionStatus& partition : status.partitions) {
      if (partition.topic != change.topic) continue;
      ++all;
      const bool told = partition.wanted.size() == change.replication_factor;
      if (told && is_as_wanted(partition)) {
        ++done;
      } else if (next == nullptr) {
        next = &partition;
      }
    }
    std::string text = change.topic + ": " + std::to_string(done) + " of " +
                       plural(all, "partition") + " have " +
                       plural(change.replication_factor, "replica");
    if (next != nullptr) text += "; " + text_of(*next);
    return {.done = all > 0 && next == nullptr, .text = std::move(text)};
  }

  ClusterProgress operator()(const client::TransferLeader& change) const {
    for (const PartitionStatus& partition : status.partitions) {
      if (partition.topic != change.topic || partition.partition != change.partition) continue;
      const std::int32_t to = change.to >= 0             ? change.to
                              : partition.wanted.empty() ? -1
                                                         : partition.wanted.front();
      const std::string leader =
          partition.leader < 0 ? "nobody" : "broker " + std::to_string(partition.leader);
      return {.done = to >= 0 && partition.leader == to,
              .text = name_of(partition) + " is led by " + leader};
    }
    return {.done = false, .text = change.topic + " is not told of"};
  }
};

}  // namespace

ClusterProgress progress_of(const client::ClusterChange& change, const ClusterStatus& status) {
  return std::visit(Progress{status}, change);
}

}  // namespace penstock::tools
