// What key compaction leaves of batches, as stories; nothing here touches a disk.
#include "storage/cleaner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/coding.h"
#include "protocol/record/crc32c.h"
#include "protocol/record/record.h"
#include "protocol/record/sparse_batch.h"
#include "tests/storage/expect.h"
#include "tests/storage/keyed_batches.h"

namespace penstock::storage {
namespace {

constexpr Offset kAll(1'000'000);

// A stretch of log that is compacted with a map of all its keys, unless a test says otherwise.
struct Scene {
  std::vector<Bytes> log;
  Offset end;
  Offset mapped_end = kAll;
  Offset tombstones_below;
  std::vector<Offset> needed;
  Offset log_start;
  CleanCounts counts;

  Scene& add(Term epoch, const std::vector<KeyedRecord>& records,
             record::BuilderOptions options = {}) {
    log.push_back(keyed_batch(end, epoch, records, options));
    end = record::BatchView::parse(log.back())->end_offset();
    return *this;
  }
  Scene& add(const std::vector<KeyedRecord>& records) { return add(Term(1), records); }

  Bytes compact() {
    KeyMap latest(1 << 20, 1000, 7);
    for (const Bytes& batch : log) {
      if (record::BatchView::parse(batch)->is_control()) continue;
      for (const auto& [offset, record] : records_of(batch)) {
        if (record.key && offset < mapped_end) latest.put(as_bytes(*record.key), offset);
      }
    }
    const CleanRules rules{latest, mapped_end, tombstones_below, needed, log_start};
    Bytes out;
    Cleaner cleaner(rules, [&](const record::BatchView& batch) -> Status {
      out.insert(out.end(), batch.bytes().begin(), batch.bytes().end());
      return {};
    });
    for (const Bytes& batch : log) EXPECT_OK(cleaner.add(*record::BatchView::parse(batch)));
    EXPECT_OK(cleaner.finish());
    counts = cleaner.counts();
    return out;
  }
  std::string shown() { return show(compact()); }
};

TEST(Cleaner, TheLastValueOfEachKeyStaysWhereItIs) {
  Scene scene;
  scene.add({put("a", "1"), put("b", "1"), put("c", "1")}).add({put("a", "2"), put("c", "2")});
  EXPECT_EQ(scene.shown(),
            "[0..2] e1 1:b=1\n"
            "[3..4] e1 3:a=2 4:c=2\n");
  EXPECT_EQ(scene.counts.superseded, 2U);
}

TEST(Cleaner, ABatchOfWhichNothingGoesStaysByteForByte) {
  Scene scene;
  scene.add({put("a", "1"), put("b", "1")});
  EXPECT_EQ(scene.compact(), scene.log[0]);
  EXPECT_EQ(scene.counts.changes, 0U);
}

TEST(Cleaner, RecordsWithoutAKeyStay) {
  Scene scene;
  scene.add({keyless("x"), keyless("x"), put("", "empty is a key"), put("", "too")});
  EXPECT_EQ(scene.shown(), "[0..3] e1 0:~=x 1:~=x 3:=too\n");
}

TEST(Cleaner, ATombstoneHidesWhatIsBeforeItAndStaysItself) {
  Scene scene;
  scene.add({put("a", "1"), tombstone("a")});
  EXPECT_EQ(scene.shown(), "[0..1] e1 1:a=-\n");
}

TEST(Cleaner, ATombstoneGoesWhenItsTimeIsOver) {
  Scene scene;
  scene.add({tombstone("a"), put("b", "1"), tombstone("c")});
  scene.tombstones_below = Offset(2);
  EXPECT_EQ(scene.shown(), "[0..2] e1 1:b=1 2:c=-\n");
  EXPECT_EQ(scene.counts.tombstones, 1U);
}

TEST(Cleaner, ATombstoneWithoutAKeyIsNobodysAndStays) {
  Scene scene;
  scene.log.push_back(keyed_batch(Offset(0), Term(1), {{std::nullopt, std::nullopt}}));
  scene.tombstones_below = kAll;
  EXPECT_EQ(scene.shown(), "[0..0] e1 0:~=-\n");
}

TEST(Cleaner, EmptyBatchesOfATermBecomeOne) {
  Scene scene;
  for (int i = 0; i < 5; ++i) scene.add({put("a", std::to_string(i)), put("b", "0")});
  EXPECT_EQ(scene.shown(), "[0..7] e1\n[8..9] e1 8:a=4 9:b=0\n");
}

TEST(Cleaner, TermsStayApart) {
  Scene scene;
  scene.add(Term(1), {put("a", "1")}).add(Term(1), {put("a", "2")});
  scene.add(Term(4), {put("a", "3")}).add(Term(4), {put("a", "4")}).add(Term(5), {put("a", "5")});
  EXPECT_EQ(scene.shown(), "[0..1] e1\n[2..3] e4\n[4..4] e5 4:a=5\n");
}

TEST(Cleaner, ControlBatchesStayAndNothingIsJoinedAcrossThem) {
  Scene scene;
  scene.add({put("a", "1")});
  scene.add(Term(2), {put("a", "control")}, {.control = true});
  scene.add(Term(2), {put("a", "2")}).add(Term(2), {put("a", "3")});
  EXPECT_EQ(scene.shown(), "[0..0] e1\n[1..1] e2 control\n[2..2] e2\n[3..3] e2 3:a=3\n");
}

TEST(Cleaner, TheKeysOfControlBatchesAreNotThoseOfRecords) {
  Scene scene;
  scene.add({put("a", "1")}).add(Term(1), {tombstone("a")}, {.control = true});
  EXPECT_EQ(scene.shown(), "[0..0] e1 0:a=1\n[1..1] e1 control\n");
}

TEST(Cleaner, NothingIsJoinedAcrossTheLogStart) {
  Scene scene;
  for (int i = 0; i < 4; ++i) scene.add({put("a", "")});
  scene.log_start = Offset(2);
  EXPECT_EQ(scene.shown(), "[0..1] e1\n[2..2] e1\n[3..3] e1 3:a=\n");
}

TEST(Cleaner, WhereTheMapEndsEverythingStays) {
  Scene scene;
  scene.add({put("a", "1"), put("a", "2"), put("a", "3")}).add({put("a", "4")});
  scene.mapped_end = Offset(2);
  EXPECT_EQ(scene.shown(), "[0..2] e1 1:a=2 2:a=3\n[3..3] e1 3:a=4\n");
}

TEST(Cleaner, AProducersLastBatchKeepsItsNumbers) {
  Scene scene;
  const record::BuilderOptions numbered{.producer_id = 9, .producer_epoch = 3, .base_sequence = 40};
  scene.add(Term(1), {put("a", "1")}, numbered).add(Term(1), {put("a", "2")}, numbered);
  scene.add({put("a", "3")});
  scene.needed = {Offset(1)};
  const Bytes out = scene.compact();
  EXPECT_EQ(show(out), "[0..0] e1\n[1..1] e1 p9\n[2..2] e1 2:a=3\n");
  const auto kept = record::BatchView::parse(ByteView(out).subspan(record::kHeaderSize));
  EXPECT_EQ(kept->producer_epoch(), 3);
  EXPECT_EQ(kept->base_sequence(), 40);
  EXPECT_EQ(kept->max_timestamp(), Timestamp());
}

TEST(Cleaner, NumbersThatNobodyNeedsAnyMoreGoWithTheNextPass) {
  Scene scene;
  const record::BuilderOptions numbered{.producer_id = 9, .producer_epoch = 0, .base_sequence = 0};
  scene.add(Term(1), {put("a", "1")}, numbered).add({put("a", "2")}).add({put("a", "3")});
  scene.needed = {Offset(0)};
  const Bytes once = scene.compact();
  EXPECT_EQ(show(once), "[0..0] e1 p9\n[1..1] e1\n[2..2] e1 2:a=3\n");
  scene.log.clear();
  for (ByteView rest = once; !rest.empty();) {
    const auto batch = record::BatchView::parse(rest);
    scene.log.emplace_back(batch->bytes().begin(), batch->bytes().end());
    rest = rest.subspan(batch->size());
  }
  scene.needed = {};
  EXPECT_EQ(scene.shown(), "[0..1] e1\n[2..2] e1 2:a=3\n");
}

TEST(Cleaner, ASecondPassChangesNothing) {
  Scene scene;
  for (int i = 0; i < 30; ++i) {
    scene.add({put("k" + std::to_string(i % 7), "v"), keyless("x"), tombstone("t")});
  }
  const Bytes once = scene.compact();
  EXPECT_GT(scene.counts.changes, 0U);
  scene.log.clear();
  for (ByteView rest = once; !rest.empty();) {
    const auto batch = record::BatchView::parse(rest);
    scene.log.emplace_back(batch->bytes().begin(), batch->bytes().end());
    rest = rest.subspan(batch->size());
  }
  EXPECT_EQ(scene.compact(), once);
  EXPECT_EQ(scene.counts.changes, 0U);
}

TEST(Cleaner, CompressedBatchesComeOutWithTheirCodec) {
  for (const record::Codec codec :
       {record::Codec::kGzip, record::Codec::kSnappy, record::Codec::kLz4, record::Codec::kZstd}) {
    Scene scene;
    const std::string prose(4000, 'x');
    scene.add(Term(1), {put("a", prose), put("b", prose), put("c", prose)}, {.codec = codec});
    scene.add({put("b", "2")});
    const Bytes out = scene.compact();
    const auto batch = record::BatchView::parse(out);
    EXPECT_EQ(batch->codec(), codec);
    const auto left = records_of(batch->bytes());
    ASSERT_EQ(left.size(), 2U);
    EXPECT_EQ(left[1].offset, Offset(2));
    EXPECT_EQ(left[1].record, put("c", prose));
  }
}

TEST(Cleaner, TimestampsAreThoseOfTheRecordsThatStay) {
  Scene scene;
  scene.add({put("a", "1", 50), put("b", "1", 90), put("c", "1", 70)}).add({put("b", "2", 10)});
  const Bytes out = scene.compact();
  const auto batch = record::BatchView::parse(out);
  EXPECT_EQ(batch->max_timestamp().ms() % 1000, 70);
  const auto left = records_of(batch->bytes());
  EXPECT_EQ(left[0].record, put("a", "1", 50));
  EXPECT_EQ(left[1].record, put("c", "1", 70));
}

TEST(Cleaner, AnAppendTimeStaysThatOfTheBatch) {
  Scene scene;
  scene.add({put("a", "1"), put("b", "1")}).add({put("a", "2")});
  record::assign_append_time(scene.log[0], Timestamp(1'800'000'000'000));
  const Bytes out = scene.compact();
  const auto left = records_of(record::BatchView::parse(out)->bytes());
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].record.timestamp, Timestamp(1'800'000'000'000));
}

TEST(Cleaner, HeadersOfRecordsStay) {
  record::BatchBuilder builder;
  const record::HeaderView header{"h", as_bytes("v")};
  builder.append(Timestamp(5), as_bytes("a"), as_bytes("1"), std::span(&header, 1));
  builder.append(Timestamp(5), as_bytes("b"), as_bytes("1"));
  Scene scene;
  scene.log.push_back(*builder.build());
  record::assign_position(scene.log[0], Offset(0), Term(1));
  scene.end = Offset(2);
  scene.add({put("b", "2")});
  const Bytes out = scene.compact();
  auto records = record::Records::open(*record::BatchView::parse(out));
  const auto record = records->next();
  ASSERT_TRUE(record && *record);
  EXPECT_EQ((*record)->headers.decode().at(0).key, "h");
}

// Makes the checksum right again, so that the batch is one that was written like that.
void seal_again(Bytes& batch) {
  store_be(batch.data() + 17, record::crc32c(ByteView(batch).subspan(21)));
}

TEST(Cleaner, ABatchWhoseRecordsMakeNoSenseStays) {
  Scene scene;
  scene.add({put("a", "1")}).add({put("a", "2")});
  Bytes nonsense = keyed_batch(scene.end, Term(1), {put("a", "3"), put("b", "3")});
  nonsense.back() = std::byte{0x7f};  // the last record claims headers that are not there
  seal_again(nonsense);
  KeyMap latest(1 << 10, 10, 0);
  latest.put(as_bytes("a"), Offset(1));
  const CleanRules rules{latest, kAll, kAll, {}, Offset(0)};
  Bytes out;
  Cleaner cleaner(rules, [&](const record::BatchView& batch) -> Status {
    out.insert(out.end(), batch.bytes().begin(), batch.bytes().end());
    return {};
  });
  scene.log.push_back(nonsense);
  for (const Bytes& batch : scene.log) ASSERT_OK(cleaner.add(*record::BatchView::parse(batch)));
  ASSERT_OK(cleaner.finish());
  EXPECT_EQ(cleaner.counts().unreadable, 1U);
  EXPECT_TRUE(std::ranges::equal(ByteView(out).last(nonsense.size()), nonsense));
}

TEST(Cleaner, ABatchWithUnknownAttributesStays) {
  Scene scene;
  scene.add({put("a", "1")}).add({put("a", "2")});
  scene.log[0][21] = std::byte{0x01};  // bit 8
  seal_again(scene.log[0]);
  EXPECT_EQ(scene.shown(), "[0..0] e1 0:a=1\n[1..1] e1 1:a=2\n");
}

TEST(Cleaner, OneBatchHoldsNoMoreOffsetsThanASegment) {
  KeyMap latest(1 << 10, 10, 0);
  const CleanRules rules{latest, Offset(1LL << 40), Offset(0), {}, Offset(0)};
  std::vector<std::int64_t> ends;
  Cleaner cleaner(rules, [&](const record::BatchView& batch) -> Status {
    ends.push_back(batch.end_offset().value());
    return {};
  });
  const std::int64_t half = 1LL << 30;
  for (int i = 0; i < 3; ++i) {
    const Bytes bare = record::bare_batch(Offset(i * half), Offset((i + 1) * half), Term(1));
    ASSERT_OK(cleaner.add(*record::BatchView::parse(bare)));
  }
  ASSERT_OK(cleaner.finish());
  EXPECT_EQ(ends, (std::vector<std::int64_t>{half, 2 * half, 3 * half}))
      << "two halves are one offset more than a segment holds";
}

TEST(Cleaner, WhatTheSinkSaysEndsIt) {
  KeyMap latest(1 << 10, 10, 0);
  const CleanRules rules{latest, kAll, Offset(0), {}, Offset(0)};
  Cleaner cleaner(rules, [](const record::BatchView&) -> Status { return fail(Errc::kDiskFull); });
  const Bytes batch = keyed_batch(Offset(0), Term(1), {put("a", "1")});
  EXPECT_EQ(cleaner.add(*record::BatchView::parse(batch)).error().code(), Errc::kDiskFull);
}

}  // namespace
}  // namespace penstock::storage
