// What a partition answers to producers that send again, come late, come back or were forgotten.
#include "broker/producers/producer_table.h"

#include <gtest/gtest.h>

#include "protocol/record/sequence.h"
#include "tests/broker/producers/batches.h"

namespace penstock::broker {
namespace {

constexpr std::int64_t kAnn = 7;
constexpr std::int64_t kBob = 8;
constexpr std::int32_t kLast = record::kMaxSequence;

const Verdict kNew = NewBatch{};

// Ten records by default.
NumberedBatch of(std::int64_t producer, std::int32_t first, std::int32_t records = 10,
                 std::int16_t epoch = 0) {
  return {producer, epoch, first, records};
}
Verdict at(std::int64_t base, std::int64_t end, bool committed) {
  return RepeatedBatch{Offset(base), Offset(end), committed};
}
Verdict refused(Errc code, std::int16_t epoch = -1, std::int32_t expected = -1) {
  return RefusedBatch{code, epoch, expected};
}

TEST(ProducerTable, TakesBatchesInTheirOrder) {
  TestLog log;
  EXPECT_EQ(log.send(of(kAnn, 0)), kNew);
  EXPECT_EQ(log.send(of(kBob, 0)), kNew);
  EXPECT_EQ(log.send(of(kAnn, 10)), kNew);
  log.commit();
  EXPECT_EQ(log.send(of(kAnn, 20)), kNew);
  EXPECT_EQ(log.table.uncommitted(), 1U);
  EXPECT_EQ(log.table.applied(), Offset(30));
}

TEST(ProducerTable, KnowsARepetitionWhileItsFirstCopyIsUnderWayAndAfterwards) {
  TestLog log;
  log.others(5);
  log.send(of(kAnn, 0));
  log.send(of(kBob, 0));
  log.send(of(kAnn, 10));
  EXPECT_EQ(log.send(of(kAnn, 0)), at(5, 15, false));
  EXPECT_EQ(log.send(of(kAnn, 10)), at(25, 35, false));
  log.table.committed(Offset(25));
  EXPECT_EQ(log.send(of(kAnn, 0)), at(5, 15, true));
  EXPECT_EQ(log.send(of(kAnn, 10)), at(25, 35, false));
  log.commit();
  EXPECT_EQ(log.send(of(kAnn, 10)), at(25, 35, true));
}

TEST(ProducerTable, RefusesAGapAndSaysWhatIsMissing) {
  TestLog log;
  log.send(of(kAnn, 0));
  EXPECT_EQ(log.send(of(kAnn, 20)), refused(Errc::kOutOfOrderSequence, 0, 10));
  log.commit();
  EXPECT_EQ(log.send(of(kAnn, 20)), refused(Errc::kOutOfOrderSequence, 0, 10));
  EXPECT_EQ(log.send(of(kAnn, 10)), kNew);
  EXPECT_EQ(log.send(of(kAnn, 20)), kNew);
}

// It was taken apart, or put together, between two attempts.
TEST(ProducerTable, KnowsPartsOfWhatItHas) {
  TestLog log;
  log.others(5);
  log.send(of(kAnn, 0));
  log.send(of(kAnn, 10));
  EXPECT_EQ(log.send(of(kAnn, 4, 3)), at(9, 12, false));
  log.commit();
  EXPECT_EQ(log.send(of(kAnn, 4, 3)), at(9, 12, true));
  EXPECT_EQ(log.send(of(kAnn, 5, 15)), at(10, 25, true)) << "the two lie side by side";
  EXPECT_EQ(log.send(of(kAnn, 15, 10)), refused(Errc::kOutOfOrderSequence, 0, 20))
      << "half of it is there";
}

TEST(ProducerTable, AnUnknownProducerBeginsAtZeroOrIsTold) {
  TestLog log;
  EXPECT_EQ(log.send(of(kAnn, 30)), refused(Errc::kUnknownProducer));
  EXPECT_EQ(log.send(of(kAnn, 0, 10, 5)), kNew) << "with any epoch";
}

TEST(ProducerTable, ANewEpochBeginsAtZeroAndFencesTheOldOne) {
  TestLog log;
  log.send(of(kAnn, 0));
  log.commit();
  EXPECT_EQ(log.send(of(kAnn, 10, 10, 1)), refused(Errc::kOutOfOrderSequence, 0, 0));
  EXPECT_EQ(log.send(of(kAnn, 0, 10, 1)), kNew);
  EXPECT_EQ(log.send(of(kAnn, 10, 10, 0)), refused(Errc::kProducerFenced, 1));
  EXPECT_EQ(log.send(of(kAnn, 0, 10, 0)), refused(Errc::kProducerFenced, 1))
      << "even what is there";
  EXPECT_EQ(log.send(of(kAnn, 0, 10, 1)), at(10, 20, false));
  log.commit();
  EXPECT_EQ(log.send(of(kAnn, 0, 10, 0)), refused(Errc::kProducerFenced, 1));
  EXPECT_EQ(log.send(of(kAnn, 0, 10, 1)), at(10, 20, true));
}

TEST(ProducerTable, SequencesGoRoundFromTheLastOneToZero) {
  TestLog log;
  log.append(of(kAnn, kLast - 14));
  EXPECT_EQ(log.send(of(kAnn, kLast - 4)), kNew);
  EXPECT_EQ(log.send(of(kAnn, 5)), kNew) << "five before the turn and five behind it were taken";
  EXPECT_EQ(log.send(of(kAnn, kLast - 4)), at(10, 20, false));
  EXPECT_EQ(log.send(of(kAnn, 0, 5)), at(15, 20, false));
  log.commit();
  EXPECT_EQ(log.send(of(kAnn, kLast - 4)), at(10, 20, true));
  EXPECT_EQ(log.send(of(kAnn, kLast, 2)), at(14, 16, true));
  EXPECT_EQ(log.send(of(kAnn, 25)), refused(Errc::kOutOfOrderSequence, 0, 15));
}

TEST(ProducerTable, WhatLiesFarBackIsThereButNobodyKnowsWhere) {
  TestLog log;
  for (std::int32_t i = 0; i < 20; ++i) {
    EXPECT_EQ(log.send(of(kAnn, 10 * i)), kNew);
    log.others(1);
    log.commit();
  }
  for (std::int32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(log.send(of(kAnn, 10 * i)), refused(Errc::kDuplicateSequence, 0, 200));
  }
  for (std::int32_t i = 4; i < 20; ++i) {
    EXPECT_EQ(log.send(of(kAnn, 10 * i)), at(11 * i, 11 * i + 10, true));
  }
}

TEST(ProducerTable, AProducerThatWritesAloneIsRememberedAsOneRun) {
  TestLog log;
  for (std::int32_t i = 0; i < 1'000; ++i) log.send(of(kAnn, 10 * i));
  log.commit();
  EXPECT_EQ(log.table.producers().find(kAnn)->runs.size(), 1U);
  EXPECT_EQ(log.send(of(kAnn, 20)), at(20, 30, true));
}

TEST(ProducerTable, ARunEndsBeforeItsDistancesBecomeAmbiguous) {
  TestLog log;
  const auto large = static_cast<std::int32_t>(kMaxRunRecords);
  for (std::int32_t i = 0, first = 0; i < 8; ++i) {
    EXPECT_EQ(log.send(of(kAnn, first, large)), kNew);
    log.commit();
    EXPECT_EQ(log.send(of(kAnn, first, large)),
              at(i * kMaxRunRecords, (i + 1) * kMaxRunRecords, true));
    first = record::sequence_after(first, large);
  }
  EXPECT_EQ(log.table.producers().find(kAnn)->runs.size(), 8U);
}

// --- cuts

TEST(ProducerTable, WhatIsCutWasNeverThere) {
  TestLog log;
  log.send(of(kAnn, 0));
  log.commit();
  log.send(of(kAnn, 10));
  log.send(of(kBob, 0));
  log.send(of(kAnn, 20));
  log.table.truncated(Offset(20));
  EXPECT_EQ(log.table.end(), Offset(20));
  EXPECT_EQ(log.send(of(kBob, 10)), refused(Errc::kUnknownProducer));
  EXPECT_EQ(log.send(of(kAnn, 30)), refused(Errc::kOutOfOrderSequence, 0, 20));
  EXPECT_EQ(log.send(of(kAnn, 10)), at(10, 20, false));
  log.table.truncated(Offset(10));
  EXPECT_EQ(log.send(of(kAnn, 10)), kNew);
}

TEST(ProducerTable, AnEpochThatIsCutHasFencedNobody) {
  TestLog log;
  log.send(of(kAnn, 0));
  log.commit();
  log.send(of(kAnn, 0, 10, 1));
  log.table.truncated(Offset(10));
  EXPECT_EQ(log.send(of(kAnn, 10)), kNew);
}

TEST(ProducerTable, CommittedBatchesThatAreCutForDamageComeAgain) {
  TestLog log;
  log.send(of(kAnn, 0));
  log.send(of(kAnn, 10));
  log.commit();
  const Bytes before = log.table.snapshot(kPartition);
  log.table.truncated(Offset(10));
  log.append(of(kAnn, 10));
  EXPECT_TRUE(equal(log.table.snapshot(kPartition), before));
  EXPECT_EQ(log.send(of(kAnn, 20)), kNew);
  log.commit();
  EXPECT_EQ(log.table.applied(), Offset(30));
}

TEST(ProducerTable, AFollowerMayHearOfACommitBeforeItHasTheBatch) {
  TestLog log;
  log.table.committed(Offset(20));
  EXPECT_EQ(log.table.applied(), Offset(0));
  log.append(of(kAnn, 0));
  EXPECT_EQ(log.table.applied(), Offset(10));
  EXPECT_EQ(log.table.uncommitted(), 0U);
  log.append(of(kAnn, 10));
  log.append(of(kAnn, 20));
  EXPECT_EQ(log.table.applied(), Offset(20));
  EXPECT_EQ(log.table.uncommitted(), 1U);
}

TEST(ProducerTable, ANewBeginningKnowsNobody) {
  TestLog log;
  log.send(of(kAnn, 0));
  log.table.reset(Offset(500));
  EXPECT_EQ(log.table.end(), Offset(500));
  EXPECT_EQ(log.send(of(kAnn, 10)), refused(Errc::kUnknownProducer));
  EXPECT_EQ(log.send(of(kBob, 0)), kNew);
  EXPECT_EQ(log.send(of(kBob, 0)), at(500, 510, false));
}

// --- forgetting

TEST(ProducerTable, WhoIsSilentForTooLongByTheTimeInTheLogIsForgotten) {
  TestLog log({.expiry_ms = 1'000});
  log.send(of(kAnn, 0));
  log.commit();
  log.time(5'000);
  log.send(of(kBob, 0));
  log.commit();
  log.time(5'600);
  log.time(6'000);
  EXPECT_EQ(log.table.producers().size(), 2U);
  EXPECT_TRUE(log.table.wants_time_mark(Timestamp(6'001)));
  EXPECT_FALSE(log.table.wants_time_mark(Timestamp(6'000)));
  log.time(6'001);
  EXPECT_EQ(log.send(of(kAnn, 10)), refused(Errc::kUnknownProducer));
  EXPECT_EQ(log.send(of(kBob, 10)), kNew);
  EXPECT_EQ(log.table.producers().expired(), 1U);
}

// The log of a topic with producers' own times is told the time now and then only. Somebody who was
// active in between was not silent since the time before.
TEST(ProducerTable, BetweenTwoTimesTheLaterOneCounts) {
  TestLog log({.expiry_ms = 1'000});
  log.time(5'000);
  log.send(of(kAnn, 0));
  log.commit();
  log.time(9'000);
  EXPECT_EQ(log.send(of(kAnn, 10)), kNew);
}

TEST(ProducerTable, ALeaderTellsTheTimeAFewTimesInAnExpiry) {
  TestLog log({.expiry_ms = 8'000});
  EXPECT_FALSE(log.table.wants_time_mark(Timestamp(5'000))) << "there is nobody to forget";
  log.send(of(kAnn, 0));
  log.commit();
  EXPECT_TRUE(log.table.wants_time_mark(Timestamp(5'000)));
  log.time(5'000);
  EXPECT_FALSE(log.table.wants_time_mark(Timestamp(7'000))) << "nobody wrote since";
  log.send(of(kAnn, 10));
  log.commit();
  EXPECT_FALSE(log.table.wants_time_mark(Timestamp(6'000)));
  EXPECT_TRUE(log.table.wants_time_mark(Timestamp(6'001)));
}

TEST(ProducerTable, ALateClockForgetsNobody) {
  TestLog log({.expiry_ms = 1'000});
  log.time(5'000);
  log.send(of(kAnn, 0));
  log.commit();
  log.time(1);
  log.time(5'900);
  EXPECT_EQ(log.send(of(kAnn, 10)), kNew);
}

TEST(ProducerTable, TimeThatIsNotCommittedPassesForNobody) {
  TestLog log({.expiry_ms = 1'000});
  log.send(of(kAnn, 0));
  log.commit();
  log.time(5'000);
  log.table.appended({Offset(11), Offset(12), std::nullopt, Timestamp(9'000)});
  EXPECT_EQ(log.send(of(kAnn, 0)), at(0, 10, true));
  log.table.truncated(Offset(11));
  EXPECT_EQ(log.send(of(kAnn, 10)), kNew);
}

TEST(ProducerTable, TheOneThatWasSilentLongestMakesRoom) {
  TestLog log({.max_producers = 3, .min_silence_ms = 100});
  for (std::int64_t producer = 1; producer <= 3; ++producer) log.send(of(producer, 0));
  log.send(of(1, 10));
  log.commit();
  log.time(5'000);
  log.time(5'100);
  EXPECT_EQ(log.send(of(4, 0)), kNew);
  log.commit();
  EXPECT_EQ(log.send(of(2, 10)), refused(Errc::kUnknownProducer));
  EXPECT_EQ(log.send(of(1, 20)), kNew);
  EXPECT_EQ(log.table.producers().evicted(), 1U);
}

// Its repetition would find nobody, and be taken for new.
TEST(ProducerTable, WhoMayStillRepeatABatchDoesNotMakeRoom) {
  TestLog log({.max_producers = 3, .min_silence_ms = 100});
  log.send(of(1, 0));
  log.send(of(2, 0));
  log.commit();
  log.time(5'000);
  EXPECT_EQ(log.send(of(3, 0)), kNew);
  EXPECT_EQ(log.send(of(4, 0)), refused(Errc::kOverloaded, -1, 0)) << "counting who is under way";
  log.commit();
  log.time(5'099);
  EXPECT_EQ(log.send(of(4, 0)), refused(Errc::kOverloaded, -1, 0));
  EXPECT_TRUE(log.table.wants_time_mark(Timestamp(5'150)));
  log.time(5'150);
  EXPECT_EQ(log.send(of(4, 0)), kNew);
  EXPECT_EQ(log.send(of(5, 0)), kNew);
  EXPECT_EQ(log.send(of(6, 0)), refused(Errc::kOverloaded, -1, 0)) << "the third was active";
  log.commit();
  EXPECT_EQ(log.send(of(3, 0)), at(21, 31, true));
}

// Room is made among what is committed only: what is under way keeps its order, and what its owner
// wrote before is known to be there.
TEST(ProducerTable, WhoHasBatchesUnderWayIsNotUnknownWhileTheyAre) {
  TestLog log({.max_producers = 2});
  log.append(of(1, 0));
  log.commit();
  log.append(of(2, 0));
  log.append(of(3, 0));
  log.append(of(1, 10));
  log.table.committed(Offset(30));
  EXPECT_EQ(log.table.producers().find(1), nullptr);
  EXPECT_EQ(log.send(of(1, 10)), at(30, 40, false));
  EXPECT_EQ(log.send(of(1, 0)), refused(Errc::kDuplicateSequence, 0, 20));
  EXPECT_EQ(log.send(of(1, 20)), kNew);
  log.commit();
  EXPECT_EQ(log.send(of(1, 10)), at(30, 40, true));
}

TEST(ProducerTable, TooMuchThatIsNotCommittedIsRefusedAndRepetitionsAreNot) {
  TestLog log;
  for (std::size_t i = 0; i < kMaxUncommittedBatches; ++i) {
    log.append(of(kAnn, static_cast<std::int32_t>(i), 1));
  }
  EXPECT_EQ(log.send(of(kBob, 0)), refused(Errc::kOverloaded, -1, 0));
  EXPECT_EQ(log.send(of(kAnn, 0, 1)), at(0, 1, false));
  log.commit();
  EXPECT_EQ(log.send(of(kBob, 0)), kNew);
}

TEST(ProducerTable, ARefusalSaysWhoWhatAndWhatIsExpected) {
  const RefusedBatch gap{Errc::kOutOfOrderSequence, 2, 30};
  EXPECT_EQ(refusal(of(kAnn, 40, 10, 2), gap).to_string(),
            "OutOfOrderSequence: producer 7 of epoch 2 sends sequence 40; 30 is expected");
  const RefusedBatch fenced{Errc::kProducerFenced, 3, -1};
  EXPECT_EQ(refusal(of(kAnn, 40, 10, 2), fenced).to_string(),
            "ProducerFenced: producer 7 of epoch 2 sends sequence 40; the partition knows epoch 3");
}

// Peers had clients begin anew after errors like these, and write everything twice.
TEST(ProducerErrors, OnlyAGapIsWorthTheSameRequestAgain) {
  EXPECT_EQ(info(Errc::kOutOfOrderSequence).retry, Retry::kRetry);
  for (const Errc code :
       {Errc::kProducerFenced, Errc::kUnknownProducer, Errc::kDuplicateSequence}) {
    EXPECT_EQ(info(code).retry, Retry::kFinal) << info(code).name;
  }
  EXPECT_EQ(info(Errc::kDuplicateSequence).outcome, Outcome::kMaybeDone);
}

}  // namespace
}  // namespace penstock::broker
