// What waits for a peer: order, lanes, bounds.
#include "broker/peer/outbox.h"

#include <gtest/gtest.h>

#include "broker/peer/limits.h"

namespace penstock::broker {
namespace {

GroupMessage message(int partition, std::size_t attachment_bytes) {
  return {.group = {Uuid{}, PartitionId(partition)},
          .message = {.envelope = {raft::NodeId(1), raft::NodeId(2), raft::TimeoutNow{}},
                      .attachment = SharedBytes(Bytes(attachment_bytes))}};
}

std::vector<int> partitions(const std::vector<GroupMessage>& messages) {
  std::vector<int> out;
  for (const GroupMessage& m : messages) out.push_back(m.group.partition.value());
  return out;
}

TEST(Outbox, AHeartbeatDoesNotStandBehindBatches) {
  Outbox outbox;
  EXPECT_TRUE(outbox.add(message(1, 1'000)));
  EXPECT_TRUE(outbox.add(message(2, 0)));
  EXPECT_EQ(partitions(outbox.take(Lane::kUrgent)), std::vector<int>{2});
  EXPECT_EQ(partitions(outbox.take(Lane::kBulk)), std::vector<int>{1});
  EXPECT_TRUE(outbox.empty(Lane::kUrgent) && outbox.empty(Lane::kBulk));
}

TEST(Outbox, OneExchangeTakesWhatFitsInOrder) {
  Outbox outbox;
  for (int i = 0; i < 10; ++i) outbox.add(message(i, kMaxExchangeBytes / 4));
  EXPECT_EQ(partitions(outbox.take(Lane::kBulk)), (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(partitions(outbox.take(Lane::kBulk)), (std::vector<int>{4, 5, 6, 7}));
  EXPECT_EQ(partitions(outbox.take(Lane::kBulk)), (std::vector<int>{8, 9}));
  EXPECT_EQ(outbox.waiting_bytes(), 0U);
}

TEST(Outbox, AMessageOverTheLimitGoesAlone) {
  Outbox outbox;
  outbox.add(message(0, kMaxExchangeBytes + 1));
  outbox.add(message(1, 1));
  EXPECT_EQ(partitions(outbox.take(Lane::kBulk)), std::vector<int>{0});
  EXPECT_EQ(partitions(outbox.take(Lane::kBulk)), std::vector<int>{1});
}

TEST(Outbox, WhatIsOverTheBoundsIsDroppedAndCounted) {
  Outbox outbox;
  for (std::uint64_t bytes = 0; bytes + (1U << 20) <= kMaxWaitingBytes; bytes += 1U << 20) {
    EXPECT_TRUE(outbox.add(message(0, 1U << 20)));
  }
  EXPECT_FALSE(outbox.add(message(1, 1U << 20)));
  EXPECT_TRUE(outbox.add(message(2, 0))) << "bytes do not hold up what has none";
  EXPECT_EQ(outbox.dropped(), 1U);
  for (std::size_t i = 1; i < kMaxWaitingMessages; ++i) outbox.add(message(3, 0));
  EXPECT_FALSE(outbox.add(message(4, 0)));
  outbox.clear(Lane::kBulk);
  EXPECT_EQ(outbox.waiting_bytes(), 0U);
  EXPECT_TRUE(outbox.add(message(5, 1U << 20)));
  EXPECT_FALSE(outbox.add(message(6, 0))) << "the other lane is as full as it was";
}

}  // namespace
}  // namespace penstock::broker
