// Members: join, live, leave, are declared dead; topics change under them.
#include <algorithm>

#include "broker/group/group_state.h"
#include "broker/group/limits.h"
#include "broker/group/membership_change.h"

namespace penstock::group {
namespace {

Status check_bytes(std::string_view what, std::string_view value, std::size_t most) {
  if (value.size() <= most) return {};
  return fail(Errc::kInvalidArgument,
              std::string(what) + " has more than " + std::to_string(most) + " bytes");
}

Status check_within(std::string_view what, std::int32_t value, std::int32_t least,
                    std::int32_t most) {
  if (value >= least && value <= most) return {};
  return fail(Errc::kInvalidArgument, std::string(what) + " is " + std::to_string(value) +
                                          "; it must be from " + std::to_string(least) + " to " +
                                          std::to_string(most));
}

Status check_profile(const MemberProfile& profile) {
  PENSTOCK_TRY(check_bytes("the client's name", profile.client, kMaxClientNameBytes));
  PENSTOCK_TRY(check_bytes("the host", profile.host, kMaxHostBytes));
  PENSTOCK_TRY(check_bytes("the rack", profile.rack, kMaxRackBytes));
  PENSTOCK_TRY(check_bytes("the pattern", profile.subscription.pattern, kMaxPatternBytes));
  if (!profile.instance.empty() && !is_valid_group_name(profile.instance)) {
    return fail(Errc::kInvalidArgument, "the instance id is no name");
  }
  PENSTOCK_TRY(check_within("session_timeout_ms", profile.session_timeout_ms, kMinSessionTimeoutMs,
                            kMaxSessionTimeoutMs));
  PENSTOCK_TRY(check_within("poll_interval_ms", profile.poll_interval_ms, 0, kMaxPollIntervalMs));
  const auto& topics = profile.subscription.topics;
  if (topics.size() > kMaxTopicsPerSubscription) {
    return fail(Errc::kInvalidArgument,
                "a member reads at most " + std::to_string(kMaxTopicsPerSubscription) + " topics");
  }
  for (const std::string& topic : topics) {
    if (!is_valid_topic_name(topic)) return fail(Errc::kInvalidTopicName);
  }
  return {};
}

Status check_command(const JoinOrHeartbeat& command) {
  if (!is_valid_group_name(command.group)) {
    return fail(Errc::kInvalidArgument, "'" + command.group.substr(0, kMaxNameBytes) +
                                            "' is no name of a group: 1 to 249 of letters, "
                                            "digits, '.', '_' and '-'");
  }
  if (command.member.is_nil()) return fail(Errc::kInvalidArgument, "the member has no id");
  if (!is_partition_set(command.owned)) {
    return fail(Errc::kInvalidArgument, "what a member owns must ascend, each partition once");
  }
  if (command.member_epoch == Epoch(0) && !command.owned.empty()) {
    return fail(Errc::kInvalidArgument, "who joins must own nothing");
  }
  return check_profile(command.profile);
}

// Whether the difference is one for who shall own what.
bool deals_otherwise(const MemberProfile& a, const MemberProfile& b, Assignor assignor) {
  return a.subscription != b.subscription || (assignor == Assignor::kRackAware && a.rack != b.rack);
}

Assignment answer(const GroupFacts& facts, const PartitionSet& share, const Holding& holding) {
  return {.member_epoch = holding.epoch,
          .group_epoch = facts.epoch,
          .owned = holding.owned,
          .revoking = holding.revoking,
          .awaited = without(share, holding.owned).size()};
}

// The other member of that instance id.
const Group::Members::value_type* find_instance(const Group& group, const std::string& instance,
                                                const Uuid& other_than) {
  if (instance.empty()) return nullptr;
  const auto found = std::ranges::find_if(group.members, [&](const auto& entry) {
    return entry.first != other_than && entry.second.profile.instance == instance;
  });
  return found == group.members.end() ? nullptr : &*found;
}

}  // namespace

Result<GroupDecision<Assignment>> GroupState::handle(const JoinOrHeartbeat& command) const {
  PENSTOCK_TRY(check_command(command));
  const Group& group = present_or_new(command.group);
  const auto known = group.holdings.find(command.member);
  const bool joins = command.member_epoch == Epoch(0);
  if (joins && known == group.holdings.end()) return join(command, group);

  // Who joins and is here already did not get the answer.
  const Epoch epoch = joins ? known->second.epoch : command.member_epoch;
  PENSTOCK_TRY_ASSIGN(const Present member, find_member(group, command.member, epoch));
  const Holding& holding = member.holding;
  if (!includes(together(holding.owned, holding.revoking), command.owned)) {
    return fail(Errc::kUnknownMember,
                "member " + command.member.to_string() +
                    " says that it owns what is not its own; let go of everything and join anew");
  }
  // Only who knows the last answer may have let go because of it.
  const bool up_to_date = command.member_epoch == holding.epoch;
  const PartitionSet* const reported = up_to_date ? &command.owned : nullptr;
  if (!up_to_date || member.facts.profile == command.profile) {
    const PartitionSet& share = group.share_of(command.member);
    const Holding next =
        next_holding(group.holdings, command.member, holding, share, reported, next_epoch());
    std::vector<GroupRecord> records;
    if (next != holding) records.push_back(HoldingRecord{{command.group, command.member}, next});
    return GroupDecision{std::move(records), answer(*group.facts, share, next)};
  }
  if (member.facts.profile.instance != command.profile.instance) {
    return fail(Errc::kInvalidArgument, "a member keeps its instance id");
  }
  MembershipChange change(command.group, group, next_epoch(), command.now);
  change.put(command.member, {command.profile, member.facts.joined, Presence::kPresent});
  if (deals_otherwise(member.facts.profile, command.profile, change.facts().assignor)) {
    PENSTOCK_TRY(change.retarget(*command.topics, Overflow::kRefuse));
  }
  const PartitionSet& share = change.share_of(command.member);
  const Holding next =
      next_holding(group.holdings, command.member, holding, share, reported, next_epoch());
  change.hold(command.member, next);
  return GroupDecision{change.records(), answer(change.facts(), share, next)};
}

Status GroupState::check_room(const JoinOrHeartbeat& command, const Group& group) const {
  if (group.is_nothing() && groups_.size() >= kMaxGroups) {
    return fail(Errc::kOverloaded, "this coordinator has " + std::to_string(kMaxGroups) +
                                       " groups; delete some first");
  }
  const bool is_new = !group.members.contains(command.member);
  if (is_new && group.members.size() >= kMaxMembersPerGroup) {
    return fail(Errc::kOverloaded, "group '" + command.group + "' has " +
                                       std::to_string(kMaxMembersPerGroup) + " members");
  }
  if (is_new && member_count_ >= kMaxMembers) {
    return fail(Errc::kOverloaded,
                "the groups of this coordinator have " + std::to_string(kMaxMembers) + " members");
  }
  return {};
}

Result<GroupDecision<Assignment>> GroupState::join(const JoinOrHeartbeat& command,
                                                   const Group& group) const {
  const auto* const former = find_instance(group, command.profile.instance, command.member);
  if (former != nullptr && former->second.presence == Presence::kPresent) {
    return fail(Errc::kInstanceInUse, "instance '" + command.profile.instance + "' of group '" +
                                          command.group + "' is member " +
                                          former->first.to_string() +
                                          ", which must leave or be declared dead first");
  }
  if (former == nullptr) PENSTOCK_TRY(check_room(command, group));
  const auto itself = group.members.find(command.member);  // away
  const MemberFacts* const before = former != nullptr               ? &former->second
                                    : itself != group.members.end() ? &itself->second
                                                                    : nullptr;
  MembershipChange change(command.group, group, next_epoch(), command.now);
  const Assignor assignor = change.facts().assignor;
  if (command.assignor) change.choose(*command.assignor);
  change.put(command.member, {command.profile, next_epoch(), Presence::kPresent});
  if (former != nullptr) change.inherit(former->first, command.member);
  if (before == nullptr || change.facts().assignor != assignor ||
      deals_otherwise(before->profile, command.profile, assignor)) {
    PENSTOCK_TRY(change.retarget(*command.topics, Overflow::kRefuse));
  }
  const PartitionSet& share = change.share_of(command.member);
  Holding holding = next_holding(group.holdings, command.member, {}, share, nullptr, next_epoch());
  holding.epoch = next_epoch();
  change.hold(command.member, holding);
  return GroupDecision{change.records(), answer(change.facts(), share, holding)};
}

Result<GroupDecision<Epoch>> GroupState::handle(const Leave& command) const {
  const Group& group = present_or_new(command.group);
  PENSTOCK_TRY_ASSIGN(const Present member,
                      find_member(group, command.member.member, command.member.epoch));
  MembershipChange change(command.group, group, next_epoch(), command.now);
  if (command.departure == Departure::kMayReturn && !member.facts.profile.instance.empty()) {
    MemberFacts facts = member.facts;
    facts.presence = Presence::kAway;
    change.put(command.member.member, std::move(facts));
    change.hold_nothing(command.member.member);
  } else {
    change.remove(command.member.member);
    PENSTOCK_TRY(change.retarget(*command.topics, Overflow::kKeepDealt));
  }
  return GroupDecision{change.records(), change.facts().epoch};
}

Result<GroupDecision<std::vector<Uuid>>> GroupState::handle(const ExpireMembers& command) const {
  const Group& group = present_or_new(command.group);
  MembershipChange change(command.group, group, next_epoch(), command.now);
  std::vector<Uuid> removed;
  for (const Uuid& member : command.members) {
    if (!group.members.contains(member) || std::ranges::count(removed, member) > 0) continue;
    change.remove(member);
    removed.push_back(member);
  }
  if (removed.empty()) return GroupDecision{std::vector<GroupRecord>(), std::move(removed)};
  PENSTOCK_TRY(change.retarget(*command.topics, Overflow::kKeepDealt));
  return GroupDecision{change.records(), std::move(removed)};
}

Result<GroupDecision<Progress>> GroupState::handle(const TopicsChanged& command) const {
  const Group* const group = find(command.group);
  if (group == nullptr) return GroupDecision{std::vector<GroupRecord>(), Progress::kDone};
  std::vector<GroupRecord> records;
  if (!group->members.empty()) {
    MembershipChange change(command.group, *group, next_epoch(), command.now);
    bool rematched = false;
    for (const auto& [member, facts] : group->members) {
      const Subscription& subscription = facts.profile.subscription;
      const auto matches = command.matches.find(subscription.pattern);
      if (subscription.pattern.empty() || matches == command.matches.end() ||
          matches->second == subscription.topics) {
        continue;
      }
      MemberFacts renewed = facts;
      renewed.profile.subscription.topics = matches->second;
      change.put(member, std::move(renewed));
      rematched = true;
    }
    if (rematched || change.wants_others(*command.topics)) {
      PENSTOCK_TRY(change.retarget(*command.topics, Overflow::kKeepDealt));
      if (rematched || !change.deals_as_before()) records = change.records();
    }
  }
  std::size_t removed = 0;
  for (const Uuid& topic : command.deleted) {
    for (auto one = group->positions.lower_bound({topic, PartitionId(0)});
         one != group->positions.end() && one->first.topic == topic; ++one) {
      if (++removed > kMaxPositionsPerStep) {
        return GroupDecision{std::move(records), Progress::kMore};
      }
      records.push_back(PositionRecord{{command.group, one->first}, std::nullopt});
    }
  }
  return GroupDecision{std::move(records), Progress::kDone};
}

}  // namespace penstock::group
