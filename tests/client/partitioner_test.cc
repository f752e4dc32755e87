// Where records go: the published hash, and turns for records without a key.
#include "client/partitioner.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace penstock::client {
namespace {

TEST(PartitionerTest, TheHashIsKafkasOnItsOwnTestVectors) {
  const std::vector<std::pair<std::string, std::int32_t>> vectors = {
      {"21", -973932308},
      {"foobar", -790332482},
      {"a-little-bit-long-string", -985981536},
      {"a-little-bit-longer-string", -1486304829},
      {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
      {"abc", 479470107},
  };
  for (const auto& [key, hash] : vectors) EXPECT_EQ(murmur2(as_bytes(key)), hash) << key;
}

TEST(PartitionerTest, ANegativeHashIsMadePositiveByItsSignBitAlone) {
  // (-973932308 & 0x7fffffff) % 7
  EXPECT_EQ(partition_of_key(as_bytes("21"), 7), PartitionId(1173551340 % 7));
  EXPECT_EQ(partition_of_key(as_bytes("21"), 1), PartitionId(0));
}

TEST(PartitionerTest, TheEmptyKeyIsAKeyLikeAnyOther) {
  EXPECT_EQ(murmur2({}), 275646681);
  EXPECT_EQ(partition_of_key({}, 5), PartitionId(275646681 % 5));
}

TEST(PartitionerTest, ManyKeysSpreadOverAllPartitions) {
  std::array<int, 10> hits{};
  for (int i = 0; i < 10'000; ++i) {
    const std::string key = "customer-" + std::to_string(i);
    ++hits[static_cast<std::size_t>(partition_of_key(as_bytes(key), 10).value())];
  }
  for (const int count : hits) {
    EXPECT_GT(count, 800);
    EXPECT_LT(count, 1'200);
  }
}

TEST(StickyPartitionerTest, StaysUntilItsBatchIsClosedThenTakesTurns) {
  StickyPartitioner sticky(1);
  EXPECT_EQ(sticky.current(3), PartitionId(1));
  EXPECT_EQ(sticky.current(3), PartitionId(1));
  sticky.on_batch_closed(PartitionId(0), 3);
  EXPECT_EQ(sticky.current(3), PartitionId(1)) << "another partition's batch is no reason to move";
  sticky.on_batch_closed(PartitionId(1), 3);
  EXPECT_EQ(sticky.current(3), PartitionId(2));
  sticky.on_batch_closed(PartitionId(2), 3);
  EXPECT_EQ(sticky.current(3), PartitionId(0));
}

}  // namespace
}  // namespace penstock::client
