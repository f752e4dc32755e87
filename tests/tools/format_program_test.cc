#include "tools/format_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/sample_record.h"

namespace penstock::tools {
namespace {

using ::testing::HasSubstr;

std::string formatted(std::string_view format, const SampleRecord& record) {
  const auto program = FormatProgram::parse(format);
  if (!program) return program.error().message();
  std::string out;
  program->run(record.located(), out);
  return out;
}

TEST(FormatProgramTest, EveryDirective) {
  const SampleRecord record("k1", "hello", {{"source", as_bytes("web")}, {"empty", std::nullopt}});
  EXPECT_EQ(formatted("%t %p %o %k %s\\n", record), "orders 3 17 k1 hello\n");
  EXPECT_EQ(formatted("%T", record), "1714566600000");
  EXPECT_EQ(formatted("%h", record), "source=web,empty=");
  EXPECT_EQ(formatted("%K/%S", record), "2/5");
}

TEST(FormatProgramTest, NullHasNoTextAndSizeMinusOne) {
  EXPECT_EQ(formatted("[%k][%s] %K %S", SampleRecord(std::nullopt, std::nullopt)), "[][] -1 -1");
  EXPECT_EQ(formatted("[%k][%s] %K %S", SampleRecord("", "")), "[][] 0 0");
}

TEST(FormatProgramTest, EscapesAndPercentSigns) {
  const SampleRecord record("k", "v");
  EXPECT_EQ(formatted("100%% \\t\\\\\\r\\x41\\x0a|", record), "100% \t\\\rA\n|");
  EXPECT_EQ(formatted("\\0", record), std::string(1, '\0'));
  EXPECT_EQ(formatted("", record), "");
  EXPECT_EQ(formatted("no directive", record), "no directive");
}

TEST(FormatProgramTest, ValuesAreNotInterpreted) {
  EXPECT_EQ(formatted("%s", SampleRecord("k", "%k \\n")), "%k \\n");
}

TEST(FormatProgramTest, FaultsAreNamedAndPlaced) {
  const SampleRecord record("k", "v");
  EXPECT_THAT(formatted("%o %z", record), HasSubstr("%z at position 4"));
  EXPECT_THAT(formatted("%o %", record), HasSubstr("a lone % at the end"));
  EXPECT_THAT(formatted("ab\\q", record), HasSubstr("unknown escape at position 3"));
  EXPECT_THAT(formatted("\\", record), HasSubstr("unknown escape at position 1"));
  EXPECT_THAT(formatted("\\x4", record), HasSubstr("unknown escape"));
  EXPECT_THAT(formatted("\\xg0", record), HasSubstr("unknown escape"));
}

}  // namespace
}  // namespace penstock::tools
