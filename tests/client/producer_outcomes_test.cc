// What a producer says became of each batch, whatever happened to it: told with virtual time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/producer_core_story.h"

namespace penstock::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ProducerOutcomesTest : public ProducerCoreStory {};

TEST_F(ProducerOutcomesTest, APartitionWithoutALeaderWaitsAndSaysSoWhenItsTimeIsOver) {
  open({.delivery_timeout = milliseconds(1'000)});
  lead(0, kNoBroker);
  add(0, 10);
  EXPECT_EQ(send(), "nothing");
  EXPECT_EQ(core_->next_deadline(now_), now_ + milliseconds(1'000));
  pass(1'000);
  EXPECT_THAT(outcomes(), ElementsAre("10 failed NotLeader"));
  EXPECT_THAT(last_message_, HasSubstr("no leader"));
}

TEST_F(ProducerOutcomesTest, WhatWasNeverSentFailsForCertainWhenItsTimeIsOver) {
  open({.delivery_timeout = milliseconds(1'000)});
  add(0, 10);
  core_->on_unreachable(kBroker, Error(Errc::kConnectFailed, "connection refused"));
  pass(999);
  EXPECT_THAT(outcomes(), IsEmpty());
  pass(1);
  EXPECT_THAT(outcomes(), ElementsAre("10 failed ConnectFailed"));
  EXPECT_THAT(last_message_, HasSubstr("connection refused"));
  EXPECT_EQ(released_bytes_, added_bytes_);
}

TEST_F(ProducerOutcomesTest, WhatWasRefusedEachTimeFailsForCertain) {
  open({.delivery_timeout = milliseconds(1'000)});
  add(0, 10);
  send();
  refuse(Errc::kDiskFull);
  pass(1'000);
  EXPECT_THAT(outcomes(), ElementsAre("10 failed DiskFull"));
}

TEST_F(ProducerOutcomesTest, WhatMayHaveBeenWrittenOnceStaysUnknownWhateverComesLater) {
  open({.delivery_timeout = milliseconds(10'000)});
  add(0, 10);
  send();
  lose();
  pass(1'000);
  EXPECT_EQ(send(), "0:1");
  refuse(Errc::kPartitionDamaged);
  EXPECT_THAT(outcomes(), ElementsAre("10 unknown ConnectionLost"));
  EXPECT_THAT(last_message_, HasSubstr("PartitionDamaged"));
}

TEST_F(ProducerOutcomesTest, ARequestThatNeverLeftLeavesNoDoubt) {
  open({.delivery_timeout = milliseconds(1'000)});
  add(0, 10);
  send();
  lose(Errc::kOverloaded, Stage::kNotSent);
  pass(1'000);
  EXPECT_THAT(outcomes(), ElementsAre("10 failed Overloaded"));
}

TEST_F(ProducerOutcomesTest, ALostAnswerIsTriedAgainAndThenDelivered) {
  open();
  add(0, 10);
  send();
  lose();
  pass(1'000);
  EXPECT_EQ(send(), "0:1");
  acknowledge(4);
  EXPECT_THAT(outcomes(), ElementsAre("10@4"));
}

TEST_F(ProducerOutcomesTest, OnlyWhatWasDeliveredAfterALostAnswerMayBeThereTwice) {
  open();
  add(0, 10);
  send();
  acknowledge(4);
  EXPECT_FALSE(core_->take_outcomes().front().may_be_twice);
  add(0, 11);
  send();
  lose();
  pass(1'000);
  send();
  acknowledge(5);
  EXPECT_TRUE(core_->take_outcomes().front().may_be_twice);
}

TEST_F(ProducerOutcomesTest, SilenceIsReportedInTimeAndMemoryIsFreedOnlyAtTheEndOfTheRequest) {
  open({.delivery_timeout = milliseconds(1'000)});
  add(0, 10);
  send();
  pass(1'000);
  EXPECT_THAT(outcomes(), ElementsAre("10 unknown Timeout"));
  EXPECT_EQ(released_bytes_, 0U) << "the request still holds the bytes";
  add(0, 11);
  EXPECT_EQ(send(), "nothing") << "and the partition";
  acknowledge(4);
  EXPECT_THAT(outcomes(), IsEmpty()) << "an outcome is told once";
  EXPECT_EQ(send(), "0:1");
  acknowledge(5);
  outcomes();
  EXPECT_EQ(released_bytes_, added_bytes_);
}

TEST_F(ProducerOutcomesTest, WhatWasReportedIsNotSentAgain) {
  open({.delivery_timeout = milliseconds(1'000)});
  add(0, 10);
  send();
  pass(1'000);
  outcomes();
  lose(Errc::kTimeout);
  pass(5'000);
  EXPECT_EQ(send(), "nothing");
  outcomes();
  EXPECT_EQ(released_bytes_, added_bytes_);
}

TEST_F(ProducerOutcomesTest, OutcomesOfAPartitionKeepItsOrderWhenEverythingExpires) {
  open({.delivery_timeout = milliseconds(1'000)});
  add(0, 10);
  send();
  add(0, 11);
  pass(1'000);
  EXPECT_THAT(outcomes(), ElementsAre("10 unknown Timeout", "11 failed Overloaded"));
}

TEST_F(ProducerOutcomesTest, AnAcknowledgementThatCannotBeIsNotBelieved) {
  open();
  add(0, 10, 3);
  send();
  const std::vector<PartAnswer> answers = {
      {.error = {}, .base_offset = Offset(7), .last_offset = Offset(7), .receipt = {}}};
  core_->on_answer(last_call_, answers, now_);
  EXPECT_THAT(outcomes(), ElementsAre("10 unknown Internal"));
}

TEST_F(ProducerOutcomesTest, APartThatTheAnswerLeavesOutIsUnknown) {
  open();
  add(0, 10);
  add(1, 20);
  send();
  const std::vector<PartAnswer> answers = {
      {.error = {}, .base_offset = Offset(7), .last_offset = Offset(7), .receipt = {}}};
  core_->on_answer(last_call_, answers, now_);
  EXPECT_THAT(outcomes(), ElementsAre("10@7", "20 unknown Internal"));
}

TEST_F(ProducerOutcomesTest, RecordsForADeletedTopicFail) {
  open();
  add(0, 10);
  send();
  add(0, 11);
  refuse(Errc::kUnknownTopic);
  EXPECT_THAT(core_->take_stale_topics(), ElementsAre("orders"));
  EXPECT_THAT(outcomes(), IsEmpty()) << "the broker may not have heard of it yet";
  const Slot slots[] = {0};
  core_->remove(slots, Error(Errc::kUnknownTopic, "orders"));
  EXPECT_THAT(outcomes(), ElementsAre("10 failed UnknownTopic", "11 failed UnknownTopic"));
  add(0, 12);
  EXPECT_THAT(outcomes(), ElementsAre("12 failed UnknownTopic"));
  lead(0, kBroker, 2);
  add(0, 13);
  EXPECT_EQ(send(), "0:1") << "a new topic of that name";
}

TEST_F(ProducerOutcomesTest, RecordsForADeletedTopicDoNotEndUpInItsNamesake) {
  open();
  add(0, 10);
  lead(0, kBroker, 2);
  EXPECT_THAT(outcomes(), ElementsAre("10 failed UnknownTopic"));
  EXPECT_EQ(send(), "nothing");
}

TEST_F(ProducerOutcomesTest, ARequestUnderWayWhenItsTopicGoesIsNotRetried) {
  open();
  add(0, 10);
  send();
  const Slot slots[] = {0};
  core_->remove(slots, Error(Errc::kUnknownTopic, "orders"));
  lose();
  EXPECT_THAT(outcomes(), ElementsAre("10 unknown ConnectionLost"));
}

TEST_F(ProducerOutcomesTest, AbortTellsTheTruthAboutEachBatch) {
  open();
  add(0, 10);
  send();
  lose();
  add(1, 20);
  ASSERT_EQ(send(), "1:1");
  add(2, 30);
  core_->abort(Error(Errc::kShuttingDown, "closed"));
  EXPECT_THAT(outcomes(), ElementsAre("10 unknown ConnectionLost", "30 failed ShuttingDown",
                                      "20 unknown Cancelled"));
  acknowledge(3);
  EXPECT_THAT(outcomes(), IsEmpty());
  EXPECT_EQ(released_bytes_, added_bytes_);
}

// The bytes of a request belong to whoever writes them until it is done: nothing that happens to
// the batch meanwhile may touch them.
TEST_F(ProducerOutcomesTest, BytesUnderWayOutliveTheBatchAndAreNeverReused) {
  open({.delivery_timeout = milliseconds(1'000)});
  add(0, 10, 1, 5'000);
  auto call = core_->next_call(kBroker, 1U << 20, now_);
  const SharedBytes being_written = call->parts[0].batches[0];
  const Bytes before(being_written.view().begin(), being_written.view().end());
  pass(1'000);
  core_->on_failure(call->id, Error(Errc::kTimeout), Stage::kSent, now_);
  call.reset();
  outcomes();
  EXPECT_EQ(released_bytes_, added_bytes_);
  for (std::uint64_t tag = 20; tag < 40; ++tag) add(1, tag, 1, 5'000);
  send();
  EXPECT_TRUE(equal(being_written.view(), before));
}

}  // namespace
}  // namespace penstock::client
