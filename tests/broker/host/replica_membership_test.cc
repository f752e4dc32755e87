// Stories of memberships: where they are remembered, through restarts, cuts and lost files.
#include <algorithm>

#include "broker/host/replica_state.h"
#include "protocol/record/builder.h"
#include "tests/broker/host/trio.h"

namespace penstock::broker {
namespace {

using fakes::Survives;
using testing::IsEmpty;

constexpr const char* kSideFile = "/data/p0/replica.state";

using MembershipTest = TrioTest;

TEST_F(MembershipTest, AVoterIsAddedAndEverybodyRemembersItAfterARestart) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(5));
  add_fourth();
  expect_agreement();
  for (auto& [id, member] : trio.members()) {
    trio.restart(member, Survives::kNothingUnsynced);
    EXPECT_EQ(member->group().membership().voters, nodes({1, 2, 3, 4})) << id.value();
    EXPECT_FALSE(member.rebuilt_state);
  }
  trio.cut_off(1);
  ASSERT_TRUE(trio.produce(3)) << "three of four";
}

// --- the journal of votes is lost

TEST_F(MembershipTest, ABrokerThatLostItsVotesDoesNotStart) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(3));
  Member& lost = trio.node(2);
  trio.crash(lost, Survives::kEverything);
  ASSERT_TRUE(lost.env->contents("/data/votes").has_value());
  lost.env->remove("/data/votes");
  for (int tries = 0; tries < 2; ++tries) {
    const Status started = trio.start(lost);
    ASSERT_FALSE(started) << "the first refusal made no journal";
    EXPECT_EQ(started.error().code(), Errc::kCorrupt);
    EXPECT_THAT(started.error().message(), testing::HasSubstr("forgotten a vote"));
  }
  // Nor when the list of members cannot be read: nothing says that it was alone.
  lost.env->put(kSideFile, Bytes(100));
  EXPECT_FALSE(trio.start(lost));
  // The others go on.
  ASSERT_TRUE(trio.produce(3));
}

TEST_F(MembershipTest, WhoWasAloneNeedsNoVotesFromBefore) {
  Cluster cluster(nodes({1}));
  Member& only = cluster.node(1);
  ASSERT_OK(cluster.start(only));
  ASSERT_TRUE(cluster.produce(3));
  cluster.crash(only, Survives::kEverything);
  only.env->remove("/data/votes");
  ASSERT_OK(cluster.start(only));
  ASSERT_TRUE(cluster.produce(3));
  EXPECT_THAT(cluster.violations(), IsEmpty());
}

TEST_F(MembershipTest, ARestartInTheMiddleOfAChangeGoesOnWithIt) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(5));
  Member& fourth = trio.add(raft::NodeId(4));
  ASSERT_OK(trio.start(fourth));
  ASSERT_OK(change(nodes({1, 2, 3}), nodes({4})));
  ASSERT_TRUE(trio.run_until([&] { return fourth->durable_end() == trio.committed_end(); }));
  trio.run(200);
  // The joint membership is in the leader's log, and on no other disk.
  Member& leader = trio.elect();
  for (auto& [id, member] : trio.members()) member.holds_flushes = true;
  ASSERT_OK(change(nodes({1, 2, 4}), {}));
  trio.settle();
  ASSERT_TRUE(leader->group().membership().is_joint());
  for (auto& [id, member] : trio.members()) {
    member.holds_flushes = false;
    trio.restart(member, Survives::kEverything);
    EXPECT_TRUE(member->group().membership().is_joint()) << "it takes effect when it is appended";
  }
  ASSERT_TRUE(trio.run_until([&] { return is_in_effect(nodes({1, 2, 4})); }))
      << "the next leader finishes it";
  ASSERT_TRUE(trio.produce(3));
}

TEST_F(MembershipTest, AMembershipThatIsCutIsForgotten) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(5));
  Member& old = trio.elect();
  trio.cut_off(old.id.value());
  ASSERT_OK(old->change_membership(nodes({1, 2, 3}), nodes({9})));
  trio.drain(old);
  trio.settle();
  EXPECT_EQ(old->group().membership().learners, nodes({9}));
  ASSERT_TRUE(trio.run_until([&] { return trio.leader() != nullptr && trio.leader() != &old; }));
  ASSERT_TRUE(trio.produce(3));
  trio.heal();
  expect_agreement();
  EXPECT_THAT(old->group().membership().learners, IsEmpty());
  trio.restart(old, Survives::kEverything);
  EXPECT_THAT(old->group().membership().learners, IsEmpty()) << "its side file may still list it";
}

TEST_F(MembershipTest, AMembershipThatWasCutDoesNotComeBackFromBelowTheLogStart) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(5));
  Member& old = trio.elect();
  trio.cut_off(old.id.value());
  ASSERT_OK(old->change_membership(nodes({1, 2, 3}), nodes({9})));
  trio.drain(old);
  trio.settle();
  ASSERT_TRUE(trio.run_until([&] { return trio.leader() != nullptr && trio.leader() != &old; }));
  trio.heal();
  ASSERT_TRUE(trio.produce(10));
  expect_agreement();
  ASSERT_OK(old->delete_records(trio.committed_end()));
  trio.restart(old, Survives::kNothingUnsynced);
  EXPECT_THAT(old->group().membership().learners, IsEmpty());
}

TEST_F(MembershipTest, AMembershipBelowTheLogStartStaysInEffect) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(5));
  add_fourth();
  ASSERT_TRUE(trio.produce(5));
  trio.run(300);
  for (auto& [id, member] : trio.members()) {
    ASSERT_OK(member->delete_records(trio.committed_end() - 2));
    trio.restart(member, Survives::kNothingUnsynced);
    EXPECT_EQ(member->group().membership().voters, nodes({1, 2, 3, 4}));
    EXPECT_FALSE(member->is_damaged());
  }
  ASSERT_TRUE(trio.produce(3));
  expect_agreement();
}

// --- the side file is lost

TEST_F(MembershipTest, ALostSideFileIsMadeAnewFromTheLog) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(5));
  add_fourth();
  for (auto& [id, member] : trio.members()) {
    const Bytes before = *member.env->contents(kSideFile);
    for (const bool missing : {true, false}) {
      trio.crash(member, Survives::kNothingUnsynced);
      Bytes bad = before;
      bad[bad.size() / 2] ^= std::byte{4};
      if (missing) {
        member.env->remove(kSideFile);
      } else {
        member.env->put(kSideFile, bad);
      }
      ASSERT_OK(trio.start(member));
      EXPECT_TRUE(member.rebuilt_state);
      EXPECT_FALSE(member->is_damaged());
      EXPECT_EQ(member->group().membership().voters, nodes({1, 2, 3, 4}));
      trio.restart(member, Survives::kNothingUnsynced);
      EXPECT_FALSE(member.rebuilt_state) << "it was written again";
      trio.run(200);
    }
  }
  ASSERT_TRUE(trio.produce(3));
  expect_agreement();
}

TEST_F(MembershipTest, WithoutTheLogsBeginningALostSideFileTakesAwayTheVote) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(10));
  trio.run(300);
  for (auto& [id, member] : trio.members()) {
    ASSERT_OK(member->delete_records(trio.committed_end() - 2));
  }
  Member& lost = trio.node(1);
  trio.crash(lost, Survives::kNothingUnsynced);
  lost.env->remove(kSideFile);
  ASSERT_OK(trio.start(lost));
  EXPECT_TRUE(lost->is_damaged());
  trio.restart(lost, Survives::kNothingUnsynced);
  EXPECT_TRUE(lost->is_damaged()) << "the file that was written again says so";
  // It follows, and never leads.
  ASSERT_TRUE(trio.produce(3));
  expect_agreement();
  trio.stop(trio.node(2));
  trio.run(10'000);
  EXPECT_NE(lost->role(), raft::Role::kLeader);
  // A membership that is known to be in effect at the log's start heals it.
  ASSERT_OK(trio.start(trio.node(2)));
  ASSERT_TRUE(trio.produce(1));
  ASSERT_OK(change(nodes({1, 2, 3}), nodes({8})));
  ASSERT_TRUE(trio.produce(3));
  trio.run(300);
  ASSERT_OK(lost->delete_records(trio.committed_end()));
  EXPECT_FALSE(lost->is_damaged());
  EXPECT_EQ(lost->group().membership().learners, nodes({8}));
}

// --- logs from before

TEST_F(MembershipTest, ALogThatABrokerWroteAloneIsAdoptedAndCopied) {
  Cluster cluster(nodes({1}));
  Member& first = cluster.node(1);
  {
    const TopicPartition partition{*Uuid::parse("000102030405060708090a0b0c0d0e0f"),
                                   PartitionId(0)};
    auto opened = storage::Log::open(*first.env, cluster.clock, kReplicaDir, {partition}, {});
    ASSERT_OK(opened);
    for (int i = 0; i < 20; ++i) {
      record::BatchBuilder builder;
      builder.append(cluster.clock.wall(), std::nullopt, as_bytes("from before"));
      Bytes batch = *builder.build();
      ASSERT_OK(opened->log->append(batch, Term(0)));
    }
    ASSERT_OK(opened->log->flush());
    ASSERT_OK(opened->log->truncate_prefix(Offset(8)));
    ASSERT_OK(opened->log->close());
  }
  for (int life = 0; life < 3; ++life) {
    ASSERT_OK(cluster.start(first));
    EXPECT_FALSE(first->is_damaged());
    EXPECT_FALSE(first.rebuilt_state);
    ASSERT_TRUE(cluster.produce(2));
    EXPECT_EQ(first->log_start(), Offset(8));
    EXPECT_GE(first->committed(), Offset(22));
    cluster.crash(first, Survives::kNothingUnsynced);
  }
  ASSERT_OK(cluster.start(first));
  Member& second = cluster.add(raft::NodeId(2));
  ASSERT_OK(cluster.start(second));
  cluster.elect();
  ASSERT_OK(first->change_membership(nodes({1}), nodes({2})));
  cluster.drain(first);
  EXPECT_TRUE(cluster.run_until([&] { return cluster.differences().empty(); }))
      << cluster.differences();
  EXPECT_EQ(second->log_start(), Offset(8));
  EXPECT_THAT(cluster.violations(), IsEmpty());
}

}  // namespace
}  // namespace penstock::broker
