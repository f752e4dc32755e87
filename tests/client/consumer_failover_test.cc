// A consumer's core when leaders move or fall silent, and when replicas are read: told with virtual
// time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/limits.h"
#include "tests/client/consumer_core_story.h"

namespace penstock::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ConsumerFailoverTest : public ConsumerCoreStory {
 protected:
  void lead(BrokerId leader, int epoch) {
    TopicMetadata topic = orders(1, leader, 1);
    topic.partitions[0].leader_epoch = Term(epoch);
    topic.partitions[0].replicas = {1, 2, 3};
    core_->place(topic);
  }
  void pass(milliseconds time) {
    now_ += time;
    core_->tick(now_);
  }
  std::set<std::string> stale() { return core_->take_stale_topics(); }
};

TEST_F(ConsumerFailoverTest, ReadingGoesOnAtTheNewLeaderWhereItStopped) {
  open({}, 1);
  EXPECT_EQ(fetch(), "0@100");
  answer({records_up_to(150)});
  EXPECT_EQ(fetch(), "0@150");
  answer({error(Errc::kNotLeader)});
  EXPECT_THAT(stale(), ElementsAre("orders"));
  lead(kOther, 5);
  EXPECT_EQ(fetch(0, kOther), "0@150");
  EXPECT_EQ(plan_.parts[0].leader_epoch, Term(5));
}

TEST_F(ConsumerFailoverTest, AnAnswerOfYesterdayDoesNotBringBackTheOldLeader) {
  open({}, 1);
  lead(kOther, 5);
  lead(kBroker, 4);
  EXPECT_EQ(fetch(0, kBroker), "nothing");
  EXPECT_EQ(fetch(0, kOther), "0@100");
}

TEST_F(ConsumerFailoverTest, AFetchThatTheOldLeaderKeepsIsAskedOfTheNewOne) {
  open({}, 1);
  EXPECT_EQ(fetch(), "0@100");
  const FetchPlan old = plan_;
  lead(kOther, 5);
  EXPECT_EQ(fetch(0, kOther), "0@100");
  answer({records_up_to(150)});
  plan_ = old;
  EXPECT_THAT(answer({records_up_to(130)}), ElementsAre(Disposition::kDrop)) << "too late";
  EXPECT_EQ(fetch(0, kOther), "0@150");
}

TEST_F(ConsumerFailoverTest, ASilentLeaderIsAReasonToAskOthersAndIsDesertedForANewOne) {
  open({.max_wait = milliseconds(500)}, 1);
  fetch();
  EXPECT_EQ(core_->next_deadline(now_), now_ + kSilencePatience) << "the first fetch does not wait";
  answer({nothing()});
  fetch();
  EXPECT_EQ(core_->next_deadline(now_), now_ + milliseconds(500) + kSilencePatience);
  pass(milliseconds(499) + kSilencePatience);
  EXPECT_THAT(stale(), IsEmpty());
  pass(milliseconds(1));
  EXPECT_THAT(stale(), ElementsAre("orders"));
  EXPECT_THAT(core_->take_deserted(), IsEmpty());
  lead(kOther, 5);
  pass(milliseconds(1));
  EXPECT_THAT(core_->take_deserted(), ElementsAre(kBroker));
  pass(milliseconds(1));
  EXPECT_THAT(core_->take_deserted(), IsEmpty()) << "once a fetch";
}

TEST_F(ConsumerFailoverTest, WhileItsLeaderFailsAPartitionAsksAgainButNotInALoop) {
  open({}, 1);
  fetch();
  core_->on_failure(plan_.id, Error(Errc::kConnectionLost), now_);
  int questions = 0;
  for (int i = 0; i < 1'000; ++i) {
    pass(milliseconds(1));
    questions += static_cast<int>(stale().size());
    core_->on_unreachable(kBroker, now_);
    stale();
  }
  EXPECT_GE(questions, 3);
  EXPECT_LE(questions, 20);
  lead(kOther, 5);
  pass(milliseconds(1'000));
  EXPECT_THAT(stale(), IsEmpty());
}

TEST_F(ConsumerFailoverTest, AConnectionThatIsNotMadeInTimeIsAReasonToAskOthers) {
  open({}, 1);
  core_->on_connecting(kBroker, now_);
  EXPECT_EQ(core_->next_deadline(now_), now_ + kSilencePatience);
  pass(kSilencePatience);
  EXPECT_THAT(stale(), ElementsAre("orders"));
}

TEST_F(ConsumerFailoverTest, ANewLeaderThatDoesNotKnowYetWhatIsCommittedIsWaitedFor) {
  open({}, 1);
  fetch();
  answer({records_up_to(150)});
  FetchedPart behind = error(Errc::kOffsetOutOfRange);
  behind.high_watermark = Offset(140);
  fetch();
  answer({behind});
  EXPECT_THAT(errors(), IsEmpty());
  pass(kBehindEndPatience / 2);
  EXPECT_EQ(fetch(), "0@150");
  answer({behind});
  EXPECT_THAT(errors(), IsEmpty());
  pass(kBehindEndPatience / 2);
  EXPECT_EQ(fetch(), "0@150");
  answer({behind});
  EXPECT_THAT(errors(), ElementsAre("0 OffsetOutOfRange")) << "records are gone: say so";
}

TEST_F(ConsumerFailoverTest, APositionThatWasNeverReachedIsOutOfRangeAtOnce) {
  open({}, 1);
  FetchedPart behind = error(Errc::kOffsetOutOfRange);
  behind.high_watermark = Offset(40);
  fetch();
  answer({behind});
  EXPECT_THAT(errors(), ElementsAre("0 OffsetOutOfRange"));
}

TEST_F(ConsumerFailoverTest, WhoWaitsForALeaderLearnsWhichBrokersAreNeeded) {
  open({}, 1);
  EXPECT_FALSE(core_->want_of_leader());
  lead(kNoBroker, 5);
  ASSERT_TRUE(core_->want_of_leader());
  EXPECT_THAT(core_->want_of_leader()->message(),
              HasSubstr("no leader for orders/0: 2 of brokers 1, 2, 3 are needed"));
}

class AnyReplicaTest : public ConsumerFailoverTest {
 protected:
  // Broker 1 leads; one of the others is read.
  void open_replicas() {
    open({.read_from = ReadFrom::kAnyReplica}, 1);
    TopicMetadata topic = orders(1, kBroker, 1);
    topic.partitions[0].replicas = {2, 3};
    core_->place(topic);
  }
  // The broker that is asked next, as text.
  std::string asked() {
    const auto brokers = core_->brokers_with_work(now_);
    if (brokers.size() != 1) return "nobody";
    fetch(0, brokers.front());
    return std::to_string(brokers.front());
  }
};

TEST_F(AnyReplicaTest, AFollowerIsReadWithoutItsLeadersTerm) {
  open_replicas();
  const std::string first = asked();
  EXPECT_THAT(first, testing::AnyOf("2", "3"));
  EXPECT_TRUE(plan_.any_replica);
  EXPECT_EQ(plan_.parts[0].leader_epoch, Term(-1));
  answer({records_up_to(150)});
  EXPECT_EQ(asked(), first) << "the same one, at the next offset";
  EXPECT_EQ(plan_.parts[0].offset, Offset(150));
}

TEST_F(AnyReplicaTest, TheLeaderIsReadWhenAFollowerFailsAndAnotherFollowerAfterAWhile) {
  open_replicas();
  const std::string first = asked();
  answer({error(Errc::kOffsetOutOfRange)});
  EXPECT_THAT(errors(), IsEmpty()) << "the leader decides";
  now_ += milliseconds(200);
  EXPECT_EQ(asked(), "1");
  EXPECT_EQ(plan_.parts[0].leader_epoch, Term(5));
  answer({records_up_to(150)});
  now_ += kReplicaPenalty;
  const std::string second = asked();
  EXPECT_THAT(second, testing::AnyOf("2", "3"));
  EXPECT_NE(second, first);
}

TEST_F(AnyReplicaTest, AFollowerThatHangsIsNotWaitedFor) {
  open_replicas();
  const std::string first = asked();
  const FetchPlan old = plan_;
  pass(kSilencePatience + milliseconds(500));
  EXPECT_EQ(asked(), "1");
  plan_ = old;
  EXPECT_THAT(answer({records_up_to(150)}), ElementsAre(Disposition::kDrop));
}

TEST_F(AnyReplicaTest, AFollowerWithNothingNewIsCheckedAgainstTheLeader) {
  open_replicas();
  asked();
  answer({nothing()});
  now_ += kReplicaQuietTime;
  EXPECT_NE(asked(), "1");
  answer({nothing()});
  now_ += milliseconds(100);
  EXPECT_EQ(asked(), "1");
  EXPECT_FALSE(plan_.may_wait);
  answer({nothing()});
  now_ += milliseconds(100);
  EXPECT_NE(asked(), "1") << "it was right";
  answer({nothing()});
  now_ += kReplicaQuietTime;
  asked();
  answer({nothing()});
  now_ += milliseconds(100);
  EXPECT_EQ(asked(), "1");
  answer({records_up_to(150)});
  EXPECT_EQ(asked(), "1") << "it was cut off: the leader is read for a while";
}

TEST_F(AnyReplicaTest, WithoutALeaderReadingGoesOn) {
  open_replicas();
  asked();
  answer({error(Errc::kNotReady)});
  TopicMetadata topic = orders(1, kNoBroker, 1);
  topic.partitions[0].leader_epoch = Term(6);
  topic.partitions[0].replicas = {2, 3};
  core_->place(topic);
  now_ += milliseconds(200);
  EXPECT_THAT(asked(), testing::AnyOf("2", "3"));
}

}  // namespace
}  // namespace penstock::client
