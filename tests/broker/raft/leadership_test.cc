// What one may ask of a leader: changes of the membership, transfers, reads.
#include <gtest/gtest.h>

#include "one_group.h"

namespace penstock::raft {
namespace {

Errc code_of(const Status& status) { return status ? Errc::kOk : status.error().code(); }

TEST(MembershipChange, WhatIsRefused) {
  OneGroup node({.members = {nodes({1, 2, 3}), {}, nodes({4})}});
  const auto change = [&](std::vector<NodeId> voters, std::vector<NodeId> learners = {}) {
    return code_of(node.group.change_membership(voters, learners, node.now_ms));
  };
  EXPECT_EQ(change(nodes({1})), Errc::kNotLeader);
  node.win_election();
  EXPECT_EQ(change(nodes({1, 2})), Errc::kNotReady);
  node.flush();
  node.everybody_acknowledges();
  EXPECT_EQ(change({}), Errc::kInvalidArgument);
  EXPECT_EQ(change(nodes({1, 1, 2})), Errc::kInvalidArgument);
  EXPECT_EQ(change(nodes({1, 2}), nodes({2})), Errc::kInvalidArgument);
  EXPECT_EQ(change(nodes({1, 2, 3, 5})), Errc::kNotCaughtUp) << "5 is no learner";
  EXPECT_EQ(change(nodes({1, 2, 3, 4})), Errc::kOk);
  EXPECT_EQ(change(nodes({1, 2, 3})), Errc::kChangeInProgress);
  node.absorb();
  EXPECT_EQ(change(nodes({1, 2, 3})), Errc::kChangeInProgress) << "appended, and not committed";
}

TEST(MembershipChange, GoesThroughAJointMembership) {
  OneGroup node({.members = {nodes({1, 2, 3}), {}, nodes({4})}});
  node.lead();
  ASSERT_TRUE(node.group.change_membership(nodes({1, 2, 4}), {}, node.now_ms));
  node.absorb();
  EXPECT_EQ(to_string(node.group.membership()), "voters=1,2,4 outgoing=1,2,3");
  node.flush();
  node.acknowledge(4, 2);
  EXPECT_EQ(node.group.committed(), Offset(1)) << "1 and 4 are no majority of 1, 2, 3";
  node.acknowledge(2, 2);
  EXPECT_EQ(node.group.committed(), Offset(2));
  EXPECT_EQ(to_string(node.group.membership()), "voters=1,2,4");
  EXPECT_FALSE(node.group.membership_is_committed());
  node.flush();
  node.acknowledge(4, 3);
  EXPECT_TRUE(node.group.membership_is_committed());
}

TEST(MembershipChange, LearnersAloneNeedNoJointMembership) {
  OneGroup node({});
  node.lead();
  ASSERT_TRUE(node.group.change_membership(nodes({1, 2, 3}), nodes({9}), node.now_ms));
  node.absorb();
  EXPECT_EQ(to_string(node.group.membership()), "voters=1,2,3 learners=9");
}

TEST(MembershipChange, ALeaderThatIsNoVoterAnyMoreHandsOver) {
  OneGroup node({});
  node.lead();
  ASSERT_TRUE(node.group.change_membership(nodes({2, 3}), {}, node.now_ms));
  node.absorb();
  node.flush();
  node.everybody_acknowledges();
  EXPECT_EQ(node.group.role(), Role::kLeader) << "until the final membership is committed";
  node.sent.clear();
  node.acknowledge(2, 3);
  node.acknowledge(3, 3);
  EXPECT_EQ(node.group.role(), Role::kFollower);
  EXPECT_NE(node.said().find("timeout-now"), std::string::npos);
}

TEST(Transfer, WaitsForTheTargetAndRefusesProposalsMeanwhile) {
  OneGroup node({});
  node.lead();
  node.propose(3);
  EXPECT_EQ(code_of(node.group.transfer_leadership(NodeId(9), node.now_ms)),
            Errc::kInvalidArgument);
  ASSERT_TRUE(node.group.transfer_leadership(NodeId(2), node.now_ms));
  node.absorb();
  EXPECT_EQ(node.said().find("timeout-now"), std::string::npos);
  EXPECT_EQ(node.group.propose_room().error().code(), Errc::kNotReady);
  node.acknowledge(2, 4);
  EXPECT_NE(node.said().find("n2 <- timeout-now t1"), std::string::npos);
}

TEST(Transfer, IsGivenUpAfterAnElectionTimeout) {
  OneGroup node({});
  node.lead();
  node.propose(3);
  ASSERT_TRUE(node.group.transfer_leadership(NodeId(2), node.now_ms));
  for (int i = 0; i < 8; ++i) {
    node.wait(100);
    node.acknowledge(3, 4);
  }
  EXPECT_TRUE(node.group.propose_room()) << "goes on as before";
}

TEST(Transfer, OnlyTheLeaderMayCallAnElection) {
  OneGroup node({});
  node.hear_append(2, 1, point(0, 0));
  node.hear(3, TimeoutNow{Term(1)});
  EXPECT_EQ(node.group.role(), Role::kFollower);
  node.sent.clear();
  node.hear(2, TimeoutNow{Term(1)});
  EXPECT_EQ(node.group.role(), Role::kCandidate);
  EXPECT_NE(node.said().find("vote t2 log=(t0, 0) transfer"), std::string::npos);
}

TEST(ReadIndex, NeedsARoundThatBeganAfterIt) {
  OneGroup node({});
  node.lead();
  const auto before = node.last_round();
  ASSERT_TRUE(node.group.read_index(7, node.now_ms));
  node.absorb();
  node.hear(2, AppendReply{Term(1), true, before, Offset(1), {}});
  EXPECT_TRUE(node.reads_ready.empty()) << "that answer was on its way already";
  node.hear(2, AppendReply{Term(1), true, before + 1, Offset(1), {}});
  ASSERT_EQ(node.reads_ready.size(), 1u);
  EXPECT_EQ(node.reads_ready[0].context, 7u);
  EXPECT_EQ(node.reads_ready[0].committed, Offset(1));
}

TEST(ReadIndex, ReadsThatComeWhileARoundIsOutShareTheNext) {
  OneGroup node({});
  node.lead();
  ASSERT_TRUE(node.group.read_index(1, node.now_ms));
  node.absorb();
  node.sent.clear();
  ASSERT_TRUE(node.group.read_index(2, node.now_ms));
  ASSERT_TRUE(node.group.read_index(3, node.now_ms));
  node.absorb();
  EXPECT_EQ(node.said(), "");
  node.acknowledge(2, 1);
  EXPECT_EQ(node.reads_ready.size(), 1u);
  EXPECT_NE(node.sent.size(), 0u) << "the next round";
  node.acknowledge(3, 1);
  EXPECT_EQ(node.reads_ready.size(), 3u);
}

TEST(ReadIndex, FailsWithTheLeadership) {
  OneGroup node({});
  node.lead();
  ASSERT_TRUE(node.group.read_index(7, node.now_ms));
  node.hear_append(2, 5, point(0, 0));
  EXPECT_EQ(node.reads_failed, std::vector<std::uint64_t>{7});
  EXPECT_EQ(code_of(node.group.read_index(8, node.now_ms)), Errc::kNotLeader);
}

}  // namespace
}  // namespace penstock::raft
