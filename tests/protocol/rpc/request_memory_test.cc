// One allowance for the requests of all connections.
#include "protocol/rpc/request_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.h"

namespace penstock::rpc {
namespace {

class RequestMemoryTest : public testing::Test {
 protected:
  bool take(std::uint64_t bytes, RequestMemory::WaiterId waiter) {
    return memory_.try_take(bytes, waiter, [this, waiter] { woken_.push_back(waiter); });
  }
  std::vector<RequestMemory::WaiterId> woken() { return std::exchange(woken_, {}); }

  using Ids = std::vector<RequestMemory::WaiterId>;
  RequestMemory memory_{100};
  Ids woken_;
};

TEST_F(RequestMemoryTest, IsTakenUntilNoneIsLeft) {
  EXPECT_TRUE(take(60, 1));
  EXPECT_TRUE(take(40, 2));
  EXPECT_FALSE(take(1, 3));
  EXPECT_EQ(memory_.taken(), 100);
}

TEST_F(RequestMemoryTest, WhoWaitsIsWokenOnceWhenThereIsEnough) {
  EXPECT_TRUE(take(90, 1));
  EXPECT_FALSE(take(50, 2));
  memory_.give_back(30);
  EXPECT_EQ(woken(), Ids{}) << "40 are free, 50 wanted";
  memory_.give_back(30);
  EXPECT_EQ(woken(), Ids{2});
  memory_.give_back(30);
  EXPECT_EQ(woken(), Ids{}) << "once";
  EXPECT_TRUE(take(50, 2));
}

TEST_F(RequestMemoryTest, SmallRequestsDoNotOvertakeALargeOne) {
  EXPECT_TRUE(take(50, 1));
  EXPECT_FALSE(take(90, 2));
  EXPECT_FALSE(take(1, 3)) << "there is room, but another waits";
  memory_.give_back(50);
  EXPECT_EQ(woken(), Ids{2});
  EXPECT_FALSE(take(1, 3));
  EXPECT_TRUE(take(90, 2));
  EXPECT_EQ(woken(), Ids{3}) << "the next is woken when the first has taken";
  EXPECT_TRUE(take(1, 3));
}

TEST_F(RequestMemoryTest, AskingAgainKeepsThePlaceAndTheNewSize) {
  EXPECT_TRUE(take(100, 1));
  EXPECT_FALSE(take(80, 2));
  EXPECT_FALSE(take(10, 3));
  EXPECT_FALSE(take(70, 2));
  EXPECT_EQ(memory_.waiting(), 2);
  memory_.give_back(75);
  EXPECT_EQ(woken(), Ids{2});
}

TEST_F(RequestMemoryTest, AWaiterThatGoesAwayDoesNotHoldUpTheOthers) {
  EXPECT_TRUE(take(50, 1));
  EXPECT_FALSE(take(90, 2));
  EXPECT_FALSE(take(10, 3));
  memory_.forget(2);
  EXPECT_EQ(woken(), Ids{3});
  EXPECT_TRUE(take(10, 3));
  memory_.forget(99);
  EXPECT_EQ(memory_.waiting(), 0);
}

TEST_F(RequestMemoryTest, AWokenWaiterThatGoesAwayPassesItsTurnOn) {
  EXPECT_TRUE(take(100, 1));
  EXPECT_FALSE(take(90, 2));
  EXPECT_FALSE(take(10, 3));
  memory_.give_back(100);
  EXPECT_EQ(woken(), Ids{2});
  memory_.forget(2);
  EXPECT_EQ(woken(), Ids{3});
}

TEST_F(RequestMemoryTest, NothingIsLostOrMadeUpOverManyRequests) {
  Rng rng(4);
  std::vector<std::pair<RequestMemory::WaiterId, std::uint64_t>> held;
  std::vector<std::pair<RequestMemory::WaiterId, std::uint64_t>> asking;
  RequestMemory::WaiterId next = 1;
  for (int i = 0; i < 20'000; ++i) {
    if (!held.empty() && rng.one_in(2)) {
      const std::size_t k = rng.below(held.size());
      const std::uint64_t bytes = held[k].second;
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(k));
      memory_.give_back(bytes);
    } else if (asking.size() < 10) {
      asking.emplace_back(next++, 1 + rng.below(100));
      if (take(asking.back().second, asking.back().first)) {
        held.push_back(asking.back());
        asking.pop_back();
      }
    }
    for (const auto waiter : woken()) {
      const auto it = std::ranges::find(asking, waiter, &decltype(asking)::value_type::first);
      ASSERT_NE(it, asking.end());
      ASSERT_TRUE(take(it->second, waiter)) << "whoever is woken gets what it asked for";
      held.push_back(*it);
      asking.erase(it);
    }
    std::uint64_t sum = 0;
    for (const auto& [waiter, bytes] : held) sum += bytes;
    ASSERT_EQ(memory_.taken(), sum);
    ASSERT_LE(sum, memory_.capacity());
    ASSERT_EQ(memory_.waiting(), asking.size());
    ASSERT_FALSE(held.empty() && !asking.empty()) << "somebody waits for nothing";
  }
}

}  // namespace
}  // namespace penstock::rpc
