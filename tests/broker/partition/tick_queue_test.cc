#include "broker/partition/tick_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/clock.h"
#include "broker/partition/limits.h"

namespace penstock::broker {
namespace {

TEST(TickQueue, HeartbeatsOfManyGroupsFallIntoAFewSlots) {
  asio::io_context shard;
  FakeClock clock;
  clock.advance_ms(12'345);
  const TickQueue ticks(shard.get_executor(), clock);
  const std::int64_t now = ticks.now_ms();
  std::set<std::int64_t> slots;
  for (std::int64_t due = now - 5; due < now + 100; ++due) {
    const std::int64_t slot = ticks.slot_of(due);
    EXPECT_GE(slot, due) << "nobody is woken for nothing";
    EXPECT_GT(slot, now) << "who is woken now is not woken again at once";
    EXPECT_LT(slot, std::max(due, now + 1) + kTickSlotMs);
    slots.insert(slot);
  }
  EXPECT_LE(slots.size(), 100 / kTickSlotMs + 2);
}

}  // namespace
}  // namespace penstock::broker
