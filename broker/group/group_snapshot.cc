// The bytes of a snapshot of groups: sealed records.
#include <utility>

#include "base/fields.h"
#include "base/sealed.h"
#include "broker/group/group_state.h"

namespace penstock::group {
namespace {

constexpr std::uint16_t kVersion = 1;
constexpr SealKind kKind{"PSTKGRUP", "snapshot of groups", kVersion, kVersion};

// Calls `take` with each record that there is about a group.
template <typename Take>
void each_record(const std::string& name, const Group& group, Take take) {
  if (group.facts) take(GroupFactsRecord{{name}, group.facts});
  for (const auto& [member, facts] : group.members) take(MemberRecord{{name, member}, facts});
  if (group.target != Target{}) take(TargetRecord{{name}, group.target});
  for (const auto& [member, holding] : group.holdings) {
    take(HoldingRecord{{name, member}, holding});
  }
  for (const auto& [partition, position] : group.positions) {
    take(PositionRecord{{name, partition}, position});
  }
}

Error not_a_snapshot(const std::string& why) {
  return {Errc::kCorrupt, std::string(kKind.what) + ": " + why};
}

}  // namespace

Bytes GroupState::snapshot() const {
  std::size_t records = 0;
  for (const auto& [name, group] : groups_) {
    each_record(name, group, [&](const GroupRecord&) { ++records; });
  }
  FieldWriter to = begin_sealed(kKind, kVersion);
  to.offset(applied_).count(records);
  for (const auto& [name, group] : groups_) {
    each_record(name, group, [&](const GroupRecord& record) {
      const KeyedBytes bytes = encode(record);
      to.text(as_text(bytes.key)).text(as_text(*bytes.value));
    });
  }
  return seal(std::move(to));
}

Result<GroupState> GroupState::restore(ByteView snapshot) {
  PENSTOCK_TRY_ASSIGN(const Sealed sealed, open_sealed(snapshot, kKind));
  FieldReader from(sealed.body);
  GroupState state;
  const Offset applied = from.offset();
  for (std::size_t left = from.count(); from.is_good() && left > 0; --left) {
    const std::string key = from.text();
    const std::string value = from.text();
    PENSTOCK_TRY_ASSIGN(const GroupRecord record,
                        decode_group_record(as_bytes(key), as_bytes(value)));
    PENSTOCK_TRY(state.apply(applied - 1, record));
  }
  if (!from.is_complete()) return fail(not_a_snapshot("it has the wrong length"));
  state.applied_ = applied;
  if (!equal(state.snapshot(), snapshot)) {
    return fail(not_a_snapshot("it is not as it is written: out of order, or something twice"));
  }
  return state;
}

}  // namespace penstock::group
