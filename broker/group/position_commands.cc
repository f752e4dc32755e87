// Positions: committed, read, reset; and groups that are deleted with them.
#include <algorithm>

#include "broker/group/group_state.h"
#include "broker/group/limits.h"

namespace penstock::group {
namespace {

std::string name_of(const TopicPartition& partition) {
  return partition.topic.to_string() + "/" + std::to_string(partition.partition.value());
}

Status check_distinct(std::vector<TopicPartition> partitions) {
  if (partitions.size() > kMaxPartitionsPerCommit) {
    return fail(Errc::kInvalidArgument,
                "more than " + std::to_string(kMaxPartitionsPerCommit) + " partitions at once");
  }
  std::ranges::sort(partitions);
  const auto twice = std::ranges::adjacent_find(partitions);
  if (twice == partitions.end()) return {};
  return fail(Errc::kInvalidArgument, "partition " + name_of(*twice) + " is there twice");
}

Status check_offset(Offset offset) {
  if (offset >= Offset(0)) return {};
  return fail(Errc::kInvalidArgument, "a position is never below 0");
}

Status check_command(const CommitOffsets& command) {
  if (!is_valid_group_name(command.group)) {
    return fail(Errc::kInvalidArgument, "that is no name of a group");
  }
  std::vector<TopicPartition> partitions;
  std::size_t text_bytes = 0;
  for (const NewPosition& one : command.positions) {
    PENSTOCK_TRY(check_offset(one.offset));
    if (one.text.size() > kMaxPositionTextBytes) {
      return fail(Errc::kInvalidArgument, "the text of a position has more than " +
                                              std::to_string(kMaxPositionTextBytes) + " bytes");
    }
    text_bytes += one.text.size();
    partitions.push_back(one.partition);
  }
  if (text_bytes > kMaxCommitTextBytes) {
    return fail(Errc::kInvalidArgument, "the texts of a commit have more than " +
                                            std::to_string(kMaxCommitTextBytes) + " bytes");
  }
  return check_distinct(std::move(partitions));
}

Status check_is_there(const TopicView& topics, const TopicPartition& partition) {
  const auto shape = topics.find(partition.topic);
  if (!shape) {
    return fail(Errc::kUnknownTopic, "there is no topic " + partition.topic.to_string());
  }
  if (partition.partition < PartitionId(0) ||
      static_cast<std::uint32_t>(partition.partition.value()) >= shape->partitions) {
    return fail(Errc::kUnknownPartition, "there is no partition " + name_of(partition));
  }
  return {};
}

Result<Present> check_epoch(const Group& group, const MemberCredential& credential) {
  PENSTOCK_TRY_ASSIGN(const Present member,
                      find_member(group, credential.member, credential.epoch));
  if (credential.epoch != member.holding.epoch) {
    return fail(Errc::kStaleMemberEpoch,
                "member " + credential.member.to_string() + " is at epoch " +
                    std::to_string(member.holding.epoch.value()) + ", not " +
                    std::to_string(credential.epoch.value()) +
                    "; take the new assignment from a heartbeat and ask again");
  }
  return member;
}

Status check_not_live(const std::string& name, const Group& group) {
  if (!group.is_live()) return {};
  return fail(Errc::kGroupNotEmpty,
              "group '" + name + "' has live members; stop them first, or commit as one of them");
}

Status check_right(const CommitOffsets& command, const Group& group) {
  if (!command.member) {
    PENSTOCK_TRY(check_not_live(command.group, group));
    for (const NewPosition& one : command.positions) {
      PENSTOCK_TRY(check_is_there(*command.topics, one.partition));
    }
    return {};
  }
  PENSTOCK_TRY_ASSIGN(const Present member, check_epoch(group, *command.member));
  for (const NewPosition& one : command.positions) {
    if (!member.holds(one.partition)) {
      return fail(Errc::kNotOwner, "member " + command.member->member.to_string() +
                                       " does not own " + name_of(one.partition) +
                                       "; nothing of this commit was taken");
    }
  }
  return {};
}

std::optional<Offset> offset_of(const Group& group, const TopicPartition& partition) {
  const auto found = group.positions.find(partition);
  if (found == group.positions.end()) return std::nullopt;
  return found->second.offset;
}

}  // namespace

Status GroupState::check_room(const CommitOffsets& command, const Group& group) const {
  const auto more = static_cast<std::size_t>(std::ranges::count_if(
      command.positions,
      [&](const NewPosition& one) { return !group.positions.contains(one.partition); }));
  if (more > 0 && (group.positions.size() + more > kMaxPositionsPerGroup ||
                   position_count_ + more > kMaxPositions)) {
    return fail(Errc::kOverloaded, "a group holds at most " +
                                       std::to_string(kMaxPositionsPerGroup) +
                                       " positions, a coordinator " +
                                       std::to_string(kMaxPositions) + "; delete groups first");
  }
  if (group.is_nothing() && groups_.size() >= kMaxGroups) {
    return fail(Errc::kOverloaded, "this coordinator has " + std::to_string(kMaxGroups) +
                                       " groups; delete some first");
  }
  return {};
}

Result<GroupDecision<Committed>> GroupState::handle(const CommitOffsets& command) const {
  PENSTOCK_TRY(check_command(command));
  const Group& group = present_or_new(command.group);
  PENSTOCK_TRY(check_right(command, group));
  PENSTOCK_TRY(check_room(command, group));
  GroupDecision<Committed> decision;
  for (const NewPosition& one : command.positions) {
    const auto before = group.positions.find(one.partition);
    if (before != group.positions.end() && before->second.offset == one.offset &&
        before->second.leader_epoch == one.leader_epoch && before->second.text == one.text) {
      continue;
    }
    decision.records.push_back(
        PositionRecord{{command.group, one.partition},
                       Position{one.offset, one.leader_epoch, one.text, command.now}});
  }
  decision.answer.changed = decision.records.size();
  if (!group.facts && !decision.records.empty()) {
    decision.records.insert(
        decision.records.begin(),
        GroupFactsRecord{{command.group},
                         GroupFacts{next_epoch(), Assignor::kBalancedSticky, command.now, {}}});
  }
  return decision;
}

Result<GroupDecision<std::vector<FetchedPosition>>> GroupState::handle(
    const FetchOffsets& command) const {
  const Group& group = present_or_new(command.group);
  if (command.member) PENSTOCK_TRY(check_epoch(group, *command.member));
  GroupDecision<std::vector<FetchedPosition>> decision;
  if (!command.partitions) {
    for (const auto& [partition, position] : group.positions) {
      decision.answer.push_back({partition, position});
    }
    return decision;
  }
  for (const TopicPartition& partition : *command.partitions) {
    const auto found = group.positions.find(partition);
    decision.answer.push_back(
        {partition, found == group.positions.end() ? std::nullopt : std::optional(found->second)});
  }
  return decision;
}

Result<GroupDecision<std::vector<ResetPosition>>> GroupState::handle(
    const ResetOffsets& command) const {
  PENSTOCK_TRY_ASSIGN(const Group* const group, existing(command.group));
  PENSTOCK_TRY(check_not_live(command.group, *group));
  std::vector<TopicPartition> partitions;
  std::size_t added = 0;
  for (const ResetOffsets::Change& change : command.changes) {
    partitions.push_back(change.partition);
    if (!change.offset) continue;
    PENSTOCK_TRY(check_offset(*change.offset));
    PENSTOCK_TRY(check_is_there(*command.topics, change.partition));
    if (!group->positions.contains(change.partition)) ++added;
  }
  PENSTOCK_TRY(check_distinct(std::move(partitions)));
  if (added > 0 && (group->positions.size() + added > kMaxPositionsPerGroup ||
                    position_count_ + added > kMaxPositions)) {
    return fail(Errc::kOverloaded,
                "these are more positions than a group, or its coordinator, "
                "holds");
  }
  GroupDecision<std::vector<ResetPosition>> decision;
  for (const ResetOffsets::Change& change : command.changes) {
    const std::optional<Offset> before = offset_of(*group, change.partition);
    decision.answer.push_back({change.partition, before, change.offset});
    if (command.rehearsal == Rehearsal::kDryRun || before == change.offset) continue;
    PositionRecord record{{command.group, change.partition}, std::nullopt};
    if (change.offset)
      record.value = Position{*change.offset, change.leader_epoch, "", command.now};
    decision.records.push_back(std::move(record));
  }
  return decision;
}

Result<GroupDecision<Progress>> GroupState::handle(const DeleteGroup& command) const {
  PENSTOCK_TRY_ASSIGN(const Group* const group, existing(command.group));
  if (!group->members.empty()) {
    return fail(Errc::kGroupNotEmpty,
                "group '" + command.group + "' has " + std::to_string(group->members.size()) +
                    " members, of which some may be away; they must leave for good first");
  }
  GroupDecision<Progress> decision{{}, Progress::kDone};
  for (const auto& [partition, position] : group->positions) {
    if (decision.records.size() == kMaxPositionsPerStep) {
      decision.answer = Progress::kMore;
      return decision;
    }
    decision.records.push_back(PositionRecord{{command.group, partition}, std::nullopt});
  }
  decision.records.push_back(GroupFactsRecord{{command.group}, std::nullopt});
  return decision;
}

}  // namespace penstock::group
