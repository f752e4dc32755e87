#include "broker/host/control_batch.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/assert.h"
#include "base/coding.h"
#include "broker/host/limits.h"
#include "protocol/record/builder.h"

namespace penstock::broker {
namespace {

constexpr std::int16_t kKeyVersion = 0;
constexpr std::int16_t kTermOpening = 100;
constexpr std::int16_t kMembership = 101;
constexpr std::int16_t kTimeMark = 102;
constexpr std::size_t kKeyBytes = 4;

Bytes make_control(std::int16_t type, ByteView value, Timestamp now) {
  std::array<std::byte, kKeyBytes> key{};
  store_be(key.data(), kKeyVersion);
  store_be(key.data() + 2, type);
  record::BatchBuilder builder({.control = true});
  builder.append(now, ByteView(key), value);
  auto batch = builder.build();
  PENSTOCK_ASSERT(batch.has_value(), "a control batch is small");
  return *std::move(batch);
}

void write_nodes(Bytes& out, const std::vector<raft::NodeId>& nodes) {
  PENSTOCK_ASSERT(nodes.size() <= kMaxMembers, "a membership is checked before it is proposed");
  std::array<std::byte, kMaxVarintBytes> count{};
  std::byte* const end = write_varint(count.data(), nodes.size());
  out.insert(out.end(), count.data(), end);
  for (const raft::NodeId node : nodes) {
    std::array<std::byte, sizeof(std::int32_t)> number{};
    store_be(number.data(), node.value());
    out.insert(out.end(), number.begin(), number.end());
  }
}

bool read_nodes(ByteReader& reader, std::vector<raft::NodeId>& nodes) {
  std::uint64_t count = 0;
  if (!reader.read_varint(count) || count > kMaxMembers) return false;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::int32_t number = 0;
    if (!reader.read_be(number) || number < 0) return false;
    const raft::NodeId node(number);
    if (!nodes.empty() && node <= nodes.back()) return false;
    nodes.push_back(node);
  }
  return true;
}

bool are_disjoint(const std::vector<raft::NodeId>& a, const std::vector<raft::NodeId>& b) {
  return std::ranges::none_of(
      a, [&](raft::NodeId node) { return std::ranges::binary_search(b, node); });
}

std::unexpected<Error> refuse(const char* why) {
  return fail(Errc::kInvalidBatch, std::string("control batch: ") + why);
}

}  // namespace

Bytes encode_membership(const raft::Membership& membership) {
  Bytes value;
  write_nodes(value, membership.voters);
  write_nodes(value, membership.outgoing);
  write_nodes(value, membership.learners);
  return value;
}

std::optional<raft::Membership> decode_membership(ByteView value) {
  raft::Membership membership;
  ByteReader reader(value);
  const bool whole = read_nodes(reader, membership.voters) &&
                     read_nodes(reader, membership.outgoing) &&
                     read_nodes(reader, membership.learners) && reader.remaining() == 0;
  if (!whole || membership.voters.empty()) return std::nullopt;
  // A voter that becomes a learner is in `outgoing` and in `learners` while the change lasts.
  if (!are_disjoint(membership.voters, membership.learners)) return std::nullopt;
  return membership;
}

Bytes make_term_opening(Timestamp now) { return make_control(kTermOpening, {}, now); }

Bytes make_time_mark(Timestamp now) { return make_control(kTimeMark, {}, now); }

Bytes make_membership_batch(const raft::Membership& membership, Timestamp now) {
  return make_control(kMembership, encode_membership(membership), now);
}

Result<std::optional<raft::Membership>> membership_in(const record::BatchView& batch) {
  if (!batch.is_control()) return std::nullopt;
  if (batch.codec() != record::Codec::kNone) return refuse("it is compressed");
  PENSTOCK_TRY_ASSIGN(auto records, record::Records::open(batch));
  PENSTOCK_TRY_ASSIGN(const auto record, records.next());
  if (!record || !record->key || record->key->size() < kKeyBytes) return refuse("it has no type");
  if (load_be<std::int16_t>(record->key->data() + 2) != kMembership) return std::nullopt;
  if (record->key->size() != kKeyBytes ||
      load_be<std::int16_t>(record->key->data()) != kKeyVersion) {
    return refuse("a membership of an unknown version");
  }
  PENSTOCK_TRY_ASSIGN(const auto behind, records.next());
  if (behind || batch.last_offset_delta() != 0) return refuse("a membership covers one offset");
  if (!record->value) return refuse("a membership without a value");
  auto membership = decode_membership(*record->value);
  if (!membership) return refuse("its value is no membership");
  return membership;
}

}  // namespace penstock::broker
