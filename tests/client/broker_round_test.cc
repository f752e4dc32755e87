// In which order brokers are asked.
#include "client/broker_round.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "client/leader_search.h"

namespace penstock::client {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Instant kNow{std::chrono::hours(1)};

TEST(BrokerRoundTest, EachQuestionBeginsWithTheNextBroker) {
  const std::vector<BrokerWay> three(3);
  EXPECT_THAT(asking_order(three, 0, kNow), ElementsAre(0, 1, 2));
  EXPECT_THAT(asking_order(three, 1, kNow), ElementsAre(1, 2, 0));
  EXPECT_THAT(asking_order(three, 5, kNow), ElementsAre(2, 0, 1));
  EXPECT_THAT(asking_order({}, 7, kNow), IsEmpty());
}

TEST(BrokerRoundTest, ThoseThatPromiseNothingComeLast) {
  const std::vector<BrokerWay> ways = {{.retry_at = kNow + milliseconds(20)},
                                       {.silent = true},
                                       {},
                                       {.retry_at = kNow + milliseconds(10)}};
  EXPECT_THAT(asking_order(ways, 0, kNow), ElementsAre(2, 1, 3, 0));
  EXPECT_THAT(asking_order(ways, 3, kNow), ElementsAre(2, 1, 3, 0));
}

TEST(BrokerRoundTest, WhosePauseIsOverHasItsTurnAgain) {
  const std::vector<BrokerWay> ways = {{.retry_at = kNow}, {}};
  EXPECT_THAT(asking_order(ways, 0, kNow), ElementsAre(0, 1));
}

TEST(LeaderSearchTest, OneQuestionForATopicAtATime) {
  LeaderSearch search;
  EXPECT_TRUE(search.begin("orders"));
  EXPECT_FALSE(search.begin("orders"));
  EXPECT_TRUE(search.begin("payments"));
  search.end("orders");
  EXPECT_TRUE(search.begin("orders"));
}

TEST(LeaderSearchTest, FruitlessAnswersAreCountedUntilThereIsNewsOrAnotherTrouble) {
  LeaderSearch search;
  Instant now = kNow;
  EXPECT_EQ(search.answered("orders", false, now), 0U);
  EXPECT_EQ(search.answered("orders", false, now += milliseconds(50)), 1U);
  EXPECT_EQ(search.answered("orders", false, now += milliseconds(50)), 2U);
  EXPECT_EQ(search.answered("orders", true, now += milliseconds(50)), 0U);
  EXPECT_EQ(search.answered("orders", false, now += milliseconds(50)), 1U);
  EXPECT_EQ(search.answered("orders", false, now += std::chrono::minutes(1)), 0U);
}

}  // namespace
}  // namespace penstock::client
