// Stories of memberships: where they are remembered, through restarts, cuts and lost files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "broker/host/replica_state.h"
#include "protocol/record/builder.h"
#include "tests/broker/host/cluster.h"
#include "tests/storage/expect.h"

namespace penstock::broker {
namespace {

using fakes::Survives;
using testing::IsEmpty;

constexpr const char* kSideFile = "/data/p0/replica.state";

class MembershipTest : public testing::Test {
 protected:
  void TearDown() override { EXPECT_THAT(trio.violations(), IsEmpty()); }

  void expect_agreement() {
    EXPECT_TRUE(trio.run_until([&] { return trio.differences().empty(); })) << trio.differences();
  }
  Status change(const std::vector<raft::NodeId>& voters,
                const std::vector<raft::NodeId>& learners) {
    Member& leader = trio.elect();
    const Status status = leader->change_membership(voters, learners);
    trio.drain(leader);
    return status;
  }
  bool is_in_effect(const std::vector<raft::NodeId>& voters) {
    Member* const leader = trio.leader();
    return leader != nullptr && (*leader)->group().membership_is_committed() &&
           (*leader)->group().membership().voters == voters &&
           !(*leader)->group().membership().is_joint();
  }
  // Node 4 joins as a learner and becomes a voter.
  void add_fourth(bool knows_nobody = false) {
    Member& fourth = trio.add(raft::NodeId(4));
    fourth.knows_nobody = knows_nobody;
    ASSERT_OK(trio.start(fourth));
    ASSERT_OK(change(nodes({1, 2, 3}), nodes({4})));
    ASSERT_TRUE(trio.run_until([&] { return fourth->durable_end() == trio.committed_end(); }));
    trio.run(200);
    ASSERT_OK(change(nodes({1, 2, 3, 4}), {}));
    ASSERT_TRUE(trio.run_until([&] { return is_in_effect(nodes({1, 2, 3, 4})); }));
    trio.run(300);
  }

  Cluster trio{nodes({1, 2, 3})};
};

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

// --- a broker that joins later

TEST_F(MembershipTest, WhoKnowsNobodyFollowsAndNeitherCampaignsNorVotes) {
  Member& fourth = trio.add(raft::NodeId(4));
  fourth.knows_nobody = true;
  ASSERT_OK(trio.start(fourth));
  trio.run(10'000);
  EXPECT_EQ(fourth->role(), raft::Role::kFollower);
  EXPECT_EQ(fourth->term(), raft::kFirstTerm);
  for (const raft::Ballot ballot : {raft::Ballot::kPreVote, raft::Ballot::kVote}) {
    const raft::VoteRequest request{
        .ballot = ballot, .term = Term(7), .log = {Term(6), Offset(100)}};
    fourth->receive({{raft::NodeId(1), raft::NodeId(4), request}, {}});
    trio.drain(fourth);
    while (trio.work(fourth)) {
    }
    ASSERT_FALSE(trio.network.empty());
    const auto* reply = std::get_if<raft::VoteReply>(&trio.network.back().envelope.message);
    ASSERT_NE(reply, nullptr);
    EXPECT_FALSE(reply->granted) << "in its past it may have given that vote to another one";
  }
  EXPECT_EQ(fourth->term(), Term(7));
}

TEST_F(MembershipTest, WhoKnewNobodyBecomesAVoterLikeTheOthers) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(5));
  add_fourth(/*knows_nobody=*/true);
  expect_agreement();
  for (auto& [id, member] : trio.members()) {
    trio.restart(member, Survives::kNothingUnsynced);
    EXPECT_EQ(member->group().membership().voters, nodes({1, 2, 3, 4})) << id.value();
    EXPECT_FALSE(member->is_damaged()) << id.value();
    EXPECT_FALSE(member.rebuilt_state) << id.value();
  }
  trio.cut_off(1);
  ASSERT_TRUE(trio.produce(3)) << "its vote and its disk count";
}

TEST_F(MembershipTest, WhoKnewNobodyLearnsTheMembersThatAreBelowTheLogStart) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(10));
  trio.run(300);
  for (auto& [id, member] : trio.members()) {
    ASSERT_OK(member->delete_records(trio.committed_end() - 2));
  }
  add_fourth(/*knows_nobody=*/true);
  EXPECT_EQ(trio.node(4).resets, 1);
  expect_agreement();
  trio.restart(trio.node(4), Survives::kNothingUnsynced);
  EXPECT_EQ(trio.node(4)->group().membership().voters, nodes({1, 2, 3, 4}));
  trio.cut_off(1);
  ASSERT_TRUE(trio.produce(3));
}

TEST_F(MembershipTest, WhoComesBackToItsGroupDoesNotElectItselfOnHalfOfTheOldLog) {
  trio.start_everyone();
  Member& back = trio.elect();
  ASSERT_OK(change({back.id}, {}));
  ASSERT_TRUE(trio.run_until([&] { return is_in_effect({back.id}); }));
  const Offset alone = trio.committed_end();
  ASSERT_TRUE(trio.produce(60)) << "it was the only voter then";
  Member& heir = trio.node(back.id.value() == 1 ? 2 : 1);
  const std::vector both{std::min(back.id, heir.id), std::max(back.id, heir.id)};
  ASSERT_OK(change({back.id}, {heir.id}));
  ASSERT_TRUE(trio.run_until([&] { return heir->durable_end() == trio.committed_end(); }));
  trio.run(200);
  ASSERT_OK(change(both, {}));
  ASSERT_TRUE(trio.run_until([&] { return is_in_effect(both); }));
  ASSERT_OK(back->transfer_leadership(heir.id));
  trio.drain(back);
  ASSERT_TRUE(trio.run_until([&] { return heir->is_ready(); }));
  ASSERT_OK(change({heir.id}, {}));
  ASSERT_TRUE(trio.run_until([&] { return is_in_effect({heir.id}); }));
  ASSERT_TRUE(trio.produce(20));

  trio.stop(back);
  trio.add(back.id);  // its copy has gone, and its votes
  back.knows_nobody = true;
  trio.loses = [&](const PeerMessage& message) {
    const auto* append = std::get_if<raft::AppendRequest>(&message.envelope.message);
    return append != nullptr && !append->range.empty() && append->range.begin > alone + 10;
  };
  ASSERT_OK(trio.start(back));
  ASSERT_OK(change({heir.id}, {back.id}));
  trio.run(1'000);
  ASSERT_GT(back->log_end(), alone);
  ASSERT_EQ(back->group().membership().voters, std::vector{back.id}) << "as far as it knows";

  trio.cut_off(heir.id.value());
  for (int restarts = 0; restarts < 2; ++restarts) {
    trio.run(10'000);
    EXPECT_EQ(back->role(), raft::Role::kFollower);
    EXPECT_FALSE(back->is_damaged());
    trio.restart(back, Survives::kEverything);
  }
  trio.heal();
  trio.loses = [](const PeerMessage&) { return false; };
  ASSERT_TRUE(trio.run_until([&] { return back->durable_end() == trio.committed_end(); }));
  trio.run(200);
  ASSERT_OK(change(both, {}));
  ASSERT_TRUE(trio.run_until([&] { return is_in_effect(both); }));
  ASSERT_OK(heir->transfer_leadership(back.id));
  trio.drain(heir);
  EXPECT_TRUE(trio.run_until([&] { return back->is_ready(); })) << "it is level: it may lead again";
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

// --- the log is lost, or rots

TEST_F(MembershipTest, AReplicaThatLostItsFolderDoesNotVoteUntilItHasCaughtUp) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(10));
  Member& leader = trio.elect();
  Member& lost = trio.node(leader.id.value() == 1 ? 2 : 1);
  Member& third = trio.node(6 - leader.id.value() - lost.id.value());
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

TEST_F(MembershipTest, ADamagedReplicaNeitherLeadsNorVotesForAShorterLog) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(10));
  Member& leader = trio.elect();
  Member& rotten = trio.node(leader.id.value() == 1 ? 2 : 1);
  Member& third = trio.node(6 - leader.id.value() - rotten.id.value());
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

TEST_F(MembershipTest, ALeaderThatFindsDamageStepsDown) {
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
