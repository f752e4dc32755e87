// What may be said of a record whose request failed: for every error code, at every stage.
#include "client/outcome.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::client {
namespace {

using testing::HasSubstr;

TEST(OutcomeTest, WhatWasSentAndNotAnsweredMayBeWrittenWhateverTheError) {
  for (const ErrcInfo& row : errc_table()) {
    EXPECT_TRUE(judge(Error(row.code), Stage::kSent).may_be_written) << row.name;
    EXPECT_FALSE(judge(Error(row.code), Stage::kNotSent).may_be_written) << row.name;
  }
}

TEST(OutcomeTest, ABrokersOwnWordIsBelieved) {
  for (const ErrcInfo& row : errc_table()) {
    EXPECT_EQ(judge(Error(row.code), Stage::kAnswered).may_be_written,
              row.outcome == Outcome::kMaybeDone)
        << row.name;
  }
}

TEST(OutcomeTest, TheErrorToldInTheEndIsUnknownExactlyWhenThereIsADoubt) {
  for (const ErrcInfo& last : errc_table()) {
    const Error certain = final_error(Error(last.code), std::nullopt);
    EXPECT_EQ(certain.outcome(), Outcome::kNotDone) << last.name;
    for (const ErrcInfo& doubt : errc_table()) {
      const Error told = final_error(Error(last.code), Error(doubt.code));
      EXPECT_EQ(told.outcome(), Outcome::kMaybeDone) << last.name << " after " << doubt.name;
    }
  }
}

TEST(OutcomeTest, AnExpiredRecordSaysWhatHeldItUp) {
  for (const ErrcInfo& why : errc_table()) {
    const Error certain = expired_error("120 s", Error(why.code), std::nullopt);
    EXPECT_EQ(certain.outcome(), Outcome::kNotDone) << why.name;
    EXPECT_THAT(certain.message(), HasSubstr(std::string(why.name)));
    const Error doubtful = expired_error("120 s", Error(why.code), Error(Errc::kTimeout));
    EXPECT_EQ(doubtful.code(), Errc::kTimeout) << why.name;
  }
  EXPECT_EQ(expired_error("1 s", std::nullopt, std::nullopt).outcome(), Outcome::kNotDone);
}

TEST(OutcomeTest, ALaterRefusalDoesNotTurnALostAnswerIntoCertainty) {
  const Error told = final_error(Error(Errc::kDiskFull), Error(Errc::kConnectionLost));
  EXPECT_EQ(told.code(), Errc::kConnectionLost);
  EXPECT_THAT(told.message(), HasSubstr("DiskFull"));
}

struct Row {
  Errc code;
  Stage stage;
  NextStep next;
  bool metadata_is_stale;
};

class JudgeTest : public testing::TestWithParam<Row> {};

TEST_P(JudgeTest, DecidesWhatToDoNext) {
  const Row& row = GetParam();
  const Verdict verdict = judge(Error(row.code), row.stage);
  EXPECT_EQ(verdict.next, row.next) << info(row.code).name;
  EXPECT_EQ(verdict.metadata_is_stale, row.metadata_is_stale) << info(row.code).name;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, JudgeTest,
    testing::Values(Row{Errc::kDiskFull, Stage::kAnswered, NextStep::kRetry, false},
                    Row{Errc::kOverloaded, Stage::kAnswered, NextStep::kRetry, false},
                    Row{Errc::kOverloaded, Stage::kNotSent, NextStep::kRetry, false},
                    Row{Errc::kTimeout, Stage::kAnswered, NextStep::kRetry, true},
                    Row{Errc::kTimeout, Stage::kSent, NextStep::kRetry, true},
                    Row{Errc::kConnectionLost, Stage::kSent, NextStep::kRetry, true},
                    Row{Errc::kNotLeader, Stage::kAnswered, NextStep::kRetry, true},
                    Row{Errc::kStaleEpoch, Stage::kAnswered, NextStep::kRetry, true},
                    Row{Errc::kUnknownTopic, Stage::kAnswered, NextStep::kRetry, true},
                    Row{Errc::kUnknownPartition, Stage::kAnswered, NextStep::kRetry, true},
                    Row{Errc::kShuttingDown, Stage::kAnswered, NextStep::kRetry, true},
                    Row{Errc::kNotReady, Stage::kAnswered, NextStep::kRetry, true},
                    Row{Errc::kBadChecksum, Stage::kAnswered, NextStep::kRetry, false},
                    Row{Errc::kRecordTooLarge, Stage::kAnswered, NextStep::kSplit, false},
                    Row{Errc::kBatchTooLarge, Stage::kAnswered, NextStep::kSplit, false},
                    Row{Errc::kInvalidBatch, Stage::kAnswered, NextStep::kSplit, false},
                    Row{Errc::kFrameTooLarge, Stage::kNotSent, NextStep::kSplit, false},
                    Row{Errc::kUnsupportedCompression, Stage::kAnswered, NextStep::kGiveUp, false},
                    Row{Errc::kPartitionDamaged, Stage::kAnswered, NextStep::kGiveUp, false},
                    Row{Errc::kIoError, Stage::kAnswered, NextStep::kGiveUp, false},
                    Row{Errc::kFsyncFailed, Stage::kAnswered, NextStep::kGiveUp, false},
                    Row{Errc::kInternal, Stage::kAnswered, NextStep::kGiveUp, false},
                    Row{Errc::kBadFrame, Stage::kSent, NextStep::kGiveUp, false},
                    Row{Errc::kCancelled, Stage::kSent, NextStep::kGiveUp, false}));

}  // namespace
}  // namespace penstock::client
