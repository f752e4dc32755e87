#include "broker/group/group_state.h"

#include "base/assert.h"

namespace penstock::group {
namespace {

// Puts the value in its place, or removes it.
template <typename Map, typename Key, typename Value>
void put(Map& map, const Key& key, const std::optional<Value>& value) {
  if (value) {
    map[key] = *value;
  } else {
    map.erase(key);
  }
}

}  // namespace

Status GroupState::apply(Offset offset, const GroupRecord& record) {
  std::visit([this](const auto& one) { apply_one(one); }, record);
  applied_ = offset + 1;
  return {};
}

void GroupState::skip_to(Offset next) {
  PENSTOCK_ASSERT(next >= applied_, "a log goes forward");
  applied_ = next;
}

template <typename Change>
void GroupState::change_group(const std::string& name, Change change) {
  const auto entry = groups_.try_emplace(name).first;
  Group& group = entry->second;
  member_count_ -= group.members.size();
  position_count_ -= group.positions.size();
  change(group);
  member_count_ += group.members.size();
  position_count_ += group.positions.size();
  if (group.is_nothing()) groups_.erase(entry);
}

void GroupState::apply_one(const PositionRecord& record) {
  change_group(record.key.group,
               [&](Group& group) { put(group.positions, record.key.partition, record.value); });
}

void GroupState::apply_one(const GroupFactsRecord& record) {
  change_group(record.key.group, [&](Group& group) { group.facts = record.value; });
}

void GroupState::apply_one(const MemberRecord& record) {
  change_group(record.key.group,
               [&](Group& group) { put(group.members, record.key.member, record.value); });
}

void GroupState::apply_one(const TargetRecord& record) {
  change_group(record.key.group,
               [&](Group& group) { group.target = record.value.value_or(Target{}); });
}

void GroupState::apply_one(const HoldingRecord& record) {
  change_group(record.key.group,
               [&](Group& group) { put(group.holdings, record.key.member, record.value); });
}

const Group* GroupState::find(std::string_view name) const {
  const auto found = groups_.find(name);
  return found == groups_.end() || !found->second.facts ? nullptr : &found->second;
}

const Group& GroupState::present_or_new(std::string_view name) const {
  static const Group kNew;
  const auto found = groups_.find(name);
  return found == groups_.end() ? kNew : found->second;
}

Result<const Group*> GroupState::existing(std::string_view name) const {
  const Group* const group = find(name);
  if (group == nullptr) {
    return fail(Errc::kUnknownGroup, "there is no group '" + std::string(name) + "'");
  }
  return group;
}

}  // namespace penstock::group
