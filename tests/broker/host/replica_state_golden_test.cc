// The bytes of a replica's side file: what every later release must read.
#include <gtest/gtest.h>

#include "broker/host/replica_state.h"
#include "tests/broker/host/nodes.h"
#include "tests/storage/documented.h"

namespace penstock::broker {
namespace {

const storage::LogIdentity kIdentity{
    {*Uuid::parse("000102030405060708090a0b0c0d0e0f"), PartitionId(3)}};

ReplicaState full() {
  ReplicaState state;
  state.base = voters({1, 2, 3});
  state.placed = {{Offset(130), {nodes({1, 2, 4}), nodes({1, 2, 3}), {}}}};
  state.committed = Offset(140);
  state.reset = ReplicaState::Reset{{Term(6), Offset(150)}, voters({1, 2, 4})};
  state.lost_up_to = Term(5);
  return state;
}

ReplicaState only_base() {
  ReplicaState state;
  state.base = voters({7});
  state.adopted_at = Offset(70);
  state.visible_start = Offset(72);
  state.cut = ReplicaState::Measure{Term(4), {Term(3), Offset(90)}};
  state.joined = ReplicaState::Measure{Term(6), {Term(5), Offset(91)}};
  state.tombstones_gone_below = Offset(88);
  return state;
}

// Of a broker that joins, and of one whose leader knows no more itself.
ReplicaState of_nobody() {
  ReplicaState state;
  state.reset = ReplicaState::Reset{{Term(6), Offset(150)}, {}};
  return state;
}

TEST(ReplicaStateGolden, BytesAreAsDocumented) {
  const Bytes bytes = encode(full(), kIdentity);
  EXPECT_TRUE(equal(bytes, documented("replica-state"))) << hex_lines(bytes);
  EXPECT_EQ(decode_replica_state(documented("replica-state"), kIdentity), full());
}

TEST(ReplicaStateGolden, EveryFlippedBitAndEveryTruncationIsSeen) {
  for (const ReplicaState& state : {full(), only_base(), of_nobody()}) {
    const Bytes whole = encode(state, kIdentity);
    ASSERT_EQ(decode_replica_state(whole, kIdentity), state);
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
      Bytes bad = whole;
      bad[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      EXPECT_FALSE(decode_replica_state(bad, kIdentity)) << "bit " << bit;
    }
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_FALSE(decode_replica_state(ByteView(whole).first(size), kIdentity)) << size;
    }
  }
}

TEST(ReplicaStateGolden, AnotherPartitionsFileIsForeign) {
  storage::LogIdentity other = kIdentity;
  other.partition.partition = PartitionId(4);
  const auto decoded = decode_replica_state(encode(full(), other), kIdentity);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code(), Errc::kForeignData);
}

}  // namespace
}  // namespace penstock::broker
