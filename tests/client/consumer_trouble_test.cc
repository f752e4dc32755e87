// A consumer when brokers, topics and bytes fail it: told with virtual time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/limits.h"
#include "tests/client/consumer_core_story.h"

namespace penstock::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ConsumerTroubleTest : public ConsumerCoreStory {};

TEST_F(ConsumerTroubleTest, APartitionWithoutALeaderIsAskedForAgain) {
  open({}, 1);
  core_->place(orders(1, kNoBroker));
  core_->tick(now_);
  EXPECT_THAT(core_->take_stale_topics(), ElementsAre("orders"));
  core_->tick(now_);
  EXPECT_THAT(core_->take_stale_topics(), IsEmpty()) << "after a pause";
  ASSERT_GT(core_->next_deadline(now_), now_);
  now_ = core_->next_deadline(now_);
  core_->tick(now_);
  EXPECT_THAT(core_->take_stale_topics(), ElementsAre("orders"));
  core_->place(orders(1, kOther));
  EXPECT_EQ(fetch(0, kOther), "0@100");
}

TEST_F(ConsumerTroubleTest, ASeekAfterTheTopicWasCreatedAgainReadsTheNewOne) {
  open({}, 1);
  core_->place(orders(2, kOther));
  EXPECT_THAT(errors(), ElementsAre("0 UnknownTopic"));
  core_->seek(0, SeatStart{.topic = "orders",
                           .id = {topic_id(2), PartitionId(0)},
                           .leader = kOther,
                           .leader_epoch = Term(5),
                           .position = Offset(7)});
  EXPECT_EQ(fetch(0, kOther), "0@7");
  EXPECT_EQ(plan_.parts[0].id.topic, topic_id(2));
  core_->place(orders(2, kOther));
  EXPECT_THAT(errors(), IsEmpty());
}

TEST_F(ConsumerTroubleTest, DamageIsReportedAlsoWhenTheReadingBehindItHadEnded) {
  open({}, 1);
  for (int i = 0; i < 2; ++i) {
    core_->on_damage(0, Offset(100), Error(Errc::kBadChecksum), now_);
    now_ = core_->next_deadline(now_);
    ASSERT_EQ(fetch(), "0@100");
    answer({records_up_to(150)});
  }
  ASSERT_EQ(fetch(), "0@150");
  answer({error(Errc::kPartitionDamaged)});
  EXPECT_THAT(errors(), ElementsAre("0 PartitionDamaged"));
  core_->on_damage(0, Offset(100), Error(Errc::kBadChecksum), now_);
  EXPECT_THAT(errors(), ElementsAre("0 BadChecksum"));
}

TEST_F(ConsumerTroubleTest, ALostConnectionIsTriedAgainAfterAPause) {
  open();
  fetch();
  core_->on_failure(plan_.id, Error(Errc::kConnectionLost), now_);
  EXPECT_THAT(core_->take_stale_topics(), ElementsAre("orders"));
  EXPECT_EQ(fetch(), "nothing");
  now_ = core_->next_deadline(now_);
  now_ += milliseconds(100);
  EXPECT_EQ(fetch(), "0@100 1@100");
  EXPECT_THAT(errors(), IsEmpty());
}

TEST_F(ConsumerTroubleTest, AnUnreachableBrokerIsLeftAloneForAPause) {
  open();
  core_->on_unreachable(kBroker, now_);
  EXPECT_THAT(core_->brokers_with_work(now_), IsEmpty());
  EXPECT_GT(core_->next_deadline(now_), now_);
  EXPECT_LT(core_->next_deadline(now_), Instant::max());
}

TEST_F(ConsumerTroubleTest, AThrottlingBrokerIsLeftAlone) {
  open();
  core_->on_throttle(kBroker, now_ + milliseconds(300));
  EXPECT_EQ(fetch(), "nothing");
  EXPECT_EQ(core_->next_deadline(now_), now_ + milliseconds(300));
  now_ += milliseconds(300);
  EXPECT_EQ(fetch(), "0@100 1@100");
}

TEST_F(ConsumerTroubleTest, ANewLeaderIsFoundByMetadata) {
  open();
  fetch();
  answer({error(Errc::kNotLeader), error(Errc::kStaleEpoch)});
  EXPECT_THAT(core_->take_stale_topics(), ElementsAre("orders"));
  EXPECT_THAT(errors(), IsEmpty());
  core_->place(orders(1, kOther));
  EXPECT_EQ(fetch(0, kOther), "0@100 1@100") << "without waiting out the pause";
  EXPECT_EQ(plan_.parts[0].leader_epoch, Term(5));
}

TEST_F(ConsumerTroubleTest, OutOfRangeIsAnErrorOnceUnlessThePolicySaysOtherwise) {
  open();
  fetch();
  answer({error(Errc::kOffsetOutOfRange), records_up_to(101)});
  EXPECT_THAT(errors(), ElementsAre("0 OffsetOutOfRange"));
  EXPECT_THAT(last_message_, HasSubstr("orders/0"));
  EXPECT_THAT(last_message_, HasSubstr("position 100"));
  EXPECT_EQ(fetch(), "1@101") << "other partitions go on";
  now_ += std::chrono::hours(1);
  EXPECT_EQ(fetch(), "nothing");
  EXPECT_THAT(errors(), IsEmpty());
  core_->seek(0, Offset(300));
  EXPECT_EQ(fetch(), "0@300");
}

TEST_F(ConsumerTroubleTest, OutOfRangeMayResetToAnEnd) {
  open({.on_out_of_range = OnOutOfRange::kBeginning});
  fetch();
  answer({error(Errc::kOffsetOutOfRange), records_up_to(101)});
  EXPECT_THAT(errors(), IsEmpty());
  const auto resets = core_->take_resets();
  ASSERT_EQ(resets.size(), 1U);
  EXPECT_EQ(resets[0].to.kind, StartAt::Kind::kBeginning);
  EXPECT_EQ(fetch(), "1@101");
  core_->reset_done(resets[0], Offset(42), now_);
  EXPECT_EQ(fetch(), "0@42");
}

TEST_F(ConsumerTroubleTest, AResetThatFailsForNowIsAskedForAgain) {
  open({.on_out_of_range = OnOutOfRange::kEnd}, 1);
  fetch();
  answer({error(Errc::kOffsetOutOfRange)});
  const auto resets = core_->take_resets();
  core_->reset_done(resets[0], std::unexpected(Error(Errc::kConnectFailed)), now_);
  EXPECT_EQ(fetch(), "nothing");
  now_ = core_->next_deadline(now_);
  EXPECT_EQ(fetch(), "0@100");
  answer({error(Errc::kOffsetOutOfRange)});
  EXPECT_EQ(core_->take_resets().size(), 1U);
}

TEST_F(ConsumerTroubleTest, AResetThatComesAfterASeekChangesNothing) {
  open({.on_out_of_range = OnOutOfRange::kEnd}, 1);
  fetch();
  answer({error(Errc::kOffsetOutOfRange)});
  const auto resets = core_->take_resets();
  core_->seek(0, Offset(7));
  core_->reset_done(resets[0], Offset(42), now_);
  EXPECT_EQ(fetch(), "0@7");
}

TEST_F(ConsumerTroubleTest, ADeletedTopicIsAnErrorOnceForEachPartition) {
  open();
  core_->topic_gone("orders", Error(Errc::kUnknownTopic, "no such topic"));
  core_->topic_gone("orders", Error(Errc::kUnknownTopic, "no such topic"));
  EXPECT_THAT(errors(), ElementsAre("0 UnknownTopic", "1 UnknownTopic"));
  EXPECT_EQ(fetch(), "nothing");
}

TEST_F(ConsumerTroubleTest, ATopicThatWasCreatedAgainIsNotReadOnSilently) {
  open();
  core_->place(orders(2, kBroker));
  EXPECT_THAT(errors(), ElementsAre("0 UnknownTopic", "1 UnknownTopic"));
  EXPECT_THAT(last_message_, HasSubstr("created again"));
}

TEST_F(ConsumerTroubleTest, AFinalErrorStopsAPartitionOnce) {
  open();
  fetch();
  answer({error(Errc::kPartitionDamaged), nothing()});
  EXPECT_THAT(errors(), ElementsAre("0 PartitionDamaged"));
}

TEST_F(ConsumerTroubleTest, ARetriableErrorIsNotTheApplicationsBusiness) {
  open({}, 1);
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(fetch(), "0@100") << i;
    answer({error(Errc::kOverloaded)});
    now_ = core_->next_deadline(now_);
  }
  EXPECT_THAT(errors(), IsEmpty());
}

TEST_F(ConsumerTroubleTest, BytesThatChangedOnTheWayAreFetchedAgain) {
  open({}, 1);
  fetch();
  answer({records_up_to(150)});
  core_->on_damage(0, Offset(100), Error(Errc::kBadChecksum), now_);
  EXPECT_THAT(errors(), IsEmpty());
  now_ = core_->next_deadline(now_);
  EXPECT_EQ(fetch(), "0@100");
}

TEST_F(ConsumerTroubleTest, BytesThatStayDamagedAreGivenUp) {
  open({}, 1);
  for (std::uint32_t i = 0; i <= kMaxChecksumRetries; ++i) {
    ASSERT_EQ(fetch(), "0@100");
    answer({error(Errc::kBadChecksum)});
    if (i < kMaxChecksumRetries) now_ = core_->next_deadline(now_);
  }
  EXPECT_THAT(errors(), ElementsAre("0 BadChecksum"));
  EXPECT_EQ(fetch(), "nothing");
}

TEST_F(ConsumerTroubleTest, DamageElsewhereIsCountedAnew) {
  open({}, 1);
  for (int offset = 100; offset < 120; ++offset) {
    ASSERT_EQ(fetch(), "0@" + std::to_string(offset));
    answer({error(Errc::kBadChecksum)});
    now_ = core_->next_deadline(now_);
    ASSERT_EQ(fetch(), "0@" + std::to_string(offset));
    answer({records_up_to(offset + 1)});
  }
  EXPECT_THAT(errors(), IsEmpty());
}

TEST_F(ConsumerTroubleTest, APartThatTheAnswerLeavesOutIsAskedForAgain) {
  open();
  fetch();
  answer({records_up_to(101)});
  EXPECT_EQ(fetch(), "0@101");
  now_ += milliseconds(100);
  EXPECT_EQ(fetch(), "1@100");
}

}  // namespace
}  // namespace penstock::client
