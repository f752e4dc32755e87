// A channel's calls between being made and being over, without a socket or a clock.
#include "protocol/rpc/pending_calls.h"

#include <gtest/gtest.h>

#include <map>

namespace penstock::rpc {
namespace {

using Time = PendingCalls::Time;

Time at(int second) { return Time(std::chrono::seconds(second)); }

class PendingCallsTest : public testing::Test {
 protected:
  // A call of `body_bytes` that is due at `second`; what becomes of it is noted.
  std::uint64_t add(std::size_t body_bytes, int second = 100) {
    return calls_.add({.api = 16}, Bytes(body_bytes), {}, at(second),
                      [this, n = ++added_](Result<Reply> result) {
                        outcomes_[n] = result ? Errc::kOk : result.error().code();
                      });
  }
  // How many calls leave room for themselves now.
  std::size_t send_all(std::uint64_t unsent_bytes = 0) {
    std::size_t sent = 0;
    while (calls_.next_to_send(unsent_bytes)) ++sent;
    return sent;
  }

  static constexpr std::size_t kHead = wire::kFrameHeaderSize;
  PendingCalls calls_{{.max_bytes = 1000, .max_requests = 3}};
  std::map<int, Errc> outcomes_;
  int added_ = 0;
};

TEST_F(PendingCallsTest, AnAnswerFinishesItsOwnCall) {
  const std::uint64_t first = add(0);
  const std::uint64_t second = add(0);
  EXPECT_NE(first, second);
  EXPECT_EQ(send_all(), 2);
  calls_.answered(second).finish(Reply{});
  EXPECT_EQ(outcomes_, (std::map<int, Errc>{{2, Errc::kOk}}));
  EXPECT_EQ(calls_.size(), 1);
}

TEST_F(PendingCallsTest, NoMoreAreInFlightThanTheBrokerWorksOn) {
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(add(0));
  EXPECT_EQ(send_all(), 3);
  EXPECT_EQ(calls_.waiting(), 2);
  (void)calls_.answered(ids[1]);
  EXPECT_EQ(send_all(), 1);
  EXPECT_EQ(calls_.waiting(), 1);
}

TEST_F(PendingCallsTest, CallsLeaveInTheOrderInWhichTheyWereMade) {
  const std::uint64_t first = add(600);
  const std::uint64_t large = add(600);
  const std::uint64_t small = add(1);
  EXPECT_EQ(calls_.next_to_send(0)->header.correlation, first);
  EXPECT_FALSE(calls_.next_to_send(0)) << "the small one does not overtake";
  (void)calls_.answered(first);
  EXPECT_EQ(calls_.next_to_send(0)->header.correlation, large);
  EXPECT_EQ(calls_.next_to_send(0)->header.correlation, small);
}

TEST_F(PendingCallsTest, BytesInFlightAreBounded) {
  add(400);
  add(400);
  add(400);
  EXPECT_EQ(send_all(), 2);
  EXPECT_EQ(calls_.bytes_in_flight(), 2 * (400 + kHead));
}

TEST_F(PendingCallsTest, ACallLargerThanTheBoundGoesAlone) {
  add(5000);
  add(10);
  EXPECT_EQ(send_all(), 1);
}

TEST_F(PendingCallsTest, BytesThatTheSocketHasNotTakenCountWhateverBecameOfTheirCalls) {
  const std::uint64_t first = add(900);
  EXPECT_EQ(send_all(), 1);
  EXPECT_TRUE(calls_.abandon(first));
  EXPECT_EQ(calls_.bytes_in_flight(), 0);
  add(900);
  EXPECT_EQ(send_all(900 + kHead), 0) << "the stalled socket still holds the first one's bytes";
  EXPECT_EQ(send_all(0), 1);
}

TEST_F(PendingCallsTest, ACallInFlightTimesOutAsUnknownAWaitingOneAsNotDone) {
  for (int second : {5, 20, 20, 5}) add(0, second);
  EXPECT_EQ(send_all(), 3);
  EXPECT_EQ(calls_.next_deadline(), at(5));
  EXPECT_TRUE(calls_.take_expired(at(4)).empty());
  const auto expired = calls_.take_expired(at(5));
  ASSERT_EQ(expired.size(), 2);
  EXPECT_NE(expired[0].code, expired[1].code);
  for (const auto& call : expired) {
    EXPECT_TRUE(call.code == Errc::kTimeout || call.code == Errc::kOverloaded);
  }
  EXPECT_EQ(info(Errc::kTimeout).outcome, Outcome::kMaybeDone);
  EXPECT_EQ(info(Errc::kOverloaded).outcome, Outcome::kNotDone);
  EXPECT_EQ(calls_.waiting(), 0) << "the waiting one's bytes are freed";
  EXPECT_EQ(calls_.next_deadline(), at(20));
}

TEST_F(PendingCallsTest, ALateAnswerIsDroppedAndAnInventedOneIsABreachOfProtocol) {
  const std::uint64_t id = add(0, 5);
  EXPECT_EQ(send_all(), 1);
  (void)calls_.take_expired(at(6));
  const auto late = calls_.answered(id);
  EXPECT_TRUE(late.known);
  EXPECT_FALSE(late.finish);
  EXPECT_FALSE(calls_.answered(id + 1).known);
  EXPECT_FALSE(calls_.answered(0).known);
}

TEST_F(PendingCallsTest, AnAnswerToACallThatWasNotSentYetIsABreachOfProtocol) {
  const std::uint64_t id = add(0);
  EXPECT_FALSE(calls_.answered(id).known);
  EXPECT_EQ(calls_.size(), 1);
}

TEST_F(PendingCallsTest, AnAnswerCountsOnce) {
  const std::uint64_t id = add(0);
  EXPECT_EQ(send_all(), 1);
  EXPECT_TRUE(calls_.answered(id).finish);
  EXPECT_FALSE(calls_.answered(id).finish);
}

TEST_F(PendingCallsTest, AnAbandonedCallMakesRoom) {
  const std::uint64_t first = add(900);
  const std::uint64_t second = add(900);
  const std::uint64_t third = add(900);
  EXPECT_EQ(send_all(), 1);
  EXPECT_TRUE(calls_.abandon(second)) << "while it waits";
  EXPECT_EQ(calls_.waiting(), 1);
  EXPECT_TRUE(calls_.abandon(first)) << "in flight";
  EXPECT_FALSE(calls_.abandon(first)) << "once";
  EXPECT_EQ(calls_.next_to_send(0)->header.correlation, third);
}

TEST_F(PendingCallsTest, WhatWasSentAwaitsItsAnswerWhoeverHasGivenItUp) {
  const std::uint64_t first = add(0);
  const std::uint64_t second = add(0);
  EXPECT_FALSE(calls_.awaits_answers()) << "nothing has left";
  EXPECT_EQ(send_all(), 2);
  EXPECT_TRUE(calls_.abandon(first));
  (void)calls_.answered(second);
  EXPECT_TRUE(calls_.awaits_answers());
  (void)calls_.answered(first);
  EXPECT_FALSE(calls_.awaits_answers());
}

TEST_F(PendingCallsTest, TheEndOfTheChannelFinishesEveryCallOnce) {
  for (int i = 0; i < 5; ++i) add(0);
  EXPECT_EQ(send_all(), 3);
  for (Finish& finish : calls_.take_all()) finish(fail(Errc::kConnectionLost));
  EXPECT_EQ(outcomes_.size(), 5);
  for (const auto& [call, code] : outcomes_) EXPECT_EQ(code, Errc::kConnectionLost);
  EXPECT_TRUE(calls_.empty());
  EXPECT_EQ(calls_.bytes_in_flight(), 0);
  EXPECT_EQ(calls_.next_deadline(), Time::max());
  EXPECT_EQ(send_all(), 0);
}

}  // namespace
}  // namespace penstock::rpc
