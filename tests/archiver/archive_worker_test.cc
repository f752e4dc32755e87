// Stories of the archive worker: what it archives, when, and what it refuses.
#include "archiver/archive_worker.h"

#include <gmock/gmock.h>

#include "tests/archiver/archive_fixture.h"

namespace penstock::archiver {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

class ArchiveWorkerTest : public ArchiveFixture {
 protected:
  void steps(ArchiveWorker& worker, int count) {
    for (int i = 0; i < count; ++i) {
      const auto stepped = worker.step();
      ASSERT_TRUE(stepped.has_value()) << stepped.error().to_string();
    }
  }
  // Long enough that the topics are looked at again.
  void let_discover(ArchiveWorker& worker) {
    clock_.advance_ms(6'000);
    steps(worker, 2);
  }
};

TEST_F(ArchiveWorkerTest, OnceArchivesWhatTheLogHoldsAndEnds) {
  log_.create("orders", 2);
  log_.append("orders", 0, {text_record("a"), text_record("b")});
  log_.append("orders", 1, {text_record("c")}, record::Codec::kZstd);
  const WorkerSummary summary = archive_once();
  EXPECT_EQ(summary.records, 3U);
  EXPECT_THAT(summary.refused, IsEmpty());
  EXPECT_THAT(archived_values("orders", 0), ElementsAre("0 a", "1 b"));
  EXPECT_THAT(archived_values("orders", 1), ElementsAre("0 c"));
}

TEST_F(ArchiveWorkerTest, OnceWithNothingNewWritesNothing) {
  log_.create("orders");
  log_.append("orders", "a");
  archive_once();
  const WorkerSummary again = archive_once();
  EXPECT_EQ(again.chunks, 0U);
  EXPECT_THAT(objects(), SizeIs(1));
}

TEST_F(ArchiveWorkerTest, AnObjectIsCalledAfterTheHourOfItsClosingAndItsLastOffset) {
  log_.create("orders");
  log_.append("orders", 0, {text_record("a"), text_record("b")});
  archive_once();
  EXPECT_THAT(objects(), ElementsAre("orders/0/2023/11/14/22/00000000000000000001.parquet"));
}

TEST_F(ArchiveWorkerTest, AChunkIsClosedBySize) {
  log_.create("orders");
  WorkerOptions small = options();
  small.roll.max_records = 4;
  auto worker = open_worker(small).value();
  log_.batches_per_poll = 1;
  for (int i = 0; i < 5; ++i) log_.append("orders", 0, {text_record("x"), text_record("y")});
  steps(*worker, 6);
  EXPECT_THAT(manifest("orders").chunks, SizeIs(2));
  EXPECT_EQ(manifest("orders").end(), Offset(8));
}

TEST_F(ArchiveWorkerTest, AQuietTopicIsArchivedByAge) {
  log_.create("orders");
  auto worker = open_worker(options()).value();
  log_.append("orders", "lonely");
  steps(*worker, 3);
  EXPECT_THAT(manifest("orders").chunks, IsEmpty());
  clock_.advance_ms(300'000);
  steps(*worker, 1);
  EXPECT_THAT(archived_values("orders"), ElementsAre("0 lonely"));
}

TEST_F(ArchiveWorkerTest, TheSpoolsOfAllPartitionsHaveALimit) {
  log_.create("orders", 3);
  WorkerOptions tight = options();
  tight.max_spool_bytes = 10'000;
  auto worker = open_worker(tight).value();
  for (int i = 0; i < 3; ++i) {
    log_.append("orders", i,
                {text_record(std::string(4'000 + 100 * static_cast<std::size_t>(i), 'x'))});
  }
  steps(*worker, 2);
  EXPECT_THAT(manifest("orders", 0).chunks, IsEmpty());
  EXPECT_THAT(manifest("orders", 1).chunks, IsEmpty());
  EXPECT_THAT(manifest("orders", 2).chunks, SizeIs(1)) << "the largest goes first";
}

TEST_F(ArchiveWorkerTest, TopicsThatComeLaterArePickedUp) {
  auto worker = open_worker(options()).value();
  steps(*worker, 2);
  log_.create("late");
  log_.append("late", "a");
  let_discover(*worker);
  clock_.advance_ms(300'000);
  steps(*worker, 2);
  EXPECT_THAT(archived_values("late"), ElementsAre("0 a"));
}

TEST_F(ArchiveWorkerTest, OnlyNamedTopicsAreArchivedWhenTopicsAreNamed) {
  log_.create("orders");
  log_.create("noise");
  log_.append("orders", "a");
  log_.append("noise", "b");
  WorkerOptions named = options();
  named.topics = {"orders", "misspelt"};
  named.mode = RunMode::kOnce;
  const auto summary = open_worker(named).value()->run().value();
  EXPECT_EQ(summary.records, 1U);
  ASSERT_TRUE(summary.refused.contains("misspelt"));
  EXPECT_EQ(summary.refused.at("misspelt").code(), Errc::kUnknownTopic);
  EXPECT_THAT(objects(), ElementsAre(HasSubstr("orders/")));
}

TEST_F(ArchiveWorkerTest, APartitionThatCannotBeReadIsRefusedAndTheOthersAreArchived) {
  log_.create("orders", 2);
  log_.append("orders", 0, {text_record("a")});
  log_.append("orders", 1, {text_record("b")});
  log_.break_partition("orders", 0, Error(Errc::kCorrupt, "damaged"));
  WorkerOptions once = options();
  once.mode = RunMode::kOnce;
  const auto summary = open_worker(once).value()->run().value();
  EXPECT_EQ(summary.records, 1U);
  ASSERT_TRUE(summary.refused.contains("orders/0"));
  EXPECT_EQ(summary.refused.at("orders/0").code(), Errc::kCorrupt);
}

TEST_F(ArchiveWorkerTest, OnceIsNotDoneWithAPartitionThatCouldNotBeReadAtFirst) {
  log_.create("orders");
  log_.append("orders", "a");
  log_.break_partition("orders", 0, Error(Errc::kOverloaded, "busy"));
  WorkerOptions once = options();
  once.mode = RunMode::kOnce;
  auto worker = open_worker(once).value();
  steps(*worker, 2);
  EXPECT_FALSE(worker->finished());
  log_.break_partition("orders", 0, std::nullopt);
  const auto summary = worker->run().value();
  EXPECT_EQ(summary.records, 1U);
  EXPECT_TRUE(summary.refused.empty());
}

TEST_F(ArchiveWorkerTest, OnceEndsWhenATopicGoesMeanwhile) {
  log_.create("orders");
  log_.create("other");
  log_.append("orders", "a");
  log_.append("other", "b");
  WorkerOptions once = options();
  once.mode = RunMode::kOnce;
  auto worker = open_worker(once).value();
  log_.batches_per_poll = 0;
  steps(*worker, 1);
  log_.erase("orders");
  log_.batches_per_poll = 3;
  EXPECT_EQ(worker->run().value().records, 1U);
}

TEST_F(ArchiveWorkerTest, ALogThatHasBecomeShorterIsRefusedWhileItIsFollowed) {
  log_.create("orders");
  for (int i = 0; i < 4; ++i) log_.append("orders", "x");
  WorkerOptions small = options();
  small.roll.max_records = 4;
  auto worker = open_worker(small).value();
  steps(*worker, 4);
  ASSERT_EQ(manifest("orders").end(), Offset(4));
  log_.truncate("orders", 0, Offset(2));
  let_discover(*worker);
  steps(*worker, 2);
  ASSERT_TRUE(worker->summary().refused.contains("orders/0"));
  EXPECT_EQ(worker->summary().refused.at("orders/0").code(), Errc::kMismatch);
}

TEST_F(ArchiveWorkerTest, ControlBatchesTakeOffsetsButAreNoRecords) {
  log_.create("orders");
  log_.append_control("orders", 0);
  log_.append("orders", "a");
  log_.append_control("orders", 0);
  archive_once();
  const Manifest archived = manifest("orders");
  EXPECT_EQ(archived.end(), Offset(3));
  EXPECT_EQ(archived.records(), 1U);
  EXPECT_THAT(archived_values("orders"), ElementsAre("1 a"));
}

TEST_F(ArchiveWorkerTest, ArchivingBeginsAtTheLogStartAlsoInsideABatch) {
  log_.create("orders");
  log_.append("orders", 0, {text_record("gone"), text_record("here"), text_record("too")});
  log_.remove_before("orders", 0, Offset(1));
  archive_once();
  EXPECT_EQ(manifest("orders").start, Offset(1));
  EXPECT_THAT(manifest("orders").lost, IsEmpty()) << "what went before archiving began is not lost";
  EXPECT_THAT(archived_values("orders"), ElementsAre("1 here", "2 too"));
}

TEST_F(ArchiveWorkerTest, WhatRetentionRemovesBeforeItIsArchivedIsRecordedAsLost) {
  log_.create("orders");
  log_.append("orders", "a");
  archive_once();
  log_.append("orders", "lost");
  log_.append("orders", "b");
  log_.remove_before("orders", 0, Offset(2));
  archive_once();
  const Manifest archived = manifest("orders");
  ASSERT_THAT(archived.lost, SizeIs(1));
  EXPECT_EQ(archived.lost[0].base, Offset(1));
  EXPECT_EQ(archived.lost[0].end, Offset(2));
  EXPECT_THAT(archived_values("orders"), ElementsAre("0 a", "2 b"));
}

TEST_F(ArchiveWorkerTest, ARunningWorkerRecordsALossAndGoesOn) {
  log_.create("orders");
  auto worker = open_worker(options()).value();
  log_.append("orders", "a");
  steps(*worker, 2);
  log_.append("orders", "lost");
  log_.append("orders", "b");
  log_.remove_before("orders", 0, Offset(2));
  for (int i = 0; i < 8; ++i) let_discover(*worker);
  clock_.advance_ms(300'000);
  steps(*worker, 2);
  EXPECT_EQ(manifest("orders").lost_offsets(), 1);
  EXPECT_THAT(archived_values("orders"), ElementsAre("0 a", "2 b"));
}

TEST_F(ArchiveWorkerTest, AnotherTopicOfTheSameNameIsNotMixedIn) {
  log_.create("orders");
  log_.append("orders", "old");
  archive_once();
  log_.create("orders");
  log_.append("orders", "new");
  log_.append("orders", "newer");
  const WorkerSummary summary = archive_once();
  ASSERT_TRUE(summary.refused.contains("orders/0"));
  EXPECT_EQ(summary.refused.at("orders/0").code(), Errc::kForeignData);
  EXPECT_THAT(archived_values("orders"), ElementsAre("0 old"));
}

TEST_F(ArchiveWorkerTest, ATopicThatIsReplacedWhileItIsReadIsNotMixedIn) {
  log_.create("orders");
  log_.append("orders", "old");
  auto worker = open_worker(options()).value();
  steps(*worker, 2);
  log_.create("orders");
  log_.append("orders", "new");
  log_.append("orders", "newer");
  steps(*worker, 2);  // reads on by name
  clock_.advance_ms(300'000);
  steps(*worker, 2);
  EXPECT_THAT(archived_values("orders"), IsEmpty());
}

TEST_F(ArchiveWorkerTest, WhatWasReadOfADeletedTopicIsStillArchived) {
  log_.create("orders");
  log_.append("orders", "a");
  auto worker = open_worker(options()).value();
  steps(*worker, 2);
  log_.erase("orders");
  let_discover(*worker);
  EXPECT_THAT(archived_values("orders"), ElementsAre("0 a"));
}

TEST_F(ArchiveWorkerTest, AnArchiveAheadOfItsLogIsRefused) {
  log_.create("orders");
  log_.append("orders", "a");
  log_.append("orders", "b");
  archive_once();
  Manifest ahead = manifest("orders");
  ahead.chunks[0].end = Offset(9);
  const auto stored = store_->get("orders/0/manifest.json", 1U << 20);
  ASSERT_TRUE(store_->replace("orders/0/manifest.json", encode(ahead), stored->version));
  const WorkerSummary summary = archive_once();
  EXPECT_EQ(summary.refused.at("orders/0").code(), Errc::kMismatch);
}

TEST_F(ArchiveWorkerTest, ADamagedManifestStopsItsPartitionAlone) {
  log_.create("orders", 2);
  log_.append("orders", 0, {text_record("a")});
  log_.append("orders", 1, {text_record("b")});
  archive_once();
  const auto stored = store_->get("orders/0/manifest.json", 1U << 20);
  Bytes damaged = stored->bytes;
  damaged[100] ^= std::byte{1};
  ASSERT_TRUE(store_->replace("orders/0/manifest.json", damaged, stored->version));
  log_.append("orders", 0, {text_record("c")});
  log_.append("orders", 1, {text_record("d")});
  const WorkerSummary summary = archive_once();
  EXPECT_EQ(summary.refused.at("orders/0").code(), Errc::kCorrupt);
  EXPECT_THAT(archived_values("orders", 1), ElementsAre("0 b", "1 d"));
}

TEST_F(ArchiveWorkerTest, ObjectsWithoutManifestAreNotDisowned) {
  log_.create("orders");
  log_.append("orders", "a");
  archive_once();
  ASSERT_TRUE(store_->remove("orders/0/manifest.json"));
  const WorkerSummary summary = archive_once();
  EXPECT_EQ(summary.refused.at("orders/0").code(), Errc::kCorrupt);
  EXPECT_THAT(objects(), SizeIs(1));
}

TEST_F(ArchiveWorkerTest, ABrokerThatIsAwayIsWaitedFor) {
  log_.create("orders");
  log_.append("orders", "a");
  log_.away = Error(Errc::kConnectFailed);
  auto worker = open_worker(options()).value();
  steps(*worker, 20);
  log_.away.reset();
  let_discover(*worker);
  log_.append("orders", "b");
  log_.away = Error(Errc::kConnectionLost);
  steps(*worker, 20);
  clock_.advance_ms(300'000);
  steps(*worker, 20);
  log_.away.reset();
  for (int i = 0; i < 4; ++i) let_discover(*worker);
  clock_.advance_ms(300'000);
  steps(*worker, 2);
  const auto archived = continuity("orders");
  EXPECT_EQ(manifest("orders").end(), Offset(2));
  EXPECT_EQ(archived.gaps + archived.overlaps + archived.missing_records, 0U);
}

TEST_F(ArchiveWorkerTest, OneArchiveFolderHasOneWorker) {
  auto first = open_worker(options());
  ASSERT_TRUE(first.has_value());
  const auto second = open_worker(options());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), Errc::kLocked);
}

TEST_F(ArchiveWorkerTest, AWorkerThatWasOvertakenChangesNothing) {
  log_.create("orders");
  log_.append("orders", "a");
  WorkerOptions elsewhere = options();
  elsewhere.work_dir = folder_ + "/@tmp/elsewhere";
  ASSERT_TRUE(posix_env().create_dirs(elsewhere.work_dir));
  auto overtaken = open_worker(options()).value();
  steps(*overtaken, 2);
  auto successor = open_worker(elsewhere).value();
  steps(*successor, 2);  // both hold record 0 now; the successor took the partition over
  clock_.advance_ms(300'000);
  steps(*overtaken, 1);
  EXPECT_THAT(manifest("orders").chunks, IsEmpty()) << "its generation is over";
  steps(*successor, 1);
  log_.append("orders", "b");
  for (int i = 0; i < 20; ++i) {  // they take it from each other
    clock_.advance_ms(20'000);
    steps(*overtaken, 3);
    steps(*successor, 2);
  }
  overtaken.reset();
  for (int i = 0; i < 3; ++i) {
    clock_.advance_ms(300'000);
    steps(*successor, 3);
  }
  const auto archived = continuity("orders");
  EXPECT_EQ(manifest("orders").end(), Offset(2));
  EXPECT_EQ(archived.gaps + archived.overlaps + archived.missing_records + archived.hash_mismatch,
            0U);
}

TEST_F(ArchiveWorkerTest, AStoppedWorkerArchivesOpenChunksWhenAsked) {
  log_.create("orders");
  log_.append("orders", "a");
  WorkerOptions tidy = options();
  tidy.on_stop = OnStop::kArchiveOpenChunks;
  auto worker = open_worker(tidy).value();
  steps(*worker, 2);
  worker->stop();
  ASSERT_TRUE(worker->run().has_value());
  EXPECT_THAT(archived_values("orders"), ElementsAre("0 a"));
}

TEST_F(ArchiveWorkerTest, AStoppedWorkerOtherwiseLeavesThemToTheNext) {
  log_.create("orders");
  log_.append("orders", "a");
  {
    auto worker = open_worker(options()).value();
    steps(*worker, 2);
    worker->stop();
    ASSERT_TRUE(worker->run().has_value());
  }
  EXPECT_THAT(archived_values("orders"), IsEmpty());
  archive_once();
  EXPECT_THAT(archived_values("orders"), ElementsAre("0 a"));
}

TEST_F(ArchiveWorkerTest, AnySettingsOutOfRangeAreRefusedAtTheStart) {
  WorkerOptions wrong = options();
  wrong.roll.max_records = 0;
  EXPECT_EQ(open_worker(wrong).error().code(), Errc::kInvalidArgument);
}

TEST_F(ArchiveWorkerTest, RecordsOfEveryShapeArriveUnaltered) {
  log_.create("any", 3);
  Rng rng(11);
  const record::Codec codecs[] = {record::Codec::kNone, record::Codec::kLz4, record::Codec::kZstd,
                                  record::Codec::kGzip, record::Codec::kSnappy};
  for (int i = 0; i < 60; ++i) {
    log_.append("any", static_cast<std::int32_t>(rng.below(3)), any_records(rng, 1 + rng.below(50)),
                codecs[rng.below(std::size(codecs))]);
    if (rng.one_in(5)) log_.append_control("any", static_cast<std::int32_t>(rng.below(3)));
    if (rng.one_in(9)) archive_once();
  }
  archive_once();
  ArchiveFixture::Continuity sum;
  for (int p = 0; p < 3; ++p) {
    const auto one = continuity("any", p);
    EXPECT_EQ(manifest("any", p).end(), log_.end("any", p));
    sum.gaps += one.gaps;
    sum.overlaps += one.overlaps;
    sum.hash_mismatch += one.hash_mismatch;
    sum.missing_records += one.missing_records;
  }
  EXPECT_EQ(sum.gaps + sum.overlaps + sum.hash_mismatch + sum.missing_records, 0U);
}

}  // namespace
}  // namespace penstock::archiver
