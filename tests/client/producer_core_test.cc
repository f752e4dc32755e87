// What a producer sends when, and to whom: told with virtual time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/producer_core_story.h"

namespace penstock::client {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ProducerCoreTest : public ProducerCoreStory {};

TEST_F(ProducerCoreTest, BatchesOfSeveralPartitionsShareARequest) {
  open();
  add(0, 10, 3);
  add(1, 20, 2);
  add(0, 11, 1);
  EXPECT_EQ(send(), "0:3+1 1:2");
  acknowledge(100);
  EXPECT_THAT(outcomes(), ElementsAre("10@100", "11@103", "20@100"));
  EXPECT_EQ(released_bytes_, added_bytes_);
}

TEST_F(ProducerCoreTest, WhileARequestOfAPartitionIsUnderWayTheNextOneWaits) {
  open();
  add(0, 10);
  EXPECT_EQ(send(), "0:1");
  add(0, 11, 2);
  EXPECT_FALSE(core_->is_sendable(0, now_));
  EXPECT_EQ(send(), "nothing");
  add(1, 20);
  EXPECT_TRUE(core_->is_sendable(1, now_));
  EXPECT_EQ(send(), "1:1") << "other partitions go on";
}

TEST_F(ProducerCoreTest, ARetryIsNotOvertaken) {
  open();
  add(0, 10);
  send();
  add(0, 11);
  refuse(Errc::kOverloaded);
  EXPECT_EQ(send(), "nothing") << "not before the pause is over";
  EXPECT_GT(core_->next_deadline(now_), now_);
  now_ = core_->next_deadline(now_);
  EXPECT_EQ(send(), "0:1+1");
  acknowledge(5);
  EXPECT_THAT(outcomes(), ElementsAre("10@5", "11@6"));
  EXPECT_EQ(core_->retries(), 1U);
}

TEST_F(ProducerCoreTest, PausesGrowWithEveryFailureInARow) {
  open();
  add(0, 10);
  std::vector<std::int64_t> pauses;
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(send(), "0:1");
    refuse(Errc::kDiskFull);
    const Instant next = core_->next_deadline(now_);
    pauses.push_back(std::chrono::duration_cast<milliseconds>(next - now_).count());
    now_ = next;
  }
  EXPECT_GE(pauses[4], 500);
  EXPECT_LE(pauses[0], 100);
}

TEST_F(ProducerCoreTest, OnePartitionsFailureIsNotAnothers) {
  open();
  add(0, 10);
  add(1, 20);
  ASSERT_EQ(send(), "0:1 1:1");
  const std::vector<PartAnswer> answers = {
      {.error = Error(Errc::kPartitionDamaged),
       .base_offset = {},
       .last_offset = {},
       .receipt = {}},
      {.error = {}, .base_offset = Offset(7), .last_offset = Offset(7), .receipt = {}}};
  core_->on_answer(last_call_, answers, now_);
  EXPECT_THAT(outcomes(), ElementsAre("10 failed PartitionDamaged", "20@7"));
}

TEST_F(ProducerCoreTest, ABrokerHasNoMoreRequestsUnderWayThanAllowed) {
  open({.max_in_flight_requests = 2});
  add(0, 10);
  EXPECT_EQ(send(), "0:1");
  add(1, 20);
  EXPECT_EQ(send(), "1:1");
  add(2, 30);
  EXPECT_FALSE(core_->is_sendable(2, now_));
  EXPECT_EQ(send(), "nothing");
  acknowledge();
  EXPECT_EQ(send(), "2:1");
}

TEST_F(ProducerCoreTest, ARequestHoldsNoMoreBytesThanAllowed) {
  open({.max_request_bytes = 1'000});
  add(0, 10, 1, 600);
  add(0, 11, 1, 600);
  add(1, 20, 1, 200);
  EXPECT_EQ(send(), "0:1 1:1");
  acknowledge();
  EXPECT_EQ(send(), "0:1");
}

TEST_F(ProducerCoreTest, ABatchLargerThanARequestTravelsAlone) {
  open({.max_request_bytes = 100});
  add(0, 10, 1, 600);
  add(1, 20, 1, 600);
  EXPECT_EQ(send(), "0:1");
  EXPECT_EQ(send(), "1:1");
}

TEST_F(ProducerCoreTest, PartitionsTakeTurnsWhenARequestIsFull) {
  open({.max_request_bytes = 700});
  for (int round = 0; round < 2; ++round) {
    for (Slot slot = 0; slot < 3; ++slot) add(slot, 10 * slot + 10, 1, 500);
  }
  std::string order;
  for (int i = 0; i < 6; ++i) {
    order += send() + " ";
    acknowledge();
  }
  EXPECT_EQ(order, "0:1 1:1 2:1 0:1 1:1 2:1 ");
}

TEST_F(ProducerCoreTest, EachBrokerGetsWhatItLeads) {
  open();
  lead(1, kOther);
  add(0, 10);
  add(1, 20);
  EXPECT_THAT(core_->brokers_with_work(now_), ElementsAre(kBroker, kOther));
  EXPECT_EQ(send(kOther), "1:1");
  EXPECT_EQ(send(kBroker), "0:1");
  EXPECT_THAT(core_->brokers_with_work(now_), IsEmpty());
}

TEST_F(ProducerCoreTest, ANewLeaderIsTriedAtOnce) {
  open();
  add(0, 10);
  send();
  refuse(Errc::kNotLeader);
  EXPECT_THAT(core_->take_stale_topics(), ElementsAre("orders"));
  EXPECT_EQ(send(), "nothing");
  lead(0, kOther);
  EXPECT_EQ(send(kOther), "0:1");
}

// Nothing waits here, but what is still being collected may be due meanwhile.
TEST_F(ProducerCoreTest, TheEndOfAPauseIsToldAlsoWhenNothingWaits) {
  open();
  core_->on_throttle(kBroker, now_ + milliseconds(300));
  EXPECT_FALSE(core_->is_sendable(0, now_));
  EXPECT_EQ(core_->next_deadline(now_), now_ + milliseconds(300));
  pass(300);
  EXPECT_TRUE(core_->is_sendable(0, now_));
}

TEST_F(ProducerCoreTest, OneBatchIsTheReasonToLookForALeader) {
  open();
  lead(0, kNoBroker);
  pass(0);
  EXPECT_THAT(core_->take_stale_topics(), IsEmpty()) << "nobody wants it";
  EXPECT_TRUE(core_->is_sendable(0, now_));
  add(0, 10);
  EXPECT_FALSE(core_->is_sendable(0, now_)) << "the others go on collecting";
  EXPECT_THAT(core_->brokers_with_work(now_), IsEmpty());
  pass(0);
  EXPECT_THAT(core_->take_stale_topics(), ElementsAre("orders"));
  lead(0, kOther);
  EXPECT_EQ(send(kOther), "0:1");
}

TEST_F(ProducerCoreTest, AThrottlingBrokerIsLeftAlone) {
  open();
  core_->on_throttle(kBroker, now_ + milliseconds(300));
  add(0, 10);
  EXPECT_EQ(send(), "nothing");
  EXPECT_EQ(core_->next_deadline(now_), now_ + milliseconds(300));
  pass(300);
  EXPECT_EQ(send(), "0:1");
}

}  // namespace
}  // namespace penstock::client
