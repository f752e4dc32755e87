// The bytes of a snapshot of a state machine: what every later release must read.
#include <gtest/gtest.h>

#include "broker/host/state_host_file.h"
#include "tests/storage/documented.h"

namespace penstock::broker {
namespace {

const storage::LogIdentity kIdentity{
    {*Uuid::parse("000102030405060708090a0b0c0d0e0f"), PartitionId(3)}};
constexpr raft::LogPoint kPoint{Term(6), Offset(150)};

Bytes example() { return encode(StateSnapshot{kPoint, as_bytes("a state")}, kIdentity); }

TEST(StateSnapshotGolden, BytesAreAsDocumented) {
  EXPECT_TRUE(equal(example(), documented("state-snapshot"))) << hex_lines(example());
  const Bytes file = documented("state-snapshot");
  const auto decoded = decode_state_snapshot(file, kIdentity);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->point, kPoint);
  EXPECT_EQ(as_text(decoded->state), "a state");
}

TEST(StateSnapshotGolden, EveryFlippedBitAndEveryTruncationIsSeen) {
  const Bytes whole = example();
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    Bytes bad = whole;
    bad[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_FALSE(decode_state_snapshot(bad, kIdentity)) << "bit " << bit;
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decode_state_snapshot(ByteView(whole).first(size), kIdentity)) << size;
  }
}

TEST(StateSnapshotGolden, AnotherLogsFileIsForeign) {
  storage::LogIdentity other = kIdentity;
  other.partition.partition = PartitionId(4);
  const Bytes file = encode(StateSnapshot{kPoint, {}}, other);
  const auto decoded = decode_state_snapshot(file, kIdentity);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code(), Errc::kForeignData);
}

}  // namespace
}  // namespace penstock::broker
