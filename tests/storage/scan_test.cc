// Reading a segment with nothing to go by but its batches.
#include "storage/scan.h"

#include <gtest/gtest.h>

#include "fakes/fake_env.h"
#include "storage/limits.h"
#include "tests/storage/expect.h"
#include "tests/storage/log_scene.h"

namespace penstock::storage {
namespace {

class Batches {
 public:
  Batches& add(std::int32_t epoch, int records = 1) {
    Bytes batch = make_batch(records, 30, Timestamp(1), static_cast<std::uint64_t>(end_.value()));
    record::assign_position(batch, end_, Term(epoch));
    end_ = record::BatchView::parse(batch)->end_offset();
    bytes_.insert(bytes_.end(), batch.begin(), batch.end());
    return *this;
  }
  Batches& skip_offsets(std::int64_t count) {
    end_ = end_ + count;
    return *this;
  }
  Batches& raw(std::size_t count, std::byte value) {
    bytes_.insert(bytes_.end(), count, value);
    return *this;
  }

  std::unique_ptr<File> file() {
    static_cast<void>(env_.create_dirs("/d"));
    env_.put("/d/f", bytes_);
    return *env_.open("/d/f", OpenMode::kRead);
  }
  std::uint64_t size() const { return bytes_.size(); }

 private:
  fakes::FakeEnv env_;
  Bytes bytes_;
  Offset end_;
};

ScanStop scan(Batches& batches) {
  int count = 0;
  return *scan_batches(*batches.file(), {}, batches.size(),
                       [&](const record::BatchView&) { ++count; });
}

TEST(Scan, GoesToTheEndOfTheFileOrToZeros) {
  Batches exact;
  exact.add(1).add(1).add(2);
  EXPECT_EQ(scan(exact).end, Offset(3));
  EXPECT_EQ(scan(exact).reason, "");
  EXPECT_EQ(scan(exact).epoch, Term(2));
  exact.raw(500, std::byte{0});
  EXPECT_EQ(scan(exact).end, Offset(3));
  EXPECT_EQ(scan(exact).reason, "");
}

TEST(Scan, StopsWhereOffsetsDoNotContinue) {
  Batches gap;
  gap.add(1).skip_offsets(1).add(1);
  EXPECT_EQ(scan(gap).end, Offset(1));
  EXPECT_NE(scan(gap).reason, "");
}

TEST(Scan, StopsWhereTheEpochGoesBack) {
  Batches back;
  back.add(3).add(2);
  EXPECT_EQ(scan(back).end, Offset(1));
  EXPECT_NE(scan(back).reason.find("epoch"), std::string::npos);
}

TEST(Scan, StopsAtWhatIsNoBatch) {
  Batches garbage;
  garbage.add(1).raw(100, std::byte{0x7f});
  EXPECT_EQ(scan(garbage).end, Offset(1));
  EXPECT_NE(scan(garbage).reason, "");
}

TEST(FindBatch, FindsTheFirstOneBehindGarbage) {
  Batches batches;
  batches.add(1);
  const std::uint64_t from = batches.size();
  batches.raw(77, std::byte{2}).skip_offsets(5).add(1);
  const BatchSearch search{.from = from,
                           .begin_before = batches.size(),
                           .limit = batches.size(),
                           .at_least = Offset(1),
                           .below = Offset(100)};
  const auto found = find_batch(*batches.file(), search);
  ASSERT_OK(found);
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->position, from + 77);
  EXPECT_EQ((*found)->base, Offset(6));
}

TEST(EndOfBytes, IsBehindTheLastByteThatIsNotZero) {
  Batches batches;
  batches.raw(10, std::byte{1})
      .raw(5, std::byte{0})
      .raw(1, std::byte{3})
      .raw(600'000, std::byte{0});
  EXPECT_EQ(*end_of_bytes(*batches.file(), 0), 16U);
  EXPECT_EQ(*end_of_bytes(*batches.file(), 16), 16U);
  EXPECT_EQ(*end_of_bytes(*batches.file(), 20), 20U);
}

TEST(Rebuild, StepsOverWhatSomethingValidFollowsAndNamesTheGap) {
  Batches batches;
  batches.add(1).raw(40, std::byte{9}).skip_offsets(3).add(1).add(1).raw(30, std::byte{9});
  const auto rebuilt = rebuild_runs(
      *batches.file(), storage::Run{},
      {.segment_base = Offset(0), .run_bytes = 1, .now = Timestamp(0), .limit = batches.size()});
  ASSERT_OK(rebuilt);
  ASSERT_EQ(rebuilt->gaps.size(), 1U);
  EXPECT_EQ(rebuilt->gaps[0].begin, Offset(1));
  EXPECT_EQ(rebuilt->gaps[0].end, Offset(4));
  EXPECT_EQ(rebuilt->runs.size(), 3U);
  EXPECT_EQ(rebuilt->open.end_delta, 6U) << "nothing valid follows the last garbage";
  EXPECT_NE(rebuilt->stopped, "");
}

TEST(Scan, StopsBeforeABatchThatReachesTooFarForItsSegment) {
  Batches batches;
  batches.add(1).add(1, 3);
  const auto stop = scan_batches(
      *batches.file(), {.position = 0, .expected = Offset(0), .epoch = Term(), .below = Offset(3)},
      batches.size(), [](const record::BatchView&) {});
  ASSERT_OK(stop);
  EXPECT_EQ(stop->end, Offset(1));
  EXPECT_NE(stop->reason, "");
}

TEST(Rebuild, ARunHasOneEpoch) {
  Batches batches;
  batches.add(1).add(1).add(2).add(5);
  const auto rebuilt = rebuild_runs(*batches.file(), storage::Run{},
                                    {.segment_base = Offset(0),
                                     .run_bytes = 1 << 20,
                                     .now = Timestamp(0),
                                     .limit = batches.size()});
  ASSERT_OK(rebuilt);
  ASSERT_EQ(rebuilt->runs.size(), 2U);
  EXPECT_EQ(rebuilt->runs[0].end_delta, 2U);
  EXPECT_EQ(rebuilt->runs[0].last_epoch, 1);
  EXPECT_EQ(rebuilt->runs[1].last_epoch, 2);
  EXPECT_EQ(rebuilt->open.last_epoch, 5);
}

// The next segment may begin anywhere; this one cannot hold more than 32 bits of offsets.
TEST(Rebuild, AKnownEndThatIsTooFarIsNotBelieved) {
  Batches batches;
  batches.add(1);
  const auto rebuilt = rebuild_runs(*batches.file(), storage::Run{},
                                    {.segment_base = Offset(0),
                                     .run_bytes = 1,
                                     .now = Timestamp(0),
                                     .limit = batches.size(),
                                     .known_end = Offset(std::int64_t{1} << 40)});
  ASSERT_OK(rebuilt);
  ASSERT_EQ(rebuilt->gaps.size(), 1U);
  EXPECT_EQ(rebuilt->gaps[0].end, Offset(kMaxSegmentOffsets));
}

TEST(Rebuild, WhatIsMissingBeforeAKnownEndIsAGap) {
  Batches batches;
  batches.add(1);
  const auto rebuilt = rebuild_runs(*batches.file(), storage::Run{},
                                    {.segment_base = Offset(0),
                                     .run_bytes = 1,
                                     .now = Timestamp(0),
                                     .limit = 1000,
                                     .known_end = Offset(7)});
  ASSERT_OK(rebuilt);
  ASSERT_EQ(rebuilt->gaps.size(), 1U);
  EXPECT_EQ(rebuilt->gaps[0].begin, Offset(1));
  EXPECT_EQ(rebuilt->gaps[0].end, Offset(7));
}

}  // namespace
}  // namespace penstock::storage
