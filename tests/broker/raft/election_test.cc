// Who votes for whom, and what has to be on the disk first.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "one_group.h"

namespace penstock::raft {
namespace {

VoteRequest vote(int term, LogPoint log) { return {Ballot::kVote, Term(term), log, false}; }
VoteRequest pre_vote(int term, LogPoint log) { return {Ballot::kPreVote, Term(term), log, false}; }

TEST(Election, VotesGoToLogsThatAreAtLeastAsUpToDate) {
  struct Case {
    const char* why;
    VoteRequest request;
    bool granted;
  };
  const Case cases[] = {
      {"same log", vote(4, point(3, 10)), true},
      {"longer log", vote(4, point(3, 11)), true},
      {"shorter log of the same term", vote(4, point(3, 9)), false},
      {"longer log of an older term", vote(4, point(2, 99)), false},
      {"older term", vote(2, point(2, 99)), false},
      {"pre-vote, same log", pre_vote(4, point(3, 10)), true},
      {"pre-vote for our own term", pre_vote(3, point(3, 10)), false},
      {"pre-vote, shorter log", pre_vote(4, point(3, 9)), false},
  };
  for (const Case& one : cases) {
    OneGroup node({.log = {{1, 5}, {3, 5}}, .term = 3});
    node.hear(2, one.request);
    ASSERT_EQ(node.sent.size(), 1u) << one.why;
    EXPECT_EQ(std::get<VoteReply>(node.sent[0].message).granted, one.granted) << one.why;
  }
}

// Its broker may have held the group before, and have forgotten what it said then.
TEST(Election, WhoKnowsNoMemberGivesNoVote) {
  OneGroup node({.members = {}});
  node.hear(2, pre_vote(1, point(0, 0)));
  node.hear(2, vote(1, point(0, 0)));
  EXPECT_EQ(node.said(), "n2 <- pre-vote-reply t0 refused\nn2 <- vote-reply t1 refused\n");
  EntryRange range = range_of(0, {{1, 3}});
  range.memberships = {{Offset(2), {nodes({2, 3}), {}, nodes({1})}}};
  node.hear(2, AppendRequest{Term(1), point(0, 0), range, Offset(0), 1});
  node.flush();
  node.said();
  node.wait(10'000);
  node.hear(3, vote(2, point(1, 3)));
  EXPECT_THAT(node.said(), testing::HasSubstr("n3 <- vote-reply t2 granted"));
}

TEST(Election, WhoWasCutAtDamageMeasuresOthersByWhatItHad) {
  OneGroup node({.log = {{1, 5}, {3, 5}}, .term = 3});
  node.hear_append(2, 4, point(3, 10), {}, 10);
  node.said();
  EXPECT_TRUE(node.group.cut_at_damage(Offset(2), point(3, 10)));
  EXPECT_EQ(node.group.committed(), Offset(2));
  EXPECT_EQ(node.group.log_end(), Offset(2));
  node.wait(5'000);
  node.said();
  node.hear(3, vote(20, point(1, 99)));
  node.hear(3, vote(21, point(3, 9)));
  EXPECT_EQ(node.said(), "n3 <- vote-reply t20 refused\nn3 <- vote-reply t21 refused\n");
  node.hear(3, vote(22, point(3, 10)));
  EXPECT_EQ(node.said(), "n3 <- vote-reply t22 granted\n");
  // The leader begins where the logs agree, and nothing is a contradiction.
  node.hear_append(3, 22, point(3, 10), {}, 10);
  EXPECT_NE(node.said().find("refused"), std::string::npos);
  node.hear_append(3, 22, point(1, 2), {{1, 3}, {3, 5}}, 10);
  EXPECT_FALSE(node.group.is_faulty());
  EXPECT_EQ(node.group.committed(), Offset(10));
}

TEST(Election, OneVoteATermAndItIsSavedBeforeItIsSaid) {
  OneGroup node({});
  node.saves_at_once = false;
  node.hear(2, vote(1, point(0, 0)));
  EXPECT_EQ(node.said(), "");
  EXPECT_EQ(*node.unsaved, (HardState{Term(1), NodeId(2)}));
  node.save();
  EXPECT_EQ(node.said(), "n2 <- vote-reply t1 granted\n");
  node.hear(3, vote(1, point(0, 9)));
  node.hear(2, vote(1, point(0, 0)));
  EXPECT_EQ(node.said(), "n3 <- vote-reply t1 refused\nn2 <- vote-reply t1 granted\n");
}

TEST(Election, AVoteSurvivesARestart) {
  OneGroup node({.term = 5, .voted_for = 2});
  node.hear(3, vote(5, point(4, 9)));
  node.hear(2, vote(5, point(4, 9)));
  EXPECT_EQ(node.said(), "n3 <- vote-reply t5 refused\nn2 <- vote-reply t5 granted\n");
}

TEST(Election, ACandidateCountsItselfOnlyWhenItsVoteIsSaved) {
  OneGroup node({});
  node.group.campaign(0);
  node.absorb();
  node.saves_at_once = false;
  EXPECT_EQ(node.said(), "n2 <- pre-vote t1 log=(t0, 0)\nn3 <- pre-vote t1 log=(t0, 0)\n");
  node.hear(2, VoteReply{Ballot::kPreVote, Term(1), true});
  EXPECT_EQ(node.group.role(), Role::kCandidate);
  EXPECT_EQ(node.said(), "") << "term 1 is not on the disk";
  node.hear(2, VoteReply{Ballot::kVote, Term(1), true});
  EXPECT_EQ(node.group.role(), Role::kCandidate);
  node.save();
  EXPECT_EQ(node.group.role(), Role::kLeader);
}

TEST(Election, AHeardLeaderIsNotDisturbed) {
  OneGroup node({});
  node.hear_append(2, 1, point(0, 0));
  node.sent.clear();
  node.hear(3, pre_vote(9, point(0, 0)));
  node.hear(3, vote(9, point(0, 0)));
  EXPECT_EQ(node.said(), "");
  EXPECT_EQ(node.group.term(), Term(1));
  node.hear(3, VoteRequest{Ballot::kVote, Term(2), point(0, 0), true});
  EXPECT_EQ(node.said(), "n3 <- vote-reply t2 granted\n") << "the leader itself asked for it";
}

TEST(Election, ANodeAloneLeadsAtItsFirstTickButACutOffOneOnlyAsks) {
  OneGroup alone({.members = voters({1})});
  alone.wait(1);
  EXPECT_EQ(alone.group.role(), Role::kLeader);
  alone.flush();
  EXPECT_TRUE(alone.group.is_ready());

  OneGroup cut_off({});
  cut_off.wait(60'000);
  EXPECT_EQ(cut_off.group.role(), Role::kPreCandidate);
  EXPECT_EQ(cut_off.group.term(), Term(0)) << "asking raises no term";
}

TEST(Election, DamageNeitherLeadsNorMeasuresOthers) {
  OneGroup node({.log = {{1, 5}}, .term = 1, .damaged_until = 8});
  node.wait(10'000);
  EXPECT_EQ(node.group.role(), Role::kFollower);
  node.hear(2, vote(2, point(1, 7)));
  node.hear(3, vote(3, point(1, 8)));
  EXPECT_EQ(node.said(), "n2 <- vote-reply t2 refused\nn3 <- vote-reply t3 granted\n");
}

TEST(Election, WhoIsDroppedByAnUncommittedMembershipStillCampaigns) {
  // It may be the only one that holds that membership, and the others refuse shorter logs.
  OneGroup node({.self = 2, .members = voters({1, 2})});
  EntryRange range = range_of(0, {{1, 1}});
  range.memberships.push_back({Offset(0), {nodes({1}), {}, nodes({2})}});
  node.hear(1, AppendRequest{Term(1), point(0, 0), range, Offset(0), 1});
  node.group.campaign(node.now_ms);
  node.absorb();
  EXPECT_EQ(node.group.role(), Role::kPreCandidate);
  node.hear_append(1, 1, point(1, 1), {}, 1);
  node.group.campaign(node.now_ms);
  EXPECT_EQ(node.group.role(), Role::kFollower) << "committed: it has no part any more";
}

TEST(Election, TermsOnDiskMayLagBehindTheLog) {
  OneGroup node({.log = {{4, 2}}, .term = 3, .voted_for = 2});
  EXPECT_EQ(node.group.term(), Term(4));
}

TEST(Election, WhoMayHaveLostWhatItAcknowledgedEndsThatTerm) {
  OneGroup node({.log = {{3, 2}}, .term = 3, .voted_for = 2, .term_floor = 4});
  EXPECT_EQ(node.group.term(), Term(4));
  node.sent.clear();
  node.hear_append(2, 3, point(3, 2));
  ASSERT_EQ(node.sent.size(), 1U);
  EXPECT_EQ(term_of(node.sent.front().message), Term(4)) << "whoever led it steps down";
  EXPECT_EQ(OneGroup({.term = 5, .term_floor = 4}).group.term(), Term(5));
}

}  // namespace
}  // namespace penstock::raft
