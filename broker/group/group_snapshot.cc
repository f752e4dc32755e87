// The bytes of a snapshot of groups: magic, version, records, and XXH3-64 over everything before.
#include <xxhash.h>

#include "base/fields.h"
#include "broker/group/group_state.h"

namespace penstock::group {
namespace {

constexpr std::string_view kMagic = "PSTKGRUP";
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kHeaderBytes = kMagic.size() + sizeof kVersion;
constexpr std::size_t kSumBytes = sizeof(std::uint64_t);

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
  return {Errc::kCorrupt, "snapshot of groups: " + why};
}

}  // namespace

Bytes GroupState::snapshot() const {
  std::size_t records = 0;
  for (const auto& [name, group] : groups_) {
    each_record(name, group, [&](const GroupRecord&) { ++records; });
  }
  FieldWriter to;
  to.raw(as_bytes(kMagic)).integer(kVersion).offset(applied_).count(records);
  for (const auto& [name, group] : groups_) {
    each_record(name, group, [&](const GroupRecord& record) {
      const KeyedBytes bytes = encode(record);
      to.text(as_text(bytes.key)).text(as_text(*bytes.value));
    });
  }
  to.integer(std::uint64_t{XXH3_64bits(to.bytes().data(), to.bytes().size())});
  return to.take();
}

Result<GroupState> GroupState::restore(ByteView snapshot) {
  if (snapshot.size() < kHeaderBytes + kSumBytes) return fail(not_a_snapshot("it is too short"));
  const ByteView summed = snapshot.first(snapshot.size() - kSumBytes);
  if (load_le<std::uint64_t>(snapshot.data() + summed.size()) !=
      XXH3_64bits(summed.data(), summed.size())) {
    return fail(not_a_snapshot("its checksum does not fit"));
  }
  if (as_text(summed.first(kMagic.size())) != kMagic) {
    return fail(not_a_snapshot("it does not begin with " + std::string(kMagic)));
  }
  const auto version = load_le<std::uint16_t>(summed.data() + kMagic.size());
  if (version != kVersion) {
    return fail(Errc::kUnsupportedVersion,
                "snapshot of groups of version " + std::to_string(version) +
                    " is unknown to this release; start the release that wrote it, or a newer one");
  }
  FieldReader from(summed.subspan(kHeaderBytes));
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
