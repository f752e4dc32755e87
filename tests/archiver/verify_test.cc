// Verification finds what differs between log and archive, and nothing else.
#include "archiver/verify.h"

#include <gmock/gmock.h>

#include "archiver/row_appender.h"
#include "tests/archiver/archive_fixture.h"

namespace penstock::archiver {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

MATCHER_P2(Is, kind, offset, "") { return arg.kind == kind && arg.offset == Offset(offset); }

class VerifyTest : public ArchiveFixture {
 protected:
  VerifyReport verify(const std::string& topic, VerifyOptions options = {}) {
    auto report = verify_topic(log_, *store_, topic, options);
    EXPECT_TRUE(report.has_value()) << report.error().to_string();
    return *report;
  }

  // Rewrites the object of a chunk with what `select` makes of its rows (a query over the table
  // `rows`), and the manifest so that it names the new object: a fault that only the log can show.
  void tamper(const std::string& topic, std::size_t chunk_number, const std::string& select) {
    Manifest changed = manifest(topic);
    ChunkEntry& chunk = changed.chunks.at(chunk_number);
    const std::string path = store_->location(chunk.object);
    for (const std::string& statement :
         {"CREATE OR REPLACE TABLE rows AS FROM read_parquet([" + engine::literal(path) + "])",
          "COPY (" + select + ") TO " + engine::literal(path) + " (FORMAT parquet)"}) {
      const auto done = sql_->run(statement);
      ASSERT_TRUE(done.has_value()) << done.error().to_string();
    }
    RecordFigures figures;
    ASSERT_TRUE(read_parquet(*sql_, path,
                             [&](const auto& record, Term epoch) { figures.add(record, epoch); }));
    const ObjectStat stat = store_->stat(chunk.object).value();
    chunk.records = figures.records;
    chunk.hash_sum = figures.hash_sum;
    chunk.size_bytes = stat.size_bytes;
    chunk.object_hash = stat.hash;
    replace_manifest(changed);
  }
  void replace_manifest(const Manifest& changed) {
    const std::string name = manifest_name(changed.topic, changed.partition);
    const auto stored = store_->get(name, 1U << 20);
    ASSERT_TRUE(store_->replace(name, encode(changed), stored->version));
  }

  // Ten records in each of `chunks` objects of partition 0; the last offset of each object is a
  // control batch's, so that chunk n covers [11n, 11n + 11).
  void archive_tens(const std::string& topic, int chunks) {
    log_.create(topic);
    for (int chunk = 0; chunk < chunks; ++chunk) {
      for (int i = 0; i < 10; ++i) log_.append(topic, std::to_string(i));
      log_.append_control(topic, 0);
      archive_once();
    }
  }
};

TEST_F(VerifyTest, AnArchiveThatIsUpToDateIsEqual) {
  log_.create("orders", 2);
  Rng rng(5);
  for (int i = 0; i < 20; ++i) {
    log_.append("orders", i % 2, any_records(rng, 1 + rng.below(30)), record::Codec::kLz4);
    if (i % 7 == 3) log_.append_control("orders", i % 2);
    if (i % 5 == 4) archive_once();
  }
  archive_once();
  const VerifyReport report = verify("orders");
  EXPECT_EQ(report.differences(), 0U);
  EXPECT_EQ(report.compared_records(),
            manifest("orders", 0).records() + manifest("orders", 1).records());
  for (const RangeReport& range : report.ranges) EXPECT_EQ(range.state, RangeState::kEqual);
  EXPECT_THAT(render(report), HasSubstr("VERIFY topic=orders partitions=2 records="));
  EXPECT_THAT(render(report), HasSubstr(" differences=0\n"));
}

TEST_F(VerifyTest, ALostADuplicatedAndAnAlteredRecordAreEachFoundAndLocated) {
  archive_tens("orders", 4);
  tamper("orders", 0, "FROM rows WHERE \"offset\" <> 3");
  tamper("orders", 1, "FROM rows UNION ALL FROM rows WHERE \"offset\" = 15");
  tamper("orders", 2,
         "SELECT * REPLACE (CASE WHEN \"offset\" = 27 THEN 'x'::BLOB ELSE \"value\" END AS "
         "\"value\") FROM rows");
  const VerifyReport report = verify("orders");
  EXPECT_THAT(report.findings,
              ElementsAre(Is(FindingKind::kLost, 3), Is(FindingKind::kDuplicated, 15),
                          Is(FindingKind::kAltered, 27)));
  EXPECT_EQ(report.differences(), 3U);
  EXPECT_EQ(report.ranges[3].state, RangeState::kEqual);
  const std::string text = render(report);
  EXPECT_THAT(text, HasSubstr("partition 0 offset 3: lost"));
  EXPECT_THAT(text, HasSubstr("partition 0 offset 15: duplicated"));
  EXPECT_THAT(text, HasSubstr("partition 0 offset 27: altered"));
  EXPECT_THAT(text, HasSubstr("lost=1 duplicated=1 altered=1 unexpected=0 differences=3\n"));
  std::printf("VERIFY injected=3 detected=%llu false_alarms=%llu\n",
              static_cast<unsigned long long>(report.findings.size()),
              static_cast<unsigned long long>(report.differences() - report.findings.size()));
}

TEST_F(VerifyTest, WhatIsCalledLostAndIsStillInTheLogIsADifference) {
  archive_tens("orders", 3);
  Manifest changed = manifest("orders");
  const ChunkEntry last = changed.chunks.back();
  changed.chunks.pop_back();
  changed.lost.push_back({.base = last.base, .end = last.end, .noticed_at = Timestamp(1)});
  replace_manifest(changed);
  const VerifyReport report = verify("orders");
  EXPECT_EQ(report.lost_records, 10U);
  EXPECT_THAT(report.findings, SizeIs(10));
  EXPECT_EQ(report.ranges.back().state, RangeState::kDifferent);
  log_.remove_before("orders", 0, last.end);
  EXPECT_EQ(verify("orders").differences(), 0U) << "now it is true";
  EXPECT_EQ(verify("orders").ranges.back().state, RangeState::kLost);
}

TEST_F(VerifyTest, AManifestThatBeginsBehindTheLogIsADifference) {
  archive_tens("orders", 3);
  Manifest changed = manifest("orders");
  changed.start = changed.chunks.front().end;
  changed.chunks.erase(changed.chunks.begin());
  replace_manifest(changed);
  EXPECT_EQ(verify("orders").lost_records, 10U);
}

TEST_F(VerifyTest, AnotherPartitionsManifestIsNotMistakenForThisOnes) {
  log_.create("orders", 2);
  for (int i = 0; i < 2; ++i) log_.append("orders", i, {text_record("same")});
  archive_once();
  Manifest other = manifest("orders", 1);
  const auto stored = store_->get(manifest_name("orders", PartitionId(0)), 1U << 20);
  ASSERT_TRUE(
      store_->replace(manifest_name("orders", PartitionId(0)), encode(other), stored->version));
  const auto report = verify_topic(log_, *store_, "orders", {});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code(), Errc::kForeignData);
}

TEST_F(VerifyTest, EverythingThatMakesARecordIsCompared) {
  archive_tens("orders", 1);
  const std::vector<std::string> alterations{
      "leader_epoch + 1 AS leader_epoch", "timestamp_ms - 1 AS timestamp_ms", "''::BLOB AS \"key\"",
      "NULL::BLOB AS \"value\"", "[{'key': 'h'::BLOB, 'value': NULL::BLOB}] AS headers"};
  const Bytes original =
      posix_env()
          .read_file(store_->location(manifest("orders").chunks[0].object), 1U << 20)
          .value();
  for (const std::string& alteration : alterations) {
    tamper("orders", 0,
           "SELECT * REPLACE (" + alteration +
               ") FROM rows WHERE \"offset\" = 4 "
               "UNION ALL FROM rows WHERE \"offset\" <> 4");
    const VerifyReport report = verify("orders");
    EXPECT_THAT(report.findings, ElementsAre(Is(FindingKind::kAltered, 4))) << alteration;
    ASSERT_TRUE(
        posix_env().replace_file(store_->location(manifest("orders").chunks[0].object), original));
  }
}

TEST_F(VerifyTest, ARecordThatTheLogDoesNotHoldIsUnexpected) {
  archive_tens("orders", 1);
  tamper("orders", 0,
         "FROM rows UNION ALL SELECT * REPLACE (10::BIGINT AS \"offset\") FROM rows "
         "WHERE \"offset\" = 9");
  EXPECT_THAT(verify("orders").findings, ElementsAre(Is(FindingKind::kUnexpected, 10)));
}

TEST_F(VerifyTest, ARowOutsideOfItsObjectsRangeIsUnexpectedWhereverItPoints) {
  for (const std::int64_t stray : {0LL, 10LL, 5'000'000'000LL}) {
    const std::string topic = "orders" + std::to_string(stray);
    archive_tens(topic, 2);
    tamper(topic, 1,
           "FROM rows UNION ALL SELECT * REPLACE (" + std::to_string(stray) +
               "::BIGINT AS \"offset\") FROM rows WHERE \"offset\" = 12");
    EXPECT_THAT(verify(topic).findings, ElementsAre(Is(FindingKind::kUnexpected, stray)));
    log_.remove_before(topic, 0, log_.end(topic, 0));
    EXPECT_EQ(verify(topic).differences(), 1U) << "also when the log no longer has the range";
  }
}

TEST_F(VerifyTest, FindingsAreBoundedButCounted) {
  archive_tens("orders", 1);
  tamper("orders", 0, "FROM rows WHERE \"offset\" = 0");
  VerifyOptions few;
  few.max_findings = 2;
  const VerifyReport report = verify("orders", few);
  EXPECT_THAT(report.findings, SizeIs(2));
  EXPECT_EQ(report.lost_records, 9U);
  EXPECT_THAT(render(report), HasSubstr("... and 7 more"));
}

TEST_F(VerifyTest, AManifestThatDisagreesWithItsObjectIsADifference) {
  archive_tens("orders", 1);
  Manifest wrong = manifest("orders");
  --wrong.chunks[0].records;
  const auto stored = store_->get("orders/0/manifest.json", 1U << 20);
  ASSERT_TRUE(store_->replace("orders/0/manifest.json", encode(wrong), stored->version));
  const VerifyReport report = verify("orders");
  EXPECT_EQ(report.differences(), 1U);
  EXPECT_THAT(report.findings, IsEmpty());
  EXPECT_THAT(render(report), HasSubstr("DIFFERENT: the manifest's count"));
}

TEST_F(VerifyTest, ADamagedOrMissingObjectIsADifference) {
  archive_tens("orders", 2);
  const Manifest archived = manifest("orders");
  const std::string path = store_->location(archived.chunks[0].object);
  Bytes bytes = posix_env().read_file(path, 1U << 20).value();
  bytes[bytes.size() / 2] ^= std::byte{4};
  ASSERT_TRUE(posix_env().replace_file(path, bytes));
  ASSERT_TRUE(store_->remove(archived.chunks[1].object));
  const VerifyReport report = verify("orders");
  EXPECT_EQ(report.ranges[0].state, RangeState::kDifferent);
  EXPECT_EQ(report.ranges[1].state, RangeState::kDifferent);
  EXPECT_THAT(report.ranges[1].problem, HasSubstr("does not exist"));
  EXPECT_EQ(report.lost_records,
            10U + report.ranges[0].log->records - report.ranges[0].archive.records);
}

TEST_F(VerifyTest, WhatCannotBeComparedIsReportedAsSuch) {
  archive_tens("orders", 3);
  log_.remove_before("orders", 0, Offset(15));
  log_.append("orders", "not archived");
  const VerifyReport report = verify("orders");
  EXPECT_EQ(report.differences(), 0U);
  EXPECT_EQ(report.ranges[0].state, RangeState::kArchiveOnly);
  EXPECT_EQ(report.ranges[1].state, RangeState::kEqual);
  EXPECT_EQ(report.ranges[1].log->records, 6U);
  EXPECT_EQ(report.partitions[0].not_archived_offsets, 1);
  const std::string text = render(report);
  EXPECT_THAT(text, HasSubstr("archive only"));
  EXPECT_THAT(text, HasSubstr("from 15 on (log start)"));
  EXPECT_THAT(text, HasSubstr("partition 0: [33,34) not archived yet"));
  EXPECT_THAT(text, HasSubstr("archive_only=14 not_archived=1 lost_offsets=0"));
}

TEST_F(VerifyTest, ALossIsShownAsLoss) {
  archive_tens("orders", 1);
  log_.append("orders", "lost");
  log_.append("orders", "kept");
  log_.remove_before("orders", 0, Offset(12));
  archive_once();
  const VerifyReport report = verify("orders");
  EXPECT_EQ(report.differences(), 0U);
  EXPECT_THAT(render(report), HasSubstr("LOST: removed from the log"));
  EXPECT_THAT(render(report), HasSubstr("lost_offsets=1"));
}

TEST_F(VerifyTest, ADamagedArchiveOfWhatTheLogNoLongerHoldsIsStillADifference) {
  archive_tens("orders", 2);
  log_.remove_before("orders", 0, Offset(11));
  ASSERT_TRUE(store_->remove(manifest("orders").chunks[0].object));
  EXPECT_EQ(verify("orders").differences(), 1U);
}

TEST_F(VerifyTest, WaitsUntilTheArchiveHasCaughtUpOrTimeIsOver) {
  archive_tens("orders", 1);
  VerifyOptions wait;
  wait.wait_for_archive = std::chrono::milliseconds(0);
  EXPECT_EQ(verify("orders", wait).differences(), 0U);
  log_.append("orders", "new");
  const auto late = verify_topic(log_, *store_, "orders", wait);
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code(), Errc::kTimeout);
}

TEST_F(VerifyTest, SaysWhatItCannotVerify) {
  archive_tens("orders", 1);
  log_.create("fresh");
  EXPECT_EQ(verify_topic(log_, *store_, "fresh", {}).error().code(), Errc::kNotFound);
  EXPECT_EQ(verify_topic(log_, *store_, "absent", {}).error().code(), Errc::kUnknownTopic);
  log_.create("orders");
  EXPECT_EQ(verify_topic(log_, *store_, "orders", {}).error().code(), Errc::kForeignData);
}

TEST_F(VerifyTest, ALogThatIsShorterThanItsArchiveIsADifference) {
  archive_tens("orders", 1);
  Manifest ahead = manifest("orders");
  ahead.chunks[0].end = Offset(13);
  const auto stored = store_->get("orders/0/manifest.json", 1U << 20);
  ASSERT_TRUE(store_->replace("orders/0/manifest.json", encode(ahead), stored->version));
  const VerifyReport report = verify("orders");
  EXPECT_EQ(report.differences(), 1U);
  EXPECT_THAT(report.ranges[0].problem, HasSubstr("the log ends before the archive"));
}

}  // namespace
}  // namespace penstock::archiver
