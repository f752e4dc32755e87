#include "broker/host/replica_state.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "base/assert.h"
#include "base/coding.h"
#include "broker/host/control_batch.h"
#include "broker/host/limits.h"
#include "protocol/record/crc32c.h"

namespace penstock::broker {
namespace {

constexpr std::string_view kMagic = "PSTKREP1";
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kBaseIsKnown = 1;
constexpr std::uint32_t kResetFollows = 2;
constexpr std::uint32_t kLostTermFollows = 4;
constexpr std::uint32_t kAdoptedFollows = 8;
constexpr std::uint32_t kVisibleStartFollows = 16;
constexpr std::uint32_t kCutFollows = 32;
constexpr std::uint32_t kJoinedFollows = 64;
constexpr std::uint32_t kTombstonesGoneFollows = 128;
constexpr std::uint32_t kKnownFlags = 255;
constexpr std::size_t kHeaderBytes = 48;
constexpr std::size_t kCrcBytes = 4;

namespace at {
constexpr std::size_t kVersion = 8;
constexpr std::size_t kPartition = 12;
constexpr std::size_t kTopic = 16;
constexpr std::size_t kCommitted = 32;
constexpr std::size_t kFlags = 40;
constexpr std::size_t kPlaced = 44;
}  // namespace at

template <std::integral T>
void append_le(Bytes& out, T value) {
  std::array<std::byte, sizeof(T)> bytes{};
  store_le(bytes.data(), value);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_membership(Bytes& out, const raft::Membership& membership) {
  const Bytes value = encode_membership(membership);
  append_le(out, static_cast<std::uint32_t>(value.size()));
  out.insert(out.end(), value.begin(), value.end());
}

bool read_membership(ByteReader& reader, raft::Membership& out) {
  std::uint32_t size = 0;
  ByteView value;
  if (!reader.read_le(size) || !reader.read_bytes(size, value)) return false;
  auto membership = decode_membership(value);
  if (!membership) return false;
  out = *std::move(membership);
  return true;
}

bool read_placed(ByteReader& reader, std::uint32_t count,
                 std::vector<raft::PlacedMembership>& out) {
  if (count > kMaxPlacedMemberships) return false;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::int64_t offset = 0;
    raft::Membership membership;
    if (!reader.read_le(offset) || !read_membership(reader, membership)) return false;
    if (offset < 0 || (!out.empty() && Offset(offset) <= out.back().at)) return false;
    out.push_back({Offset(offset), std::move(membership)});
  }
  return true;
}

// Of nobody, too: a replica that has not been told yet who takes part.
bool read_base(ByteReader& reader, raft::Membership& out) {
  const ByteReader before = reader;
  std::uint32_t size = 0;
  ByteView value;
  const Bytes of_nobody = encode_membership({});
  if (reader.read_le(size) && reader.read_bytes(size, value) &&
      std::ranges::equal(value, of_nobody)) {
    out = {};
    return true;
  }
  reader = before;
  return read_membership(reader, out);
}

bool read_offset(ByteReader& reader, std::optional<Offset>& out) {
  std::int64_t offset = 0;
  if (!reader.read_le(offset) || offset < 0) return false;
  out = Offset(offset);
  return true;
}

bool read_measure(ByteReader& reader, ReplicaState::Measure& out) {
  std::int32_t in = 0;
  std::int32_t term = 0;
  std::int64_t end = 0;
  if (!reader.read_le(in) || !reader.read_le(term) || !reader.read_le(end)) return false;
  out = {Term(in), {Term(term), Offset(end)}};
  return in >= 0 && term >= 0 && end >= 0;
}

bool read_reset(ByteReader& reader, ReplicaState::Reset& out) {
  std::int32_t term = 0;
  std::int64_t end = 0;
  if (!reader.read_le(term) || !reader.read_le(end) || end < 0) return false;
  out.start = {Term(term), Offset(end)};
  return read_base(reader, out.membership);
}

std::unexpected<Error> corrupt(const char* why) {
  return fail(Errc::kCorrupt, std::string("replica state: ") + why);
}

}  // namespace

void ReplicaState::truncate(Offset from) {
  std::erase_if(placed, [&](const auto& one) { return one.at >= from; });
}

void ReplicaState::fold_below(Offset start) {
  if (visible_start && *visible_start <= start) visible_start.reset();
  const auto first_kept = std::ranges::lower_bound(placed, start, {}, &raft::PlacedMembership::at);
  if (first_kept == placed.begin()) return;
  base = std::prev(first_kept)->membership;
  base_is_known = true;
  placed.erase(placed.begin(), first_kept);
}

bool ReplicaState::lists_as(const ReplicaState& other) const {
  return base == other.base && base_is_known == other.base_is_known && placed == other.placed &&
         reset == other.reset && lost_up_to == other.lost_up_to && adopted_at == other.adopted_at &&
         visible_start == other.visible_start && cut == other.cut && joined == other.joined &&
         tombstones_gone_below == other.tombstones_gone_below;
}

raft::LogPoint ReplicaState::measure() const {
  raft::LogPoint most;
  for (const auto& one : {cut, joined}) {
    if (one) most = std::max(most, one->had);
  }
  return most;
}

Bytes encode(const ReplicaState& state, const storage::LogIdentity& identity) {
  PENSTOCK_ASSERT(state.placed.size() <= kMaxPlacedMemberships, "checked before it is placed");
  Bytes file(kHeaderBytes);
  std::ranges::copy(as_bytes(kMagic), file.begin());
  store_le(file.data() + at::kVersion, kVersion);
  store_le(file.data() + at::kPartition, identity.partition.partition.value());
  std::ranges::copy(identity.partition.topic.bytes, file.begin() + at::kTopic);
  store_le(file.data() + at::kCommitted, state.committed.value());
  store_le(file.data() + at::kFlags,
           (state.base_is_known ? kBaseIsKnown : 0U) | (state.reset ? kResetFollows : 0U) |
               (state.lost_up_to ? kLostTermFollows : 0U) |
               (state.adopted_at ? kAdoptedFollows : 0U) |
               (state.visible_start ? kVisibleStartFollows : 0U) | (state.cut ? kCutFollows : 0U) |
               (state.joined ? kJoinedFollows : 0U) |
               (state.tombstones_gone_below > Offset(0) ? kTombstonesGoneFollows : 0U));
  store_le(file.data() + at::kPlaced, static_cast<std::uint32_t>(state.placed.size()));
  append_membership(file, state.base);
  for (const auto& [offset, membership] : state.placed) {
    append_le(file, offset.value());
    append_membership(file, membership);
  }
  if (state.reset) {
    append_le(file, state.reset->start.term.value());
    append_le(file, state.reset->start.end.value());
    append_membership(file, state.reset->membership);
  }
  if (state.lost_up_to) append_le(file, state.lost_up_to->value());
  if (state.adopted_at) append_le(file, state.adopted_at->value());
  if (state.visible_start) append_le(file, state.visible_start->value());
  for (const auto& measure : {state.cut, state.joined}) {
    if (!measure) continue;
    append_le(file, measure->in.value());
    append_le(file, measure->had.term.value());
    append_le(file, measure->had.end.value());
  }
  if (state.tombstones_gone_below > Offset(0)) {
    append_le(file, state.tombstones_gone_below.value());
  }
  append_le(file, record::crc32c(file));
  return file;
}

namespace {

// Everything behind the header.
bool read_fields(ByteReader& reader, std::uint32_t flags, std::uint32_t placed,
                 ReplicaState& state) {
  bool whole = (flags & ~kKnownFlags) == 0 && read_base(reader, state.base) &&
               read_placed(reader, placed, state.placed);
  if (whole && (flags & kResetFollows) != 0) whole = read_reset(reader, state.reset.emplace());
  if (whole && (flags & kLostTermFollows) != 0) {
    std::int32_t term = 0;
    whole = reader.read_le(term);
    state.lost_up_to = Term(term);
  }
  if (whole && (flags & kAdoptedFollows) != 0) whole = read_offset(reader, state.adopted_at);
  if (whole && (flags & kVisibleStartFollows) != 0) {
    whole = read_offset(reader, state.visible_start);
  }
  if (whole && (flags & kCutFollows) != 0) whole = read_measure(reader, state.cut.emplace());
  if (whole && (flags & kJoinedFollows) != 0) whole = read_measure(reader, state.joined.emplace());
  if (whole && (flags & kTombstonesGoneFollows) != 0) {
    std::int64_t below = 0;
    whole = reader.read_le(below) && below > 0;
    state.tombstones_gone_below = Offset(below);
  }
  return whole && reader.remaining() == 0;
}

}  // namespace

Result<ReplicaState> decode_replica_state(ByteView file) {
  if (file.size() < kHeaderBytes + kCrcBytes) return corrupt("the file is too short");
  const ByteView covered = file.first(file.size() - kCrcBytes);
  if (!equal(file.first(kMagic.size()), as_bytes(kMagic)) ||
      load_le<std::uint32_t>(file.data() + covered.size()) != record::crc32c(covered)) {
    return corrupt("the file is damaged");
  }
  if (load_le<std::uint32_t>(file.data() + at::kVersion) != kVersion) {
    return fail(Errc::kForeignData, "replica state: another version's");
  }
  ReplicaState state;
  const auto flags = load_le<std::uint32_t>(file.data() + at::kFlags);
  state.base_is_known = (flags & kBaseIsKnown) != 0;
  state.committed = Offset(load_le<std::int64_t>(file.data() + at::kCommitted));
  ByteReader reader(covered.subspan(kHeaderBytes));
  const auto placed = load_le<std::uint32_t>(file.data() + at::kPlaced);
  if (state.committed < Offset(0) || !read_fields(reader, flags, placed, state)) {
    return corrupt("its fields contradict each other");
  }
  return state;
}

Result<ReplicaState> decode_replica_state(ByteView file, const storage::LogIdentity& identity) {
  PENSTOCK_TRY_ASSIGN(ReplicaState state, decode_replica_state(file));
  const bool same_topic = equal(file.subspan(at::kTopic, 16), identity.partition.topic.bytes);
  if (!same_topic ||
      load_le<std::int32_t>(file.data() + at::kPartition) != identity.partition.partition.value()) {
    return fail(Errc::kForeignData, "replica state: another partition's");
  }
  return state;
}

}  // namespace penstock::broker
