#include "tools/produce_tally.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::tools {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

ProduceTally tally_of(ProduceEnd end) {
  ProduceTally tally;
  tally.topic = "quakes";
  tally.end = end;
  tally.resume_line = 18;
  tally.input_is_file = true;
  tally.seconds = 0.5;
  tally.value_bytes = 2000;
  tally.delivered.records_delivered = 17;
  return tally;
}

client::Delivery failure(std::uint64_t line, Errc code) {
  return {.tag = line,
          .partition = PartitionId(0),
          .offset = Offset(),
          .receipt = {},
          .error = std::make_shared<const Error>(code)};
}

TEST(ProduceTallyTest, AllPublishedIsShort) {
  const ProduceTally tally = tally_of(ProduceEnd::kEndOfInput);
  EXPECT_EQ(exit_code(tally), ExitCode::kOk);
  EXPECT_EQ(summary(tally),
            "published 17 records to 'quakes' in 0.50 s (2 KB read, 34 records/s)\n");
  EXPECT_EQ(figures(tally),
            "PRODUCE records=17 bytes=2000 seconds=0.500 rate=34 failed=0 unknown=0 bad=0\n");
}

TEST(ProduceTallyTest, ABadLineSaysWhyWhatWasPublishedAndWhereToGoOn) {
  ProduceTally tally = tally_of(ProduceEnd::kBadLine);
  tally.error = Error(Errc::kInvalidArgument, "line 18: JSON ends in the middle of a value");
  EXPECT_EQ(exit_code(tally), ExitCode::kFailed);
  EXPECT_EQ(summary(tally),
            "penstock: produce to 'quakes': line 18: JSON ends in the middle of a value\n"
            "published 17 records to 'quakes' in 0.50 s (2 KB read, 34 records/s)\n"
            "hint: pass over such lines with --skip_bad, or go on with --from_line=18\n");
}

TEST(ProduceTallyTest, PassedOverLinesAreCountedAndNoFailure) {
  ProduceTally tally = tally_of(ProduceEnd::kEndOfInput);
  tally.bad_lines = 3;
  EXPECT_EQ(exit_code(tally), ExitCode::kOk);
  EXPECT_THAT(summary(tally), HasSubstr("3 bad lines passed over\n"));
}

TEST(ProduceTallyTest, AnInterruptionSaysWhereToGoOn) {
  ProduceTally tally = tally_of(ProduceEnd::kInterrupted);
  tally.input_is_file = false;
  EXPECT_EQ(exit_code(tally), ExitCode::kInterrupted);
  EXPECT_THAT(summary(tally), AllOf(HasSubstr("penstock: interrupted\n"),
                                    HasSubstr("go on with --from_line=18 on the same input\n"),
                                    Not(HasSubstr("--skip_bad"))));
}

TEST(ProduceTallyTest, OfSeveralFailuresTheFirstLineCounts) {
  ProduceTally tally = tally_of(ProduceEnd::kDelivery);
  note_failure(tally, failure(12, Errc::kTimeout));
  note_failure(tally, failure(9, Errc::kDiskFull));
  note_failure(tally, failure(30, Errc::kTimeout));
  EXPECT_EQ(tally.failed_line, 9U);
  EXPECT_EQ(tally.failed_error->code(), Errc::kDiskFull);
}

TEST(ProduceTallyTest, FailedAndUnknownRecordsAreNeverPassedOffAsTheSame) {
  ProduceTally tally = tally_of(ProduceEnd::kDelivery);
  note_failure(tally, failure(9, Errc::kDiskFull));
  tally.error = Error(*tally.failed_error).context("line 9");
  tally.delivered.records_failed = 2;
  tally.delivered.records_unknown = 1;
  EXPECT_EQ(exit_code(tally), ExitCode::kFailed);
  EXPECT_THAT(
      summary(tally),
      AllOf(HasSubstr("line 9: no space is left"), HasSubstr("2 records failed: not written"),
            HasSubstr("1 record with unknown outcome: written or not"),
            HasSubstr("lines before 9 are published, those from there to 17 only in part"),
            HasSubstr("may write records twice")));
  EXPECT_THAT(figures(tally), HasSubstr("failed=2 unknown=1"));
}

TEST(ProduceTallyTest, ASingleFailureCanBeSeenToAlone) {
  ProduceTally tally = tally_of(ProduceEnd::kDelivery);
  note_failure(tally, failure(9, Errc::kBatchTooLarge));
  tally.error = Error(*tally.failed_error).context("line 9");
  tally.delivered.records_failed = 1;
  EXPECT_THAT(summary(tally), HasSubstr("every other line up to there is published: see to line 9 "
                                        "alone, and go on with --from_line=18\n"));
}

TEST(ProduceTallyTest, WhatTheBrokerRefusedCanBePassedOverToo) {
  EXPECT_TRUE(is_refusal(Error(Errc::kBatchTooLarge)));
  EXPECT_FALSE(is_refusal(Error(Errc::kDiskFull)));
  ProduceTally tally = tally_of(ProduceEnd::kEndOfInput);
  tally.bad_lines = 1;
  tally.refused = 1;
  tally.delivered.records_failed = 1;
  EXPECT_EQ(exit_code(tally), ExitCode::kOk);
  EXPECT_THAT(summary(tally),
              AllOf(HasSubstr("1 bad line passed over\n"), Not(HasSubstr("failed"))));
  EXPECT_THAT(figures(tally), HasSubstr("failed=0 unknown=0 bad=1"));
}

TEST(ProduceTallyTest, ALostConnectionKeepsItsExitCode) {
  ProduceTally tally = tally_of(ProduceEnd::kFailure);
  tally.error = Error(Errc::kConnectFailed, "127.0.0.1:7333: connection refused");
  EXPECT_EQ(exit_code(tally), ExitCode::kUnreachable);
  EXPECT_THAT(summary(tally), HasSubstr("is the broker running?"));
}

}  // namespace
}  // namespace penstock::tools
