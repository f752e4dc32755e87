// A producer's core when leaders move, fall silent or are missing: told with virtual time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/limits.h"
#include "tests/client/producer_core_story.h"

namespace penstock::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ProducerFailoverTest : public ProducerCoreStory {
 protected:
  std::set<std::string> stale() { return core_->take_stale_topics(); }
};

TEST_F(ProducerFailoverTest, WhatAnOldLeaderRefusedGoesToTheNewOneAtOnceAndInOrder) {
  open();
  add(0, 10);
  add(0, 11);
  EXPECT_EQ(send(), "0:1+1");
  add(0, 12);
  refuse(Errc::kNotLeader);
  EXPECT_THAT(stale(), ElementsAre("orders"));
  EXPECT_EQ(send(), "nothing") << "the old one is not asked again without a pause";
  lead(0, kOther);
  EXPECT_EQ(send(kOther), "0:1+1+1");
  acknowledge(100);
  EXPECT_THAT(outcomes(), ElementsAre("10@100", "11@101", "12@102"));
}

TEST_F(ProducerFailoverTest, AnAnswerOfYesterdayDoesNotBringBackTheOldLeader) {
  open();
  place(0, kOther, 20);
  place(0, kBroker, 19);
  add(0, 10);
  EXPECT_EQ(send(kBroker), "nothing");
  EXPECT_EQ(send(kOther), "0:1");
}

TEST_F(ProducerFailoverTest, ANewTermOfTheSameLeaderIsTriedAtOnce) {
  open();
  place(0, kBroker, 20);
  add(0, 10);
  send();
  refuse(Errc::kStaleEpoch);
  EXPECT_EQ(send(), "nothing");
  place(0, kBroker, 21);
  EXPECT_EQ(send(), "0:1");
  EXPECT_EQ(calls_[last_call_].parts[0].leader_epoch, Term(21));
}

TEST_F(ProducerFailoverTest, ABrokerThatHasNotHeardOfTheLeaderDoesNotStopOneThatWorks) {
  open();
  place(0, kBroker, 20);
  place(0, kNoBroker, 20);
  add(0, 10);
  EXPECT_EQ(send(), "0:1");
  lose();
  place(0, kNoBroker, 20);
  pass(10'000);
  EXPECT_EQ(send(), "nothing") << "now it has failed, and nobody leads";
  place(0, kOther, 21);
  EXPECT_EQ(send(kOther), "0:1");
}

TEST_F(ProducerFailoverTest, WhileItsLeaderFailsAPartitionAsksAgainAndAgain) {
  open();
  add(0, 10);
  send();
  lose();
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(stale(), ElementsAre("orders")) << "who leads now?";
    pass(1);
  }
  lead(0, kOther);
  stale();
  pass(1);
  EXPECT_THAT(stale(), IsEmpty()) << "somebody else does";
}

TEST_F(ProducerFailoverTest, ABrokerThatTakesOverOrLeavesMayHaveASuccessor) {
  for (const Errc code : {Errc::kNotReady, Errc::kShuttingDown, Errc::kTimeout}) {
    open();
    add(0, 10);
    send();
    refuse(code);
    EXPECT_THAT(stale(), ElementsAre("orders")) << info(code).name;
  }
}

TEST_F(ProducerFailoverTest, ALeaderThatDoesNotAnswerIsDesertedWhenThereIsANewerOne) {
  open();
  add(0, 10);
  send();
  const Instant sent = now_;
  EXPECT_EQ(core_->next_deadline(now_), sent + kSilencePatience);
  pass(static_cast<int>(kSilencePatience.count()) - 1);
  EXPECT_THAT(stale(), IsEmpty());
  pass(1);
  EXPECT_THAT(stale(), ElementsAre("orders")) << "who leads now?";
  EXPECT_THAT(core_->take_deserted(), IsEmpty()) << "slow is not gone";
  lead(0, kOther);
  pass(1);
  EXPECT_THAT(core_->take_deserted(), ElementsAre(kBroker));
  pass(1);
  EXPECT_THAT(core_->take_deserted(), IsEmpty()) << "once a request";
  lose();
  EXPECT_EQ(send(kOther), "0:1");
  acknowledge(7);
  EXPECT_THAT(outcomes(), ElementsAre("10@7"));
}

TEST_F(ProducerFailoverTest, AQuickAnswerIsAwaitedAlsoWhenThereIsANewerLeader) {
  open();
  add(0, 10);
  send();
  lead(0, kOther);
  pass(1);
  EXPECT_THAT(core_->take_deserted(), IsEmpty())
      << "it may have been written: do not write it twice";
  acknowledge(7);
  EXPECT_THAT(outcomes(), ElementsAre("10@7"));
}

TEST_F(ProducerFailoverTest, WhatASilentLeaderGotStaysUnknownWhenTheNextOneRefusesIt) {
  open();
  add(0, 10);
  send();
  pass(2'000);
  lead(0, kOther);
  pass(1);
  lose();
  EXPECT_EQ(send(kOther), "0:1");
  refuse(Errc::kPartitionDamaged);
  EXPECT_THAT(outcomes(), ElementsAre("10 unknown ConnectionLost"));
}

TEST_F(ProducerFailoverTest, AConnectionThatIsNotMadeInTimeIsAReasonToAskOthers) {
  open();
  add(0, 10);
  core_->on_connecting(kBroker, now_);
  EXPECT_EQ(core_->next_deadline(now_), now_ + kSilencePatience);
  pass(static_cast<int>(kSilencePatience.count()));
  EXPECT_THAT(stale(), ElementsAre("orders"));
  EXPECT_EQ(send(), "0:1") << "it is there now";
  stale();
  acknowledge();
  add(0, 11);
  pass(10'000);
  EXPECT_THAT(stale(), IsEmpty());
}

TEST_F(ProducerFailoverTest, WithoutALeaderTheErrorNamesTheBrokersThatAreNeeded) {
  open({.delivery_timeout = milliseconds(1'000)});
  lead(3, kNoBroker);
  add(3, 10);
  pass(1'000);
  EXPECT_THAT(outcomes(), ElementsAre("10 failed NotLeader"));
  EXPECT_THAT(last_message_, HasSubstr("no leader for orders/3: 2 of brokers 1, 2, 3 are needed; "
                                       "see penstock cluster status"));
}

}  // namespace
}  // namespace penstock::client
