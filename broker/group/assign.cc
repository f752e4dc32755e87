#include "broker/group/assign.h"

#include <algorithm>

#include "broker/group/balance.h"

namespace penstock::group {
namespace {

Shares assign_ranges(const AssignmentTask& task) {
  std::vector<std::vector<std::size_t>> subscribers(task.topics.size());
  Shares shares;
  for (std::size_t m = 0; m < task.members.size(); ++m) {
    shares[task.members[m].id];
    for (const std::size_t topic : task.members[m].topics) subscribers[topic].push_back(m);
  }
  for (std::size_t t = 0; t < task.topics.size(); ++t) {
    const std::size_t partitions = task.topics[t].partitions;
    const std::size_t readers = subscribers[t].size();
    for (std::size_t i = 0; i < readers; ++i) {
      PartitionSet& share = shares[task.members[subscribers[t][i]].id];
      for (std::size_t p = partitions * i / readers; p < partitions * (i + 1) / readers; ++p) {
        share.push_back({task.topics[t].id, PartitionId(static_cast<std::int32_t>(p))});
      }
    }
  }
  return shares;  // topics ascend, and partitions within: each share is a set
}

const AssignmentTask::Topic* topic_of(const AssignmentTask& task, const TopicPartition& one) {
  const auto found =
      std::ranges::lower_bound(task.topics, one.topic, {}, &AssignmentTask::Topic::id);
  if (found == task.topics.end() || found->id != one.topic) return nullptr;
  return static_cast<std::uint32_t>(one.partition.value()) < found->partitions ? &*found : nullptr;
}

Shares assign_near(const AssignmentTask& task) {
  Shares near = balance(task, Racks::kPreferred);
  Shares plain = balance(task, Racks::kIgnored);
  const std::size_t near_moves = moved(task, near);
  const std::size_t plain_moves = moved(task, plain);
  if (near_moves != plain_moves) return near_moves < plain_moves ? near : plain;
  return in_rack(task, near) > in_rack(task, plain) ? near : plain;
}

}  // namespace

Shares assign(Assignor assignor, const AssignmentTask& task) {
  switch (assignor) {
    case Assignor::kBalancedSticky:
      return balance(task, Racks::kIgnored);
    case Assignor::kRange:
      return assign_ranges(task);
    case Assignor::kRackAware:
      return assign_near(task);
  }
  return balance(task, Racks::kIgnored);
}

std::size_t moved(const AssignmentTask& task, const Shares& shares) {
  std::size_t count = 0;
  for (const AssignmentTask::Member& member : task.members) {
    const auto before = task.previous.find(member.id);
    if (before == task.previous.end()) continue;
    const auto now = shares.find(member.id);
    for (const TopicPartition& one : before->second) {
      const AssignmentTask::Topic* const topic = topic_of(task, one);
      if (topic == nullptr) continue;
      const auto index = static_cast<std::size_t>(topic - task.topics.data());
      if (!std::ranges::binary_search(member.topics, index)) continue;
      if (now == shares.end() || !contains(now->second, one)) ++count;
    }
  }
  return count;
}

std::size_t in_rack(const AssignmentTask& task, const Shares& shares) {
  std::size_t count = 0;
  for (const AssignmentTask::Member& member : task.members) {
    const auto share = shares.find(member.id);
    if (share == shares.end() || member.rack.empty()) continue;
    for (const TopicPartition& one : share->second) {
      const AssignmentTask::Topic* const topic = topic_of(task, one);
      const auto number = static_cast<std::size_t>(one.partition.value());
      if (topic == nullptr || number >= topic->racks.size()) continue;
      if (std::ranges::count(topic->racks[number], member.rack) > 0) ++count;
    }
  }
  return count;
}

}  // namespace penstock::group
