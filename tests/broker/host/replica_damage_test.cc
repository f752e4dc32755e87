// Stories of replicas that lost their log, or know that it is damaged: what they may still do.
#include "tests/broker/host/trio.h"

namespace penstock::broker {
namespace {

using fakes::Survives;

using DamageTest = TrioTest;

TEST_F(DamageTest, AReplicaThatLostItsFolderDoesNotVoteUntilItHasCaughtUp) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(10));
  Member& leader = trio.elect();
  Member& lost = other_than(leader);
  Member& third = TrioTest::third(leader, lost);
  trio.stop(third);
  ASSERT_TRUE(trio.produce(5)) << "acknowledged by the leader and the one that will lose it";
  trio.crash(lost, Survives::kNothingUnsynced);
  ASSERT_OK(lost.env->remove_tree(kReplicaDir));
  trio.stop(leader);
  ASSERT_OK(trio.start(lost));
  ASSERT_OK(trio.start(third));
  EXPECT_TRUE(lost->is_damaged());
  trio.run(20'000);
  EXPECT_EQ(trio.leader(), nullptr) << "the third one is behind, and gets no vote";
  trio.restart(lost, Survives::kNothingUnsynced);
  trio.run(5'000);
  EXPECT_EQ(trio.leader(), nullptr) << "nor after a restart";

  ASSERT_OK(trio.start(leader));
  ASSERT_TRUE(trio.run_until([&] { return trio.leader() != nullptr; }));
  ASSERT_TRUE(trio.produce(3));
  expect_agreement();
  EXPECT_FALSE(lost->is_damaged()) << "a committed record of a later term is here";
  trio.stop(leader);
  ASSERT_TRUE(trio.produce(3)) << "its vote counts again";
}

TEST_F(DamageTest, ADamagedReplicaNeitherLeadsNorVotesForAShorterLog) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(10));
  Member& leader = trio.elect();
  Member& rotten = other_than(leader);
  Member& third = TrioTest::third(leader, rotten);
  trio.run(1'000);  // checkpoints
  trio.stop(third);
  ASSERT_TRUE(trio.produce(10));
  trio.run(1'000);
  trio.crash(rotten, Survives::kNothingUnsynced);
  const std::string segment = std::string(kReplicaDir) + "/00000000000000000000.log";
  Bytes bytes = *rotten.env->contents(segment);
  bytes[200] ^= std::byte{1};
  rotten.env->put(segment, bytes);
  trio.stop(leader);
  ASSERT_OK(trio.start(rotten));
  static_cast<void>(rotten->read(Offset(0), 1U << 20, rotten->log_end(), false));
  static_cast<void>(rotten->read(Offset(2), 1U << 20, rotten->log_end(), false));
  trio.tick(rotten);
  ASSERT_TRUE(rotten->is_damaged());
  ASSERT_OK(trio.start(third));
  trio.run(20'000);
  EXPECT_EQ(trio.leader(), nullptr);
  ASSERT_OK(trio.start(leader));
  ASSERT_TRUE(trio.run_until([&] { return trio.leader() != nullptr; }))
      << "with the third one's vote";
  EXPECT_NE(trio.leader(), &rotten);
  trio.run(1'000);
  EXPECT_EQ(rotten->role(), raft::Role::kFollower);
}

TEST_F(DamageTest, ALeaderThatFindsDamageStepsDown) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(20));
  Member& leader = trio.elect();
  trio.run(1'000);
  const std::string segment = std::string(kReplicaDir) + "/00000000000000000000.log";
  Bytes bytes = *leader.env->contents(segment);
  bytes[200] ^= std::byte{1};
  leader.env->put(segment, bytes);
  static_cast<void>(leader->read(Offset(0), 1U << 20, leader->committed(), false));
  static_cast<void>(leader->read(Offset(2), 1U << 20, leader->committed(), false));
  trio.tick(leader);
  EXPECT_TRUE(leader->is_damaged());
  EXPECT_EQ(leader->role(), raft::Role::kFollower);
  ASSERT_TRUE(trio.produce(3));
  EXPECT_NE(trio.leader(), &leader);
}

}  // namespace
}  // namespace penstock::broker
