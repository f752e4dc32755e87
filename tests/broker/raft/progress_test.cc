// What a leader remembers of one member.
#include "broker/raft/progress.h"

#include <gtest/gtest.h>

namespace penstock::raft {
namespace {

Progress replicating_from(int next) {
  Progress peer(Offset(next), 0);
  peer.begin_replicate(Offset(next), 1);
  return peer;
}

TEST(Progress, TheWindowIsBoundedByRequestsAndByBytes) {
  Options options;
  options.max_inflight_requests = 2;
  options.max_inflight_bytes = 1'000;
  options.max_request_bytes = 600;
  Progress peer = replicating_from(0);
  EXPECT_EQ(peer.window_bytes(options), 600u);
  peer.sent(Offset(5), 700, 0);
  EXPECT_EQ(peer.window_bytes(options), 300u);
  peer.sent(Offset(6), 100, 0);
  EXPECT_FALSE(peer.has_window(options)) << "two requests are out";
  EXPECT_TRUE(peer.acknowledge(Offset(5), 1));
  EXPECT_TRUE(peer.has_window(options));
  peer.sent(Offset(9), 2'000, 2);
  EXPECT_FALSE(peer.has_window(options)) << "a large batch goes alone";
  EXPECT_TRUE(peer.acknowledge(Offset(9), 3));
  EXPECT_EQ(peer.inflight_bytes(), 0u);
}

TEST(Progress, AnOldAcknowledgementChangesNothing) {
  Progress peer = replicating_from(0);
  peer.sent(Offset(5), 10, 0);
  EXPECT_TRUE(peer.acknowledge(Offset(5), 1));
  EXPECT_FALSE(peer.acknowledge(Offset(3), 2));
  EXPECT_EQ(peer.durable(), Offset(5));
}

TEST(Progress, AnAnswerToAnOlderReadIsNotForThisOne) {
  Progress peer = replicating_from(4);
  const auto first = peer.begin_read(0);
  EXPECT_TRUE(peer.answers_read(first, Offset(4)));
  EXPECT_FALSE(peer.answers_read(first, Offset(3)));
  peer.begin_probe(Offset(2));
  EXPECT_FALSE(peer.answers_read(first, Offset(4)));
  peer.begin_replicate(Offset(4), 2);
  const auto second = peer.begin_read(0);
  EXPECT_FALSE(peer.answers_read(first, Offset(4)));
  EXPECT_TRUE(peer.answers_read(second, Offset(4)));
}

TEST(Progress, AMemberWhoseDiskDoesNotMoveIsInDoubt) {
  const Options options;
  Progress peer = replicating_from(0);
  EXPECT_FALSE(peer.is_stalled(options, 10'000)) << "nothing is on the way";
  peer.sent(Offset(5), 10, 10'000);
  EXPECT_FALSE(peer.is_stalled(options, 10'000 + options.heartbeat_ms));
  EXPECT_TRUE(peer.is_stalled(options, 10'000 + 2 * options.heartbeat_ms));
}

TEST(Progress, AProbeBelowWhatWasDurableLowersIt) {
  Progress peer = replicating_from(0);
  peer.acknowledge(Offset(9), 0);
  peer.begin_probe(Offset(4));  // its log was found damaged and cut
  EXPECT_EQ(peer.durable(), Offset(4));
  EXPECT_EQ(peer.match(), Offset(4));
}

}  // namespace
}  // namespace penstock::raft
