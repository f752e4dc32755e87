// What a follower takes, cuts, refuses, and tells.
#include <gtest/gtest.h>

#include "one_group.h"

namespace penstock::raft {
namespace {

TEST(Follower, AnAppendIsTakenWhereTheLogsAgree) {
  struct Case {
    const char* why;
    LogPoint previous;
    Terms records;
    const char* answer;
    int end;
  };
  // The follower holds [0, 5) of term 1 and [5, 10) of term 2; nothing is known to be committed.
  const Case cases[] = {
      {"at the end", point(2, 10), {{2, 3}}, "accepted durable=10", 13},
      {"a heartbeat in the middle", point(1, 5), {}, "accepted durable=5", 10},
      {"already here", point(1, 5), {{2, 5}}, "accepted durable=10", 10},
      {"partly here", point(1, 5), {{2, 8}}, "accepted durable=10", 13},
      {"another history from 5 on", point(1, 5), {{3, 2}}, "accepted durable=5", 7},
      {"another history amid term 2", point(1, 5), {{2, 2}, {3, 1}}, "accepted durable=7", 8},
      {"a hole", point(2, 12), {{2, 1}}, "refused hint=(t2, 10)", 10},
      {"a hole, newer term", point(3, 40), {{3, 1}}, "refused hint=(t2, 10)", 10},
      {"our term is newer", point(1, 8), {{3, 1}}, "refused hint=(t1, 5)", 10},
      {"our term is older", point(3, 8), {{3, 1}}, "refused hint=(t2, 8)", 10},
  };
  for (const Case& one : cases) {
    OneGroup node({.log = {{1, 5}, {2, 5}}, .term = 2});
    node.hear_append(2, 4, one.previous, one.records);
    EXPECT_EQ(node.said(), std::string("n2 <- append-reply t4 ") + one.answer + " round=1\n")
        << one.why;
    EXPECT_EQ(node.group.log_end(), Offset(one.end)) << one.why;
  }
}

TEST(Follower, TheAnswerTellsWhatIsOnTheDisk) {
  OneGroup node({});
  node.hear_append(2, 1, point(0, 0), {{1, 4}});
  EXPECT_EQ(node.said(), "n2 <- append-reply t1 accepted durable=0 round=1\n");
  node.flush();
  EXPECT_EQ(node.said(), "n2 <- append-reply t1 accepted durable=4 round=1\n");
  node.flush();
  EXPECT_EQ(node.said(), "") << "no news";
}

TEST(Follower, AFlushOfWhatWasCutDoesNotCount) {
  OneGroup node({});
  node.hear_append(2, 1, point(0, 0), {{1, 4}});
  const auto version = node.group.log_version();  // a flush begins
  node.hear_append(3, 2, point(0, 0), {{2, 4}});
  node.sent.clear();
  node.group.durable(Offset(4), version, node.now_ms);  // ... and ends
  node.absorb();
  EXPECT_EQ(node.said(), "");
  EXPECT_EQ(node.group.durable_end(), Offset(0));
  node.flush();
  EXPECT_EQ(node.said(), "n3 <- append-reply t2 accepted durable=4 round=1\n");
}

TEST(Follower, ATailThatTheLeaderDoesNotKnowIsNotAcknowledged) {
  OneGroup node({.log = {{1, 9}}, .term = 1});
  node.hear_append(2, 2, point(1, 4), {}, 9);
  EXPECT_EQ(node.said(), "n2 <- append-reply t2 accepted durable=4 round=1\n");
  EXPECT_EQ(node.group.committed(), Offset(4)) << "as far as the logs are known to agree";
}

TEST(Follower, WhatTheLastLeaderKnewIsNotWhatThisOneKnows) {
  OneGroup node({});
  node.hear_append(2, 1, point(0, 0), {{1, 4}});
  node.flush();
  node.sent.clear();
  node.hear_append(3, 2, point(0, 0));
  EXPECT_EQ(node.said(), "n3 <- append-reply t2 accepted durable=0 round=1\n");
}

TEST(Follower, NothingCommittedIsEverCut) {
  OneGroup node({.log = {{1, 5}}, .term = 1});
  node.hear_append(2, 2, point(1, 5), {}, 5);
  EXPECT_EQ(node.group.committed(), Offset(5));
  node.hear_append(2, 2, point(1, 3), {{2, 1}}, 5);
  EXPECT_TRUE(node.group.is_faulty());
  EXPECT_NE(node.fault.find("committed"), std::string::npos) << node.fault;
  EXPECT_EQ(node.group.log_end(), Offset(5));
  node.sent.clear();
  node.hear_append(2, 3, point(1, 5), {{3, 1}}, 5);
  EXPECT_EQ(node.said(), "") << "takes no further part";
}

TEST(Follower, AnOlderLeaderIsToldTheNewerTerm) {
  OneGroup node({.term = 7});
  node.hear_append(2, 6, point(0, 0), {{6, 1}});
  EXPECT_EQ(node.said(), "n2 <- append-reply t7 refused hint=(t0, 0) round=1\n");
  EXPECT_EQ(node.group.leader(), kNobody);
}

TEST(Follower, TwoLeadersOfOneTermAreAFault) {
  OneGroup node({});
  node.hear_append(2, 1, point(0, 0));
  node.hear_append(3, 1, point(0, 0));
  EXPECT_TRUE(node.group.is_faulty());
}

TEST(Follower, AnInstallReplacesALogThatLacksItsStart) {
  OneGroup node({.log = {{1, 5}}, .term = 1});
  node.hear(2, InstallRequest{Term(3), point(2, 20), voters({1, 2})});
  EXPECT_EQ(node.said(), "n2 <- install-reply t3 start=(t2, 20)\n");
  EXPECT_EQ(node.group.log_start(), Offset(20));
  EXPECT_EQ(node.group.committed(), Offset(20));
  EXPECT_EQ(node.group.membership(), voters({1, 2}));
  node.hear_append(2, 3, point(2, 20), {{3, 2}}, 20, 2);
  EXPECT_EQ(node.group.log_end(), Offset(22));
}

TEST(Follower, AnInstallOfWhatIsHereKeepsTheLog) {
  OneGroup node({.log = {{1, 5}}, .term = 1});
  node.hear(2, InstallRequest{Term(1), point(1, 3), voters({1, 2})});
  EXPECT_EQ(node.said(), "n2 <- install-reply t1 start=(t1, 3)\n");
  EXPECT_EQ(node.group.log_end(), Offset(5));
}

TEST(Follower, ATruncatedMembershipIsForgotten) {
  OneGroup node({.log = {{1, 5}}, .term = 1});
  EntryRange range = range_of(5, {{2, 1}});
  range.memberships.push_back({Offset(5), voters({1, 2})});
  node.hear(2, AppendRequest{Term(2), point(1, 5), range, Offset(5), 1});
  EXPECT_EQ(node.group.membership(), voters({1, 2}));
  EXPECT_FALSE(node.group.membership_is_committed());
  node.hear_append(3, 3, point(1, 5), {{3, 1}}, 5);
  EXPECT_EQ(node.group.membership(), voters({1, 2, 3}));
}

TEST(Follower, AnAppendAfterTheLogWasTrimmedFitsFromTheStartOn) {
  OneGroup node({.log = {{1, 4}}, .start = 10, .start_term = 1, .term = 1});
  node.hear_append(2, 1, point(1, 6), {{1, 12}}, 10);
  EXPECT_EQ(node.group.log_end(), Offset(18));
  EXPECT_EQ(node.accepts.at(0).append_from, Offset(14));
}

TEST(Follower, WhatItsLeaderCallsCommittedIsNewsWhetherItIsHereOrNot) {
  OneGroup node({});
  EXPECT_FALSE(node.group.commit_news());
  node.now_ms += 10;
  const std::int64_t first_ms = node.now_ms;
  node.hear_append(2, 1, point(0, 0), {{1, 4}}, 3);
  ASSERT_TRUE(node.group.commit_news());
  EXPECT_EQ(node.group.commit_news()->at_ms, first_ms);
  EXPECT_EQ(node.group.commit_news()->commit, Offset(3));
  node.now_ms += 10;
  node.hear_append(2, 1, point(1, 9), {}, 9);
  EXPECT_EQ(node.group.commit_news()->at_ms, first_ms + 10);
  EXPECT_EQ(node.group.commit_news()->commit, Offset(9)) << "far behind, and it knows";
}

}  // namespace
}  // namespace penstock::raft
