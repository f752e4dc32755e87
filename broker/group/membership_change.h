// MembershipChange: a change of a group's members in the making, up to the records that it takes.
//
// Lifetime: within one decision; the group outlives it.
// Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "broker/group/assign.h"
#include "broker/group/group.h"
#include "broker/group/group_record.h"
#include "broker/group/topic_view.h"

namespace penstock::group {

// When members would read more partitions than a group may.
enum class Overflow : std::uint8_t {
  kRefuse,
  kKeepDealt,  // only those that were dealt out before: the dead must go all the same
};

class MembershipChange {
 public:
  // Of a group that there is, or (without facts) that begins now.
  MembershipChange(std::string name, const Group& group, Epoch epoch, Timestamp now);

  void put(const Uuid& member, MemberFacts facts);
  void remove(const Uuid& member);
  void hold(const Uuid& member, Holding holding);  // instead of what it held
  void hold_nothing(const Uuid& member);
  // The heir gets the share of a member, which is removed.
  void inherit(const Uuid& member, const Uuid& heir);
  void choose(Assignor assignor) { facts_.assignor = assignor; }

  // Makes a new target under a new epoch. kNotReady: the view is older than one that was used
  // before; kOverloaded: the group would read more than a group may.
  Status retarget(const TopicView& topics, Overflow overflow);
  // Whether members want other partitions than the target deals out.
  bool wants_others(const TopicView& topics) const;

  const GroupFacts& facts() const { return facts_; }
  const PartitionSet& share_of(const Uuid& member) const;
  bool deals_as_before() const { return target_.shares == group_.target.shares; }
  // Those that differ from what the group was.
  std::vector<GroupRecord> records() const;

 private:
  AssignmentTask task(const TopicView& topics) const;
  void keep_dealt(AssignmentTask& task) const;

  const std::string name_;
  const Group& group_;
  const Epoch epoch_;

  GroupFacts facts_;
  std::map<Uuid, const MemberFacts*> members_;  // as they will be
  Group::Members put_;
  std::set<Uuid> removed_;
  Target target_;
  std::map<Uuid, std::optional<Holding>> holdings_;  // that change
};

}  // namespace penstock::group
