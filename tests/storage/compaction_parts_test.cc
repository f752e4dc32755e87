// The small parts of key compaction: the key map, what is remembered of passes, which segments
// become one.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "storage/compaction_plan.h"
#include "storage/compaction_state.h"
#include "storage/key_map.h"
#include "storage/limits.h"

namespace penstock::storage {
namespace {

// --- the key map

TEST(KeyMap, KnowsTheLastOffsetOfEachKey) {
  KeyMap map(1 << 16, 100, 1);
  EXPECT_TRUE(map.put(as_bytes("a"), Offset(1)));
  EXPECT_TRUE(map.put(as_bytes("b"), Offset(2)));
  EXPECT_TRUE(map.put(as_bytes("a"), Offset(3)));
  EXPECT_TRUE(map.put(as_bytes(""), Offset(4)));
  EXPECT_EQ(map.find(as_bytes("a")), Offset(3));
  EXPECT_EQ(map.find(as_bytes("b")), Offset(2));
  EXPECT_EQ(map.find(as_bytes("")), Offset(4));
  EXPECT_EQ(map.find(as_bytes("c")), std::nullopt);
  EXPECT_EQ(map.size(), 3U);
}

TEST(KeyMap, OffsetZeroIsAnOffset) {
  KeyMap map(1 << 10, 10, 1);
  EXPECT_TRUE(map.put(as_bytes("a"), Offset(0)));
  EXPECT_EQ(map.find(as_bytes("a")), Offset(0));
}

TEST(KeyMap, AFullMapTakesKnownKeysOnly) {
  KeyMap map(200, 1'000'000, 1);
  EXPECT_LE(map.bytes(), 200U);
  int taken = 0;
  while (map.put(as_bytes("key" + std::to_string(taken)), Offset(taken))) ++taken;
  EXPECT_GE(taken, 3);
  EXPECT_TRUE(map.put(as_bytes("key0"), Offset(77)));
  EXPECT_EQ(map.find(as_bytes("key0")), Offset(77));
  EXPECT_EQ(map.find(as_bytes("key" + std::to_string(taken))), std::nullopt);
}

TEST(KeyMap, TheSmallestMapHoldsAKey) {
  KeyMap map(0, 0, 1);
  EXPECT_TRUE(map.put(as_bytes("a"), Offset(5)));
  EXPECT_FALSE(map.put(as_bytes("b"), Offset(6)));
  EXPECT_EQ(map.find(as_bytes("a")), Offset(5));
}

TEST(KeyMap, ASmallLogNeedsASmallMap) {
  EXPECT_LT(KeyMap(kCompactionMapBytes, 1000, 1).bytes(), 100'000U);
  EXPECT_LE(KeyMap(kCompactionMapBytes, 1LL << 40, 1).bytes(), kCompactionMapBytes);
}

TEST(KeyMap, AgreesWithAMap) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Rng rng(seed);
    KeyMap map(1 << 16, 5000, seed);
    std::map<std::string, Offset> model;
    for (std::int64_t offset = 0; offset < 5000; ++offset) {
      const std::string key(rng.below(20), static_cast<char>('a' + rng.below(26)));
      ASSERT_TRUE(map.put(as_bytes(key), Offset(offset)));
      model[key] = Offset(offset);
    }
    ASSERT_EQ(map.size(), model.size());
    for (const auto& [key, offset] : model) ASSERT_EQ(map.find(as_bytes(key)), offset) << seed;
  }
}

// --- what is remembered of passes

CompactionState after(const std::vector<CompactionMark>& passes) {
  CompactionState state;
  for (const auto& [end, at] : passes) state.completed(end, at);
  return state;
}

TEST(CompactionState, WhatWasCompactedLongEnoughAgoIsSettled) {
  const CompactionState state =
      after({{Offset(10), Timestamp(1000)}, {Offset(20), Timestamp(2000)}});
  EXPECT_EQ(state.clean_end, Offset(20));
  EXPECT_EQ(state.settled_end(500, Timestamp(1499)), Offset(0));
  EXPECT_EQ(state.settled_end(500, Timestamp(1500)), Offset(10));
  EXPECT_EQ(state.settled_end(500, Timestamp(2499)), Offset(10));
  EXPECT_EQ(state.settled_end(500, Timestamp(2500)), Offset(20));
  EXPECT_EQ(CompactionState{}.settled_end(0, Timestamp(5000)), Offset(0));
}

TEST(CompactionState, APassThatCameNoFurtherDelaysNothing) {
  const CompactionState state =
      after({{Offset(10), Timestamp(1000)}, {Offset(10), Timestamp(9000)}});
  EXPECT_EQ(state.settled_end(500, Timestamp(1500)), Offset(10));
}

TEST(CompactionState, ManyMarksBecomeFewerWithoutSettlingAnythingEarlier) {
  Rng rng(3);
  CompactionState state;
  std::vector<CompactionMark> all;
  std::int64_t at = 0;
  for (std::int64_t end = 1; end <= 200; ++end) {
    at += static_cast<std::int64_t>(rng.below(1000));
    state.completed(Offset(end), Timestamp(at));
    all.push_back({Offset(end), Timestamp(at)});
    ASSERT_LE(state.marks.size(), kMaxCompactionMarks);
    const Timestamp now(at + static_cast<std::int64_t>(rng.below(3000)));
    Offset truth(0);
    for (const auto& mark : all) {
      if (now.ms() - mark.completed.ms() >= 1500) truth = mark.end;
    }
    ASSERT_LE(state.settled_end(1500, now), truth);
  }
  EXPECT_EQ(state.settled_end(1500, Timestamp(at + 1500)), Offset(200));
}

TEST(CompactionState, ACutTakesAllBack) {
  CompactionState state = after({{Offset(10), Timestamp(1000)},
                                 {Offset(20), Timestamp(2000)},
                                 {Offset(30), Timestamp(3000)}});
  state.rewritten_end = Offset(30);
  state.cut(Offset(15));
  EXPECT_EQ(state.clean_end, Offset(15));
  EXPECT_EQ(state.rewritten_end, Offset(15));
  EXPECT_EQ(state.marks, (std::vector<CompactionMark>{{Offset(10), Timestamp(1000)},
                                                      {Offset(15), Timestamp(2000)}}));
  state.cut(Offset(0));
  EXPECT_TRUE(state.empty());
}

TEST(CompactionState, AClockThatWasWrongDelaysNoTombstoneForEver) {
  CompactionState state = after({{Offset(10), Timestamp(9'000'000)}});
  EXPECT_EQ(state.settled_end(500, Timestamp(2000)), Offset(0));
  state.correct_clock(Timestamp(2000));
  EXPECT_EQ(state.settled_end(500, Timestamp(2500)), Offset(10));
}

TEST(CompactionState, ComesBackFromItsBytes) {
  CompactionState state;
  for (int i = 1; i <= 40; ++i) state.completed(Offset(i * 10), Timestamp(i * 1000));
  state.rewritten_end = Offset(500);
  std::array<std::byte, kCompactionStateBytes> bytes{};
  encode_compaction(state, bytes.data());
  EXPECT_EQ(decode_compaction(bytes.data()), state);
  bytes.fill(std::byte{0});
  EXPECT_TRUE(decode_compaction(bytes.data()).empty());
}

TEST(CompactionState, BytesThatContradictThemselvesSayNothing) {
  std::array<std::byte, kCompactionStateBytes> bytes{};
  encode_compaction(after({{Offset(10), Timestamp(1000)}}), bytes.data());
  bytes[0] = std::byte{5};  // the clean end below a mark
  EXPECT_TRUE(decode_compaction(bytes.data()).empty());
}

// --- which segments

CompactionSegment segment(std::int64_t base, std::int64_t end, std::uint64_t bytes,
                          std::int64_t at_ms = 1000) {
  return {Offset(base), Offset(end), bytes, at_ms, at_ms};
}

TEST(CompactionPlan, TakesWhatIsBelowTheLimitAndOldEnough) {
  const std::vector<CompactionSegment> segments = {
      segment(0, 10, 1, 1000), segment(10, 20, 1, 2000), segment(20, 30, 1, 3000)};
  EXPECT_EQ(count_compactable(segments, Offset(30), 0, Timestamp(3000)), 3U);
  EXPECT_EQ(count_compactable(segments, Offset(29), 0, Timestamp(3000)), 2U);
  EXPECT_EQ(count_compactable(segments, Offset(30), 1000, Timestamp(3000)), 2U);
  EXPECT_EQ(count_compactable(segments, Offset(30), 5000, Timestamp(3000)), 0U);
  EXPECT_EQ(count_compactable(segments, Offset(30), 0, Timestamp(10)), 3U) << "the clock went back";
}

TEST(CompactionPlan, NeighboursThatFitBecomeOne) {
  const std::vector<CompactionSegment> segments = {segment(0, 10, 60), segment(10, 20, 30),
                                                   segment(20, 30, 20), segment(30, 40, 100),
                                                   segment(40, 50, 10)};
  EXPECT_EQ(plan_groups(segments, {.max_bytes = 100, .max_span_ms = {}}),
            (std::vector<SegmentGroup>{{0, 1}, {2, 2}, {3, 3}, {4, 4}}));
  EXPECT_EQ(plan_groups(segments, {.max_bytes = 5, .max_span_ms = {}}).size(), 5U)
      << "one that is too large stands alone";
}

TEST(CompactionPlan, ASegmentHoldsNoMoreOffsetsThanItsIndexCanName) {
  const std::vector<CompactionSegment> segments = {segment(0, 1LL << 30, 1),
                                                   segment(1LL << 30, 1LL << 31, 1)};
  EXPECT_EQ(plan_groups(segments, {.max_bytes = 100, .max_span_ms = {}}).size(), 2U);
}

TEST(CompactionPlan, WhatRetentionTakesAtDifferentTimesStaysApart) {
  const std::vector<CompactionSegment> segments = {segment(0, 1, 1, 1000), segment(1, 2, 1, 1400),
                                                   segment(2, 3, 1, 1600)};
  EXPECT_EQ(plan_groups(segments, {.max_bytes = 100, .max_span_ms = 500}),
            (std::vector<SegmentGroup>{{0, 1}, {2, 2}}));
}

}  // namespace
}  // namespace penstock::storage
