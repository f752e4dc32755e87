#include "broker/group/membership_change.h"

#include <algorithm>
#include <utility>

#include "broker/group/limits.h"

namespace penstock::group {
namespace {

std::size_t partitions_of(const AssignmentTask& task) {
  std::size_t partitions = 0;
  for (const AssignmentTask::Topic& topic : task.topics) partitions += topic.partitions;
  return partitions;
}

}  // namespace

MembershipChange::MembershipChange(std::string name, const Group& group, Epoch epoch, Timestamp now)
    : name_(std::move(name)),
      group_(group),
      epoch_(epoch),
      facts_(group.facts.value_or(GroupFacts{epoch, Assignor::kBalancedSticky, now, Offset(0)})),
      target_(group.target) {
  for (const auto& [member, facts] : group.members) members_[member] = &facts;
}

void MembershipChange::put(const Uuid& member, MemberFacts facts) {
  put_[member] = std::move(facts);
  members_[member] = &put_[member];
}

void MembershipChange::remove(const Uuid& member) {
  members_.erase(member);
  removed_.insert(member);
  hold_nothing(member);
}

void MembershipChange::hold(const Uuid& member, Holding holding) {
  holdings_[member] = std::move(holding);
}

void MembershipChange::hold_nothing(const Uuid& member) { holdings_[member] = std::nullopt; }

void MembershipChange::inherit(const Uuid& member, const Uuid& heir) {
  const auto share = target_.shares.find(member);
  if (share != target_.shares.end()) {
    target_.shares[heir] = std::move(share->second);
    target_.shares.erase(member);
  }
  remove(member);
}

AssignmentTask MembershipChange::task(const TopicView& topics) const {
  std::map<std::string_view, std::vector<const Uuid*>> readers;
  for (const auto& [member, facts] : members_) {
    for (const std::string& topic : facts->profile.subscription.topics) {
      readers[topic].push_back(&member);
    }
  }
  struct Wanted {
    TopicShape shape;
    const std::vector<const Uuid*>* readers;
  };
  std::vector<Wanted> wanted;
  for (const auto& [topic, subscribers] : readers) {
    if (const auto shape = topics.find(topic)) wanted.push_back({*shape, &subscribers});
  }
  std::ranges::sort(wanted, {}, [](const Wanted& one) { return one.shape.id; });

  AssignmentTask task;
  std::map<Uuid, std::vector<std::size_t>> of_member;
  for (const Wanted& one : wanted) {
    for (const Uuid* const reader : *one.readers) of_member[*reader].push_back(task.topics.size());
    task.topics.push_back({one.shape.id, one.shape.partitions, {}});
    if (facts_.assignor != Assignor::kRackAware) continue;
    for (std::uint32_t p = 0; p < one.shape.partitions; ++p) {
      task.topics.back().racks.push_back(
          topics.racks({one.shape.id, PartitionId(static_cast<std::int32_t>(p))}));
    }
  }
  for (const auto& [member, facts] : members_) {
    task.members.push_back({member, facts->profile.rack, std::move(of_member[member])});
  }
  return task;
}

// Cuts each topic down to what the present target has of it.
void MembershipChange::keep_dealt(AssignmentTask& task) const {
  std::map<Uuid, std::uint32_t> dealt;
  for (const auto& [member, share] : target_.shares) {
    for (const TopicPartition& one : share) {
      std::uint32_t& most = dealt[one.topic];
      most = std::max(most, static_cast<std::uint32_t>(one.partition.value()) + 1);
    }
  }
  for (AssignmentTask::Topic& topic : task.topics) {
    topic.partitions = std::min(topic.partitions, dealt[topic.id]);
  }
}

Status MembershipChange::retarget(const TopicView& topics, Overflow overflow) {
  if (topics.at() < facts_.topics_at) {
    return fail(Errc::kNotReady, "this broker's metadata is older than what group '" + name_ +
                                     "' was last dealt out with; ask again in a moment");
  }
  AssignmentTask task = this->task(topics);
  const std::size_t partitions = partitions_of(task);
  if (partitions > kMaxPartitionsPerGroup) {
    if (overflow == Overflow::kRefuse) {
      return fail(Errc::kOverloaded, "group '" + name_ + "' would read " +
                                         std::to_string(partitions) + " partitions; at most " +
                                         std::to_string(kMaxPartitionsPerGroup) +
                                         " can be shared; use more groups");
    }
    keep_dealt(task);
  }
  task.previous = std::move(target_.shares);
  target_ = {epoch_, assign(facts_.assignor, task)};
  facts_.epoch = epoch_;
  facts_.topics_at = topics.at();
  return {};
}

bool MembershipChange::wants_others(const TopicView& topics) const {
  PartitionSet wanted;
  for (const AssignmentTask::Topic& topic : task(topics).topics) {
    for (std::uint32_t p = 0; p < topic.partitions; ++p) {
      wanted.push_back({topic.id, PartitionId(static_cast<std::int32_t>(p))});
    }
  }
  PartitionSet dealt;
  for (const auto& [member, share] : target_.shares) {
    dealt.insert(dealt.end(), share.begin(), share.end());
  }
  return wanted != partition_set(std::move(dealt));
}

const PartitionSet& MembershipChange::share_of(const Uuid& member) const {
  static const PartitionSet kNothing;
  const auto found = target_.shares.find(member);
  return found == target_.shares.end() ? kNothing : found->second;
}

std::vector<GroupRecord> MembershipChange::records() const {
  std::vector<GroupRecord> records;
  if (group_.facts != facts_) records.push_back(GroupFactsRecord{{name_}, facts_});
  for (const Uuid& member : removed_) {
    if (group_.members.contains(member)) {
      records.push_back(MemberRecord{{name_, member}, std::nullopt});
    }
  }
  for (const auto& [member, facts] : put_) {
    const auto before = group_.members.find(member);
    if (before == group_.members.end() || before->second != facts) {
      records.push_back(MemberRecord{{name_, member}, facts});
    }
  }
  if (target_.shares.empty()) {
    if (group_.target != Target{}) records.push_back(TargetRecord{{name_}, std::nullopt});
  } else if (target_ != group_.target) {
    records.push_back(TargetRecord{{name_}, target_});
  }
  for (const auto& [member, holding] : holdings_) {
    const auto before = group_.holdings.find(member);
    const bool was = before != group_.holdings.end();
    if (was != holding.has_value() || (was && before->second != *holding)) {
      records.push_back(HoldingRecord{{name_, member}, holding});
    }
  }
  return records;
}

}  // namespace penstock::group
