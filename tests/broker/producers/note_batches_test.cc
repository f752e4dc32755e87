// Raw batches: what their headers say, parts of requests, and tables that are made of logs.
#include "broker/producers/note_batches.h"

#include <gtest/gtest.h>

#include "base/coding.h"
#include "protocol/record/batch.h"
#include "tests/broker/producers/batches.h"

namespace penstock::broker {
namespace {

constexpr std::int64_t kAnn = 7;
constexpr std::int64_t kBob = 8;

const Verdict kNew = NewBatch{};

NumberedBatch of(std::int64_t producer, std::int32_t first, std::int32_t records = 10,
                 std::int16_t epoch = 0) {
  return {producer, epoch, first, records};
}
const NumberedBatch kNobodys{-1, -1, -1, 2};

// A part of a request: offsets are not assigned yet.
template <typename... Batch>
Bytes part(const Batch&... batches) {
  return (stored(batches, Offset(0)) + ...);
}

PartVerdict check(const ProducerTable& table, const Bytes& bytes) {
  auto verdict = check_part(table, bytes);
  EXPECT_TRUE(verdict) << verdict.error().to_string();
  return *std::move(verdict);
}

TEST(NumbersOf, ABatchIsNumberedOrNobodys) {
  const Bytes anns = stored(of(kAnn, 5, 3, 2), Offset(40));
  EXPECT_EQ(numbers_of(*record::BatchView::parse(anns)).value(), of(kAnn, 5, 3, 2));
  const Bytes nobodys = stored(kNobodys, Offset(40));
  EXPECT_EQ(numbers_of(*record::BatchView::parse(nobodys)).value(), std::nullopt);
}

TEST(NumbersOf, HalfANumberIsNone) {
  for (const NumberedBatch& bad : {of(kAnn, -1), of(kAnn, 5, 3, -1), of(-2, 5)}) {
    const Bytes bytes = stored(bad, Offset(0));
    const auto numbers = numbers_of(*record::BatchView::parse(bytes));
    ASSERT_FALSE(numbers);
    EXPECT_EQ(numbers.error().code(), Errc::kInvalidBatch);
  }
}

TEST(NumbersOf, MoreRecordsThanARunMayHaveAreRefused) {
  Bytes bytes = stored(of(kAnn, 0), Offset(0));
  store_be(bytes.data() + 23, std::int32_t{0x7fffffff});  // last offset delta
  const auto batch = record::BatchView::parse(bytes);
  ASSERT_TRUE(batch);
  EXPECT_EQ(numbers_of(*batch).error().code(), Errc::kInvalidBatch);
}

TEST(NumbersOf, OnlyBrokersTellTheTime) {
  Bytes bytes = stored(of(kAnn, 0), Offset(0));
  EXPECT_EQ(broker_time_of(*record::BatchView::parse(bytes)), std::nullopt);
  record::assign_append_time(bytes, Timestamp(77));
  EXPECT_EQ(broker_time_of(*record::BatchView::parse(bytes)), Timestamp(77));
}

TEST(NoteBatches, FollowsTheLogThroughEverybodysBatches) {
  ProducerTable table;
  ASSERT_TRUE(note_batches(table, stored(of(kAnn, 0), Offset(0)) + stored(kNobodys, Offset(10)) +
                                      stored(of(kBob, 0), Offset(12))));
  EXPECT_EQ(table.end(), Offset(22));
  EXPECT_EQ(table.check(of(kBob, 0)), Verdict(RepeatedBatch{Offset(12), Offset(22), false}));
}

TEST(NoteBatches, HalfABatchIsNone) {
  ProducerTable table;
  const Bytes whole = stored(of(kAnn, 0), Offset(0));
  EXPECT_EQ(note_batches(table, ByteView(whole).first(whole.size() - 1)).error().code(),
            Errc::kInvalidBatch);
}

// --- parts

TEST(CheckPart, BatchesOfOneRequestFollowEachOther) {
  const ProducerTable table;
  const PartVerdict verdict = check(table, part(of(kAnn, 0), of(kAnn, 10), of(kBob, 0), kNobodys));
  EXPECT_EQ(verdict.batches, (std::vector<Verdict>{kNew, kNew, kNew, kNew}));
  EXPECT_EQ(verdict.fresh(), 4U);
  EXPECT_FALSE(verdict.repeated_as_one());
}

TEST(CheckPart, AGapBetweenTwoBatchesRefusesBoth) {
  const ProducerTable table;
  const PartVerdict verdict = check(table, part(of(kAnn, 0), of(kAnn, 20)));
  EXPECT_TRUE(verdict.batches.empty());
  ASSERT_TRUE(verdict.refused);
  EXPECT_EQ(verdict.refused->code(), Errc::kOutOfOrderSequence);
}

TEST(CheckPart, APartThatRepeatsItselfIsRefused) {
  const ProducerTable table;
  const PartVerdict verdict = check(table, part(of(kAnn, 0), of(kAnn, 0)));
  ASSERT_TRUE(verdict.refused);
  EXPECT_EQ(verdict.refused->code(), Errc::kOutOfOrderSequence) << "it is in no log yet";
}

TEST(CheckPart, ARepeatedRequestIsOneAnswer) {
  ProducerTable table;
  ASSERT_TRUE(
      note_batches(table, stored(of(kAnn, 0), Offset(0)) + stored(of(kAnn, 10), Offset(10))));
  table.committed(Offset(10));
  const PartVerdict verdict = check(table, part(of(kAnn, 0), of(kAnn, 10)));
  EXPECT_EQ(verdict.fresh(), 0U);
  EXPECT_EQ(verdict.repeated_as_one(), (RepeatedBatch{Offset(0), Offset(20), false}));
  table.committed(Offset(20));
  EXPECT_EQ(check(table, part(of(kAnn, 0), of(kAnn, 10))).repeated_as_one(),
            (RepeatedBatch{Offset(0), Offset(20), true}));
}

TEST(CheckPart, ARequestOfWhichThePowerCutLeftTheBeginning) {
  ProducerTable table;
  ASSERT_TRUE(note_batches(table, stored(of(kAnn, 0), Offset(0))));
  const PartVerdict verdict = check(table, part(of(kAnn, 0), of(kAnn, 10)));
  EXPECT_EQ(verdict.batches,
            (std::vector<Verdict>{RepeatedBatch{Offset(0), Offset(10), false}, kNew}));
  EXPECT_EQ(verdict.fresh(), 1U);
  EXPECT_FALSE(verdict.repeated_as_one());
}

// "It is all there" must not be said of a part that is there by half.
TEST(CheckPart, WhatIsForgottenIsToldOnlyOfWholeParts) {
  TestLog log;
  for (std::int32_t i = 0; i < 20; ++i) {
    log.send(of(kAnn, 10 * i));
    log.others(1);
    log.commit();
  }
  const PartVerdict old = check(log.table, part(of(kAnn, 30), of(kAnn, 40)));
  ASSERT_TRUE(old.refused);
  EXPECT_EQ(old.refused->code(), Errc::kDuplicateSequence);
  const PartVerdict mixed = check(log.table, part(of(kAnn, 30), of(kAnn, 200)));
  ASSERT_TRUE(mixed.refused);
  EXPECT_EQ(mixed.refused->code(), Errc::kOutOfOrderSequence);
  EXPECT_TRUE(mixed.batches.empty());
}

// --- from a log

struct PieceByPiece {
  std::vector<Bytes> pieces;
  std::size_t read = 0;

  Result<LogPiece> operator()(Offset from) {
    for (const Bytes& piece : pieces) {
      const auto batch = record::BatchView::parse(piece);
      if (batch->end_offset() <= from) continue;
      ++read;
      return LogPiece{SharedBytes(piece), batch->end_offset()};
    }
    return fail(Errc::kOffsetOutOfRange);
  }
};

TEST(NoteLog, ALostTableIsMadeAgainFromWhatTheLogHolds) {
  PieceByPiece log{{stored(of(kAnn, 50), Offset(100)), stored(of(kBob, 0), Offset(110)),
                    stored(of(kAnn, 60), Offset(120))}};
  ProducerTable table;
  ASSERT_TRUE(note_log(table, Offset(100), Offset(130), std::ref(log)));
  EXPECT_EQ(table.end(), Offset(130));
  EXPECT_EQ(table.check(of(kAnn, 70)), kNew);
  EXPECT_EQ(table.check(of(kAnn, 50)), Verdict(RepeatedBatch{Offset(100), Offset(110), false}));
}

TEST(NoteLog, ARestoredTableReadsOnWhereItEnds) {
  PieceByPiece log{{stored(of(kAnn, 0), Offset(0)), stored(of(kAnn, 10), Offset(10))}};
  ProducerTable first;
  ASSERT_TRUE(note_batches(first, log.pieces[0]));
  first.committed(Offset(10));
  auto table = ProducerTable::restore(first.snapshot(kPartition), kPartition);
  ASSERT_TRUE(table) << table.error().to_string();
  ASSERT_TRUE(note_log(*table, Offset(0), Offset(20), std::ref(log)));
  EXPECT_EQ(log.read, 1U);
  EXPECT_EQ(table->check(of(kAnn, 0)), Verdict(RepeatedBatch{Offset(0), Offset(10), true}));
  EXPECT_EQ(table->check(of(kAnn, 20)), kNew);
}

TEST(NoteLog, ATableThatMissesBatchesIsNotOne) {
  PieceByPiece log{{stored(of(kAnn, 0), Offset(0))}};
  ProducerTable table;
  EXPECT_EQ(note_log(table, Offset(0), Offset(20), std::ref(log)).error().code(),
            Errc::kOffsetOutOfRange);
}

}  // namespace
}  // namespace penstock::broker
