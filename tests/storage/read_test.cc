// Reading: by offset, away from the owner's thread, by timestamp; and past damage.
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "protocol/record/batch.h"
#include "tests/storage/expect.h"
#include "tests/storage/log_scene.h"

namespace penstock::storage {
namespace {

// Flips a bit in the middle of the batch that begins at `base`.
void damage_batch(LogScene& scene, Offset base, std::size_t at_byte) {
  const Bytes& batch = scene.appended.at(base);
  for (const std::string& path : scene.files()) {
    if (!path.ends_with(".log")) continue;
    Bytes file = *scene.env->contents(path);
    const auto found = std::ranges::search(file, batch);
    if (found.empty()) continue;
    found[at_byte] ^= std::byte{0x10};
    scene.env->put(path, file);
    return;
  }
  FAIL() << "no file holds the batch at " << base.value();
}

TEST(Read, GivesWholeBatchesFromTheOneThatHoldsTheOffset) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append_bytes(make_batch(10, 5, Timestamp(1))));
  ASSERT_OK(scene.append_bytes(make_batch(10, 5, Timestamp(1))));
  const auto read = scene.log->read(Offset(14), 10'000, ReadUpTo::kEnd);
  ASSERT_OK(read);
  EXPECT_EQ(read->batch_count, 1U);
  EXPECT_EQ(record::BatchView::parse(read->batches.view())->base_offset(), Offset(10));
  EXPECT_EQ(read->next, Offset(20));
}

TEST(Read, KeepsToMaxBytesButGivesAtLeastOneBatch) {
  LogScene scene;
  ASSERT_OK(scene.open());
  for (int i = 0; i < 10; ++i) ASSERT_OK(scene.append_bytes(make_batch(1, 100, Timestamp(i))));
  const std::size_t one = scene.appended.begin()->second.size();
  EXPECT_EQ(scene.log->read(Offset(0), 0, ReadUpTo::kEnd)->batch_count, 1U);
  EXPECT_EQ(scene.log->read(Offset(0), one * 2 - 1, ReadUpTo::kEnd)->batch_count, 1U);
  EXPECT_EQ(scene.log->read(Offset(0), one * 2, ReadUpTo::kEnd)->batch_count, 2U);
  EXPECT_EQ(scene.log->read(Offset(3), one * 4 + 5, ReadUpTo::kEnd)->batch_count, 4U);
}

TEST(Read, DurableReadsStopAtTheFlushedEndInTheMiddleOfARun) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(3));
  ASSERT_OK(scene.flush());
  const Offset flushed = scene.log->log_end();
  ASSERT_OK(scene.append(30));
  Offset at;
  while (at < flushed) at = scene.log->read(at, 1 << 20, ReadUpTo::kDurable)->next;
  EXPECT_EQ(at, flushed);
  EXPECT_EQ(scene.log->read(at, 100, ReadUpTo::kDurable)->batch_count, 0U);
  EXPECT_EQ(scene.log->read(flushed + 1, 100, ReadUpTo::kDurable).error().code(),
            Errc::kOffsetOutOfRange);
}

TEST(Read, AColdPageIsLeftToAThreadThatMayWait) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(10));
  scene.env->set_cold(true);
  EXPECT_EQ(scene.log->read(Offset(0), 100, ReadUpTo::kEnd, true).error().code(),
            Errc::kWouldBlock);
  const auto prepared = scene.log->prepare_read(Offset(0), 100, ReadUpTo::kEnd);
  ASSERT_OK(prepared);
  Result<ReadResult> result = fail(Errc::kInternal);
  std::thread([&] { result = prepared->run(); }).join();
  ASSERT_OK(result);
  EXPECT_EQ(result->batch_count, 1U);
}

TEST(Read, ASealedSegmentsIndexIsLoadedByTheFirstReadThatMayWait) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(100));
  ASSERT_OK(scene.close());
  ASSERT_OK(scene.open());
  EXPECT_EQ(scene.log->read(Offset(0), 100, ReadUpTo::kEnd, true).error().code(),
            Errc::kWouldBlock);
  const auto prepared = scene.log->prepare_read(Offset(0), 100, ReadUpTo::kEnd);
  ASSERT_OK(prepared);
  ASSERT_OK(prepared->run());
  EXPECT_OK(scene.log->read(Offset(0), 100, ReadUpTo::kEnd, true));
  EXPECT_EQ(scene.log->rebuilt_indexes(), 0U);
}

TEST(Read, AReadThatIsUnderWayOutlivesItsSegment) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(100));
  ASSERT_OK(scene.flush());
  const auto prepared = scene.log->prepare_read(Offset(0), 100, ReadUpTo::kDurable);
  ASSERT_OK(prepared);
  ASSERT_OK(scene.truncate_prefix(scene.log->durable_end()));
  EXPECT_OK(prepared->run());
  EXPECT_EQ(scene.log->read(Offset(0), 100, ReadUpTo::kDurable).error().code(),
            Errc::kOffsetOutOfRange);
}

TEST(Read, AReadThatMeetsACutIsToBePlannedAnewAndReportsNoDamage) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(10));
  const Offset last = scene.appended.rbegin()->first;
  const auto prepared = scene.log->prepare_read(last, 100, ReadUpTo::kEnd);
  ASSERT_OK(prepared);
  ASSERT_OK(scene.truncate_suffix(scene.boundaries()[2]));
  ASSERT_OK(scene.append(10, Term(2)));
  EXPECT_EQ(prepared->run().error().code(), Errc::kWouldBlock);
  EXPECT_TRUE(scene.log->damage().empty());
  EXPECT_EQ(scene.check(), "");
}

// --- damage

TEST(Damage, ABadBatchIsNamedAndItsNeighboursStayReadable) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(60));
  ASSERT_OK(scene.flush());
  const Offset bad = scene.boundaries()[30];
  damage_batch(scene, bad, 70);
  const auto read = scene.log->read(bad, 1000, ReadUpTo::kDurable);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code(), Errc::kCorrupt);
  EXPECT_NE(read.error().message().find(".log"), std::string::npos) << "names the file";
  EXPECT_NE(read.error().message().find("offsets " + std::to_string(bad.value())),
            std::string::npos)
      << read.error().message();

  ASSERT_EQ(scene.log->damage().size(), 1U);
  EXPECT_EQ(scene.log->damage().front().begin, bad);
  EXPECT_EQ(scene.log->damage().front().end, scene.boundaries()[31]);
  std::int64_t damaged = 0;
  EXPECT_EQ(scene.check(&damaged), "");
  EXPECT_EQ(damaged, scene.boundaries()[31] - bad);
}

TEST(Damage, AHeaderThatNoChecksumOfTheBatchCoversCostsItsRun) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(60));
  ASSERT_OK(scene.flush());
  const Offset bad = scene.boundaries()[30];
  constexpr std::size_t kEpochByte = 15;
  damage_batch(scene, bad, kEpochByte);
  EXPECT_EQ(scene.log->read(bad, 1000, ReadUpTo::kDurable).error().code(), Errc::kCorrupt);
  std::int64_t damaged = 0;
  EXPECT_EQ(scene.check(&damaged), "");
  EXPECT_LE(damaged, 40);
}

TEST(Damage, FoundOnAnotherThreadComesBackToTheOwner) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(10));
  ASSERT_OK(scene.flush());
  damage_batch(scene, Offset(0), 70);
  const auto prepared = scene.log->prepare_read(Offset(0), 1000, ReadUpTo::kDurable);
  ASSERT_OK(prepared);
  EXPECT_TRUE(scene.log->damage().empty());
  std::thread([&] { EXPECT_EQ(prepared->run().error().code(), Errc::kCorrupt); }).join();
  EXPECT_EQ(scene.log->damage().size(), 1U);
  scene.env->reset_calls();
  EXPECT_EQ(scene.log->read(Offset(0), 1000, ReadUpTo::kDurable).error().code(), Errc::kCorrupt);
  EXPECT_EQ(scene.env->calls(fakes::kRead), 0U) << "what is known is not read again";
}

TEST(Damage, AtTheEndDoesNotSpreadToWhatIsAppendedLater) {
  LogScene scene;
  scene.options.index_interval_bytes = 100'000;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(4));
  ASSERT_OK(scene.flush());
  damage_batch(scene, Offset(0), 15);
  EXPECT_FALSE(scene.log->read(Offset(0), 1000, ReadUpTo::kDurable));
  const Offset good = scene.log->log_end();
  ASSERT_FALSE(scene.log->damage().empty());
  ASSERT_OK(scene.append(4));
  EXPECT_OK(scene.log->read(good, 1000, ReadUpTo::kEnd));
}

TEST(Damage, GoesWithTheRangeThatHeldIt) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(60));
  ASSERT_OK(scene.flush());
  const Offset bad = scene.boundaries()[30];
  damage_batch(scene, bad, 70);
  EXPECT_FALSE(scene.log->read(bad, 1000, ReadUpTo::kDurable));
  EXPECT_EQ(scene.log->damage().size(), 1U);
  ASSERT_OK(scene.truncate_prefix(scene.boundaries()[31]));
  EXPECT_TRUE(scene.log->damage().empty());
  EXPECT_EQ(scene.check(), "");
}

TEST(Damage, AReadErrorOfTheDiskIsNotTakenForDamage) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(10));
  scene.env->fail_reads_of(".log");
  EXPECT_EQ(scene.log->read(Offset(0), 1000, ReadUpTo::kEnd).error().code(), Errc::kIoError);
  EXPECT_TRUE(scene.log->damage().empty());
  scene.env->fail_reads_of("");
  EXPECT_EQ(scene.check(), "");
}

// --- timestamps

TEST(Timestamps, TheFirstRecordAtOrAfterAMoment) {
  LogScene scene;
  ASSERT_OK(scene.open());
  for (int i = 0; i < 100; ++i) {
    ASSERT_OK(scene.append_bytes(make_batch(2, 50, Timestamp(1000 + i * 10))));
  }
  ASSERT_OK(scene.flush());
  ASSERT_GT(scene.log->segments().size(), 2U);
  const auto found = scene.log->find_timestamp(Timestamp(1501));
  ASSERT_OK(found);
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->offset, Offset(101));
  EXPECT_EQ((*found)->timestamp, Timestamp(1501));
  EXPECT_EQ((**scene.log->find_timestamp(Timestamp(0))).offset, Offset(0));
  EXPECT_FALSE(scene.log->find_timestamp(Timestamp(9999))->has_value());
}

TEST(Timestamps, ClocksThatJumpBackwardsAreFoundInOffsetOrder) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append_bytes(make_batch(1, 10, Timestamp(5000))));
  ASSERT_OK(scene.append_bytes(make_batch(1, 10, Timestamp(1000))));
  ASSERT_OK(scene.append_bytes(make_batch(1, 10, Timestamp(6000))));
  ASSERT_OK(scene.flush());
  EXPECT_EQ((**scene.log->find_timestamp(Timestamp(900))).offset, Offset(0));
  EXPECT_EQ((**scene.log->find_timestamp(Timestamp(5001))).offset, Offset(2));
  EXPECT_EQ((**scene.log->max_timestamp()).offset, Offset(2));
  ASSERT_OK(scene.truncate_prefix(Offset(1)));
  EXPECT_EQ((**scene.log->find_timestamp(Timestamp(900))).offset, Offset(1))
      << "what is below the log start does not count";
}

TEST(Timestamps, WhatIsNotFlushedIsNotFound) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append_bytes(make_batch(1, 10, Timestamp(5000))));
  EXPECT_FALSE(scene.log->find_timestamp(Timestamp(0))->has_value());
  EXPECT_FALSE(scene.log->max_timestamp()->has_value());
}

// --- sizes

TEST(Read, BytesBetweenOffsetsAreToldFromTheSegments) {
  const std::vector<Log::SegmentInfo> segments = {
      {.base = Offset(0),
       .end = Offset(4'000),
       .bytes = 400'000,
       .max_timestamp = {},
       .created = {}},
      {.base = Offset(4'000), .end = Offset(4'000), .bytes = 0, .max_timestamp = {}, .created = {}},
      {.base = Offset(4'000),
       .end = Offset(5'000),
       .bytes = 200'000,
       .max_timestamp = {},
       .created = {}}};
  EXPECT_EQ(bytes_between(segments, Offset(0), Offset(5'000)), 600'000U);
  EXPECT_EQ(bytes_between(segments, Offset(3'999), Offset(5'000)), 200'100U);
  EXPECT_EQ(bytes_between(segments, Offset(3'000), Offset(4'500)), 200'000U);
  EXPECT_EQ(bytes_between(segments, Offset(5'000), kNoLimit), 0U);
  EXPECT_EQ(bytes_between({}, Offset(0), kNoLimit), 0U);
}

}  // namespace
}  // namespace penstock::storage
