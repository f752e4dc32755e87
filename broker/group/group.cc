#include "broker/group/group.h"

#include <algorithm>
#include <string>

namespace penstock::group {

bool Group::is_live() const {
  return std::ranges::any_of(
      members, [](const auto& entry) { return entry.second.presence == Presence::kPresent; });
}

const PartitionSet& Group::share_of(const Uuid& member) const {
  static const PartitionSet kNothing;
  const auto found = target.shares.find(member);
  return found == target.shares.end() ? kNothing : found->second;
}

Result<Present> find_member(const Group& group, const Uuid& member, Epoch epoch) {
  const auto facts = group.members.find(member);
  const auto holding = group.holdings.find(member);
  if (!group.facts || facts == group.members.end() || holding == group.holdings.end() ||
      facts->second.presence != Presence::kPresent) {
    return fail(Errc::kUnknownMember, "member " + member.to_string() +
                                          " is not in the group: it left, was declared dead, or "
                                          "never joined; let go of everything and join anew");
  }
  if (epoch < facts->second.joined || epoch > holding->second.epoch) {
    return fail(Errc::kUnknownMember, "member " + member.to_string() + " has epoch " +
                                          std::to_string(epoch.value()) +
                                          " of an earlier life; it joined anew with " +
                                          std::to_string(facts->second.joined.value()) +
                                          "; let go of everything and join anew");
  }
  return Present{facts->second, holding->second};
}

Holding next_holding(const Group::Holdings& all, const Uuid& member, const Holding& present,
                     const PartitionSet& share, const PartitionSet* reported, Epoch epoch) {
  const PartitionSet kept =
      reported == nullptr ? present.revoking : common(present.revoking, *reported);
  const PartitionSet held = together(present.owned, kept);
  PartitionSet given = without(share, held);
  for (const auto& [other, holding] : all) {
    if (given.empty()) break;
    if (other != member) given = without(without(given, holding.owned), holding.revoking);
  }
  Holding next;
  next.owned = together(common(share, held), given);
  next.revoking = without(held, next.owned);
  next.epoch = next.owned == present.owned ? present.epoch : epoch;
  return next;
}

}  // namespace penstock::group
