#include "tools/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::tools {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

TEST(ReportTest, ScriptsCanTellTheKindsOfFailureApart) {
  EXPECT_EQ(exit_code(Errc::kInvalidArgument), ExitCode::kUsage);
  EXPECT_EQ(exit_code(Errc::kConnectFailed), ExitCode::kUnreachable);
  EXPECT_EQ(exit_code(Errc::kCancelled), ExitCode::kInterrupted);
  EXPECT_EQ(exit_code(Errc::kUnknownTopic), ExitCode::kFailed);
  EXPECT_EQ(exit_code(Errc::kMismatch), ExitCode::kFailed);
}

TEST(ReportTest, AFailureNamesItsCodeAndTheNextStep) {
  const std::string text =
      failure_text(Error(Errc::kUnknownTopic, "produce to 'orders': no such topic"));
  EXPECT_EQ(
      text,
      "penstock: produce to 'orders': no such topic (UnknownTopic)\n"
      "hint: penstock topic list shows the topics there are; penstock topic create NAME makes "
      "one\n");
}

TEST(ReportTest, AUsageErrorSpeaksForItself) {
  EXPECT_EQ(failure_text(Error(Errc::kInvalidArgument, "unknown flag --x")),
            "penstock: unknown flag --x\n");
}

TEST(ReportTest, AnExcerptIsShownAsItIs) {
  EXPECT_EQ(failure_text(Error(Errc::kSqlError, "sql: no column x\nLINE 1: select x\n")),
            "penstock: sql: no column x\nLINE 1: select x\n");
}

TEST(ReportTest, EveryHintIsOneLine) {
  for (const ErrcInfo& row : errc_table()) {
    const auto text = hint(Error(row.code));
    if (text) EXPECT_THAT(*text, ::testing::Not(HasSubstr("\n"))) << row.name;
  }
}

}  // namespace
}  // namespace penstock::tools
