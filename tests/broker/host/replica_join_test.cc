// Stories of brokers that begin to take part in a group that is there already, or come back to it.
#include <algorithm>

#include "tests/broker/host/trio.h"

namespace penstock::broker {
namespace {

using fakes::Survives;

using JoinTest = TrioTest;

TEST_F(JoinTest, WhoKnowsNobodyFollowsAndNeitherCampaignsNorVotes) {
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

TEST_F(JoinTest, WhoKnewNobodyBecomesAVoterLikeTheOthers) {
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

TEST_F(JoinTest, WhoKnewNobodyLearnsTheMembersThatAreBelowTheLogStart) {
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

TEST_F(JoinTest, WhoComesBackToItsGroupDoesNotElectItselfOnHalfOfTheOldLog) {
  trio.start_everyone();
  Member& back = trio.elect();
  ASSERT_OK(change({back.id}, {}));
  ASSERT_TRUE(trio.run_until([&] { return is_in_effect({back.id}); }));
  const Offset alone = trio.committed_end();
  ASSERT_TRUE(trio.produce(60)) << "it was the only voter then";
  Member& heir = other_than(back);
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

TEST_F(JoinTest, WhoCannotRememberHowFarTheOthersAreTakesNothingUntilItCan) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(5));
  Member& fourth = trio.add(raft::NodeId(4));
  fourth.knows_nobody = true;
  ASSERT_OK(trio.start(fourth));
  fourth.env->set_capacity(0);
  ASSERT_OK(change(nodes({1, 2, 3}), nodes({4})));
  trio.run(2'000);
  ASSERT_TRUE(fourth.is_up()) << "a full disk is no reason to end";
  EXPECT_EQ(fourth->log_end(), Offset(0));
  fourth.env->set_capacity(std::nullopt);
  make_fourth_a_voter();
  expect_agreement();
}

TEST_F(JoinTest, WhoIsInstalledBeforeItKnowsHowFarTheOthersAreWaits) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(10));
  trio.run(300);
  for (auto& [id, member] : trio.members()) {
    ASSERT_OK(member->delete_records(trio.committed_end() - 2));
  }
  Member& fourth = trio.add(raft::NodeId(4));
  fourth.knows_nobody = true;
  ASSERT_OK(trio.start(fourth));
  Member& leader = trio.elect();
  const raft::LogPoint start = leader->group().point_at(leader->log_start());
  fourth->receive({{leader.id, fourth.id,
                    raft::InstallRequest{leader->term(), start, leader->group().membership()}},
                   *leader.state.state_at(start)});
  trio.drain(fourth);
  EXPECT_EQ(fourth.state.installed, 0) << "half of the group's past would be all that it knows";
  EXPECT_EQ(fourth->log_start(), Offset(0));
  ASSERT_OK(change(nodes({1, 2, 3}), nodes({4})));
  make_fourth_a_voter();
  EXPECT_EQ(fourth.resets, 1);
  expect_agreement();
}

}  // namespace
}  // namespace penstock::broker
