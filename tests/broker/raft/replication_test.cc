// A leader and its members' logs.
#include <gtest/gtest.h>

#include "one_group.h"

namespace penstock::raft {
namespace {

TEST(Replication, CommittedIsWhatADurableMajorityHoldsInThisTerm) {
  OneGroup node({.log = {{1, 4}}, .term = 1});
  node.win_election();
  EXPECT_EQ(node.group.log_end(), Offset(5)) << "the no-op of term 2";
  node.flush();
  node.acknowledge(2, 4);
  EXPECT_EQ(node.group.committed(), Offset(0)) << "older terms are not counted";
  EXPECT_FALSE(node.group.is_ready());
  node.acknowledge(2, 5);
  EXPECT_EQ(node.group.committed(), Offset(5));
  EXPECT_TRUE(node.group.is_ready());
}

TEST(Replication, TheLeaderCountsItselfByItsOwnDisk) {
  OneGroup node({});
  node.lead();
  node.propose(3);
  node.acknowledge(2, 4);
  EXPECT_EQ(node.group.committed(), Offset(1));
  node.acknowledge(3, 4);
  EXPECT_EQ(node.group.committed(), Offset(4)) << "two others are a majority without it";
}

TEST(Replication, AMemberThatIsBehindIsFoundByWholeTerms) {
  OneGroup node({.log = {{1, 10}, {2, 10}, {4, 10}}, .term = 4});
  node.win_election();
  node.sent.clear();
  // Its log ends with a long tail of term 3 from 15 on.
  node.hear(2, AppendReply{node.group.term(), false, node.last_round(), {}, point(3, 30)});
  EXPECT_EQ(node.said(), "n2 <- append t5 prev=(t2, 20) [20, 20) commit=0 round=2\n");
  node.hear(2, AppendReply{node.group.term(), false, 2, {}, point(2, 15)});
  EXPECT_EQ(node.said(), "n2 <- append t5 prev=(t2, 15) [15, 15) commit=0 round=3\n");
  node.hear(2, AppendReply{node.group.term(), true, 3, Offset(15), {}});
  ASSERT_EQ(node.reads.size(), 1u);
  EXPECT_EQ(node.reads[0].from, Offset(15));
}

TEST(Replication, AMemberBehindTheLogStartIsInstalled) {
  OneGroup node({.log = {{3, 5}}, .start = 100, .start_term = 3, .term = 3});
  node.win_election();
  node.sent.clear();
  node.hear(2, AppendReply{node.group.term(), false, node.last_round(), {}, point(0, 0)});
  EXPECT_EQ(node.said(), "n2 <- install t4 start=(t3, 100) voters=1,2,3\n");
  EXPECT_TRUE(node.group.peers().at(0).installing);
  node.group.install_failed(NodeId(2), node.now_ms);
  node.wait(350);
  EXPECT_NE(node.said().find("install t4"), std::string::npos);
  node.hear(2, InstallReply{node.group.term(), point(3, 100)});
  EXPECT_FALSE(node.group.peers().at(0).installing);
  ASSERT_EQ(node.reads.size(), 1u);
  EXPECT_EQ(node.reads[0].from, Offset(100));
}

TEST(Replication, ALostAppendIsNoticedByAMemberWhoseDiskDoesNotMove) {
  OneGroup node({.members = voters({1, 2})});
  node.lead();
  node.propose(2);
  ASSERT_EQ(node.reads.size(), 1u);
  node.group.send_range(node.reads[0], range_of(1, {{1, 2}}), node.now_ms);
  node.absorb();
  node.sent.clear();
  node.wait(100);
  EXPECT_NE(node.said().find("prev=(t1, 1) [1, 1)"), std::string::npos) << "an ordinary heartbeat";
  node.wait(100);
  EXPECT_NE(node.said().find("prev=(t1, 3) [3, 3)"), std::string::npos) << "is it there?";
  node.hear(2, AppendReply{Term(1), false, node.last_round(), {}, point(1, 1)});
  EXPECT_NE(node.said().find("prev=(t1, 1) [1, 1)"), std::string::npos) << "where, then?";
}

TEST(Replication, ALeaderThatHearsNoMajorityStepsDown) {
  OneGroup node({});
  node.lead();
  for (int i = 0; i < 20; ++i) {
    node.wait(100);
    node.acknowledge(2, 1);
  }
  EXPECT_EQ(node.group.role(), Role::kLeader);
  node.wait(900);
  EXPECT_NE(node.group.role(), Role::kLeader);
}

TEST(Replication, ALeaderWhoseDiskStallsStepsDown) {
  OneGroup node({.members = voters({1, 2, 3})});
  node.lead();
  node.group.flush_pending_since(node.now_ms);
  for (int i = 0; i < 7; ++i) {
    node.wait(100);
    node.acknowledge(2, 1);
  }
  EXPECT_EQ(node.group.role(), Role::kLeader);
  node.wait(100);
  EXPECT_EQ(node.group.role(), Role::kFollower);
  node.wait(5'000);
  EXPECT_EQ(node.group.role(), Role::kFollower) << "does not ask to lead with that disk";
  node.group.flush_pending_since(std::nullopt);
  node.wait(2'000);
  EXPECT_EQ(node.group.role(), Role::kPreCandidate);
}

TEST(Replication, ASoleVoterWithASlowDiskLeadsOn) {
  OneGroup node({.members = voters({1})});
  node.wait(1);
  node.flush();
  node.group.flush_pending_since(node.now_ms);
  node.wait(5'000);
  EXPECT_EQ(node.group.role(), Role::kLeader);
}

TEST(Replication, ProposalsAreBoundedByBytesWithoutAMajority) {
  Options options;
  options.max_uncommitted_bytes = 500;
  OneGroup node({}, options);
  node.lead();
  EXPECT_EQ(*node.group.propose_room(), 500u);
  node.propose(4);
  EXPECT_EQ(*node.group.propose_room(), 100u);
  node.propose(1);
  EXPECT_EQ(node.group.propose_room().error().code(), Errc::kOverloaded);
  node.flush();
  node.everybody_acknowledges();
  EXPECT_EQ(*node.group.propose_room(), 500u);
}

TEST(Replication, AnswersBeyondTheLogAreAFault) {
  OneGroup node({});
  node.lead();
  node.acknowledge(2, 99);
  EXPECT_TRUE(node.group.is_faulty());
}

TEST(Replication, TheLogThatIsReadMustBeTheLogThatWasAppended) {
  OneGroup node({.members = voters({1, 2})});
  node.lead();
  node.propose(2);
  node.group.send_range(node.reads.at(0), range_of(1, {{7, 2}}), node.now_ms);
  node.absorb();
  EXPECT_TRUE(node.group.is_faulty());
}

TEST(Replication, IdleTicksAndDeadlinesAgree) {
  OneGroup node({});
  node.lead();
  const auto due = node.group.next_deadline_ms();
  node.group.tick(due - 1);
  node.absorb();
  EXPECT_EQ(node.said(), "");
  node.group.tick(due);
  node.absorb();
  EXPECT_NE(node.said(), "");
}

}  // namespace
}  // namespace penstock::raft
