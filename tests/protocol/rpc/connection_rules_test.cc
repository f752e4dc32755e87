// What a server lets one connection do, decided without a socket.
#include "protocol/rpc/connection_rules.h"

#include <gtest/gtest.h>

#include "protocol/wire/api.h"

namespace penstock::rpc {
namespace {

using wire::Api;
using wire::FrameHeader;
using wire::FrameKind;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kMaxFrame = 16U << 20;

FrameHeader request(Api api, std::uint16_t version = 1) {
  return {.kind = FrameKind::kRequest, .api = static_cast<std::uint16_t>(api), .version = version};
}

class ConnectionRulesTest : public testing::Test {
 protected:
  ConnectionRules connected() { return ConnectionRules(limits_, kMaxFrame, 0); }
  ConnectionRules introduced() {
    ConnectionRules rules = connected();
    rules.handshake_done();
    return rules;
  }
  std::string overdue(const ConnectionRules& rules, std::int64_t now_ns) {
    const auto found = rules.overdue(now_ns);
    return found ? std::string(found->reason) : "";
  }

  ServerLimits limits_;
};

TEST_F(ConnectionRulesTest, AStrangerSendsSmallFramesOnly) {
  ConnectionRules rules = connected();
  EXPECT_EQ(rules.max_frame_bytes(), 16U << 10);
  rules.handshake_done();
  EXPECT_EQ(rules.max_frame_bytes(), kMaxFrame);
}

TEST_F(ConnectionRulesTest, TheHandshakeComesFirst) {
  const ConnectionRules rules = connected();
  EXPECT_EQ(rules.judge(request(Api::kHandshake)).verdict, Verdict::kHandshake);
  for (const wire::ApiInfo& api : wire::api_table()) {
    if (api.api == Api::kHandshake) continue;
    const Judgement judgement = rules.judge(request(api.api));
    EXPECT_EQ(judgement.verdict, Verdict::kAnswerAndClose) << api.name;
    EXPECT_EQ(judgement.code, Errc::kHandshakeRequired) << api.name;
  }
}

TEST_F(ConnectionRulesTest, TheHandshakeComesOnce) {
  const Judgement judgement = introduced().judge(request(Api::kHandshake));
  EXPECT_EQ(judgement.verdict, Verdict::kAnswerAndClose);
  EXPECT_EQ(judgement.code, Errc::kInvalidArgument);
}

TEST_F(ConnectionRulesTest, AHandshakeOfAnotherVersionIsAnsweredSoThatTheClientCanChoose) {
  EXPECT_EQ(connected().judge(request(Api::kHandshake, 9)).verdict, Verdict::kHandshake);
}

TEST_F(ConnectionRulesTest, UnknownApisAndVersionsAreAnsweredAndTheConnectionGoesOn) {
  const ConnectionRules rules = introduced();
  const Judgement api = rules.judge(request(static_cast<Api>(999)));
  EXPECT_EQ(api.verdict, Verdict::kAnswerError);
  EXPECT_EQ(api.code, Errc::kUnsupported);
  for (const int number : {0, 2, 65'535}) {
    const auto version = static_cast<std::uint16_t>(number);
    const Judgement judgement = rules.judge(request(Api::kFetch, version));
    EXPECT_EQ(judgement.verdict, Verdict::kAnswerError) << version;
    EXPECT_EQ(judgement.code, Errc::kUnsupportedVersion) << version;
  }
  EXPECT_EQ(rules.judge(request(Api::kFetch, 1)).verdict, Verdict::kRequest);
}

TEST_F(ConnectionRulesTest, AClientThatSendsResponsesIsNoClient) {
  FrameHeader header = request(Api::kFetch);
  header.kind = FrameKind::kResponse;
  EXPECT_EQ(connected().judge(header).verdict, Verdict::kClose);
  EXPECT_EQ(introduced().judge(header).verdict, Verdict::kClose);
}

TEST_F(ConnectionRulesTest, AFullWindowStopsReadingUntilARequestEnds) {
  ConnectionRules rules = introduced();
  for (std::uint32_t i = 0; i < limits_.requests_in_flight; ++i) {
    EXPECT_TRUE(rules.may_begin_frame({}));
    rules.request_began(0);
  }
  EXPECT_FALSE(rules.may_begin_frame({}));
  rules.request_ended(0);
  EXPECT_TRUE(rules.may_begin_frame({}));
}

TEST_F(ConnectionRulesTest, AnswersThatPileUpStopReading) {
  const ConnectionRules rules = introduced();
  const std::uint64_t pause = limits_.outbound_pause_bytes;
  EXPECT_TRUE(rules.may_begin_frame({.own_bytes = pause - 1, .total_bytes = pause - 1}));
  EXPECT_FALSE(rules.may_begin_frame({.own_bytes = pause, .total_bytes = pause}));
}

TEST_F(ConnectionRulesTest, WhenAllConnectionsTogetherHaveTooMuchOnlyThoseWithABacklogWait) {
  const ConnectionRules rules = introduced();
  const std::uint64_t total = limits_.outbound_total_bytes;
  EXPECT_FALSE(rules.may_begin_frame({.own_bytes = 1, .total_bytes = total}));
  EXPECT_TRUE(rules.may_begin_frame({.own_bytes = 0, .total_bytes = total}));
}

TEST_F(ConnectionRulesTest, AnAnswerBehindTooManyUnreadOnesIsNotQueued) {
  const ConnectionRules rules = introduced();
  EXPECT_TRUE(rules.may_queue_answer(limits_.outbound_max_bytes - 1));
  EXPECT_FALSE(rules.may_queue_answer(limits_.outbound_max_bytes));
}

TEST_F(ConnectionRulesTest, EvenAnEmptyRequestCostsMemory) {
  EXPECT_EQ(introduced().memory_cost(0), limits_.request_overhead_bytes);
  EXPECT_EQ(introduced().memory_cost(1000), limits_.request_overhead_bytes + 1000);
}

TEST_F(ConnectionRulesTest, AStrangerHasTenSeconds) {
  ConnectionRules rules = connected();
  EXPECT_EQ(overdue(rules, 10 * kSecond), "");
  EXPECT_EQ(overdue(rules, 10 * kSecond + 1), "no handshake in time");
  rules.handshake_done();
  EXPECT_EQ(overdue(rules, 11 * kSecond), "");
}

TEST_F(ConnectionRulesTest, AStrangerWhoSendsAByteNowAndThenGetsNoMoreTime) {
  ConnectionRules rules = connected();
  for (int second = 0; second < 10; ++second) {
    rules.wait_for_peer(true, second * kSecond);
    rules.bytes_received(1, second * kSecond);
  }
  EXPECT_EQ(overdue(rules, 10 * kSecond + 1), "no handshake in time");
}

TEST_F(ConnectionRulesTest, AFrameThatStopsInTheMiddleIsGivenUpAfterThirtySeconds) {
  ConnectionRules rules = introduced();
  rules.bytes_received(100, 0);
  rules.wait_for_peer(true, 0);
  EXPECT_EQ(overdue(rules, 30 * kSecond), "");
  EXPECT_EQ(overdue(rules, 30 * kSecond + 1), "a frame came too slowly");
  EXPECT_TRUE(rules.overdue(31 * kSecond)->violation);
}

TEST_F(ConnectionRulesTest, AFrameThatDripsBelowTheRateIsGivenUp) {
  ConnectionRules rules = introduced();
  rules.wait_for_peer(true, 0);
  for (int second = 1; second <= 31; ++second) rules.bytes_received(1000, second * kSecond);
  EXPECT_EQ(overdue(rules, 31 * kSecond), "a frame came too slowly");
}

TEST_F(ConnectionRulesTest, ASlowLineThatKeepsTheRateMayTakeLongerButNotForEver) {
  ConnectionRules rules = introduced();
  rules.wait_for_peer(true, 0);
  for (int second = 1; second <= 300; ++second) {
    rules.bytes_received(1100, second * kSecond);
    EXPECT_EQ(overdue(rules, second * kSecond), "") << second;
  }
  EXPECT_EQ(overdue(rules, 300 * kSecond + 1), "a frame came too slowly");
}

TEST_F(ConnectionRulesTest, TheClockOfAFrameStandsStillWhileTheServerMakesThePeerWait) {
  ConnectionRules rules = introduced();
  rules.wait_for_peer(true, 0);
  rules.make_peer_wait();  // no memory for the body, say
  EXPECT_EQ(overdue(rules, 100 * kSecond), "");
  rules.wait_for_peer(true, 100 * kSecond);
  EXPECT_EQ(overdue(rules, 130 * kSecond), "");
  EXPECT_EQ(overdue(rules, 131 * kSecond), "a frame came too slowly");
}

TEST_F(ConnectionRulesTest, EachFrameHasItsOwnClock) {
  ConnectionRules rules = introduced();
  rules.wait_for_peer(true, 0);
  rules.bytes_received(10, 29 * kSecond);
  rules.frame_ended();
  rules.wait_for_peer(true, 29 * kSecond);
  EXPECT_EQ(overdue(rules, 58 * kSecond), "");
  EXPECT_EQ(overdue(rules, 60 * kSecond), "a frame came too slowly");
}

TEST_F(ConnectionRulesTest, AnswersMustMakeProgressWithinTenSeconds) {
  ConnectionRules rules = introduced();
  rules.answer_queued(0);
  rules.answer_queued(5 * kSecond);  // more answers do not restart the clock
  EXPECT_EQ(overdue(rules, 10 * kSecond), "");
  EXPECT_EQ(overdue(rules, 10 * kSecond + 1), "answers were not read");
  rules.bytes_sent(false, 10 * kSecond);
  EXPECT_EQ(overdue(rules, 20 * kSecond), "");
  rules.bytes_sent(true, 20 * kSecond);
  EXPECT_EQ(overdue(rules, 60 * kSecond), "");
}

TEST_F(ConnectionRulesTest, TenSilentMinutesEndAConnectionWithoutBlame) {
  ConnectionRules rules = introduced();
  rules.bytes_received(50, kSecond);
  EXPECT_EQ(overdue(rules, 601 * kSecond), "");
  EXPECT_EQ(overdue(rules, 601 * kSecond + 1), "idle");
  EXPECT_FALSE(rules.overdue(700 * kSecond)->violation);
}

TEST_F(ConnectionRulesTest, ARequestUnderWayIsNotIdle) {
  ConnectionRules rules = introduced();
  rules.request_began(0);
  EXPECT_EQ(overdue(rules, 3600 * kSecond), "");
  rules.request_ended(3600 * kSecond);
  EXPECT_EQ(overdue(rules, 3601 * kSecond), "");
}

TEST_F(ConnectionRulesTest, TimeIsCheckedOftenEnoughForTheShortestLimit) {
  EXPECT_EQ(ConnectionRules::check_period(limits_), std::chrono::milliseconds(500));
  limits_.write_stall_time = std::chrono::milliseconds(20);
  EXPECT_EQ(ConnectionRules::check_period(limits_), std::chrono::milliseconds(5));
  limits_.write_stall_time = std::chrono::milliseconds(0);
  EXPECT_EQ(ConnectionRules::check_period(limits_), std::chrono::milliseconds(1));
}

}  // namespace
}  // namespace penstock::rpc
