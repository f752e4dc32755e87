#include "tools/dispatch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace penstock::tools {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

struct Outcome {
  ExitCode code;
  std::string out;
  std::string err;
  std::string ran;  // the command, and what it was given
};

Outcome run(std::vector<std::string> words) {
  Outcome outcome{};
  const auto record = [&outcome](std::string name) {
    return [&outcome, name](const Arguments& arguments) -> Result<ExitCode> {
      outcome.ran = name;
      for (const std::string& operand : arguments.operands()) outcome.ran += " " + operand;
      outcome.ran += " at " + arguments.text("bootstrap");
      return ExitCode::kOk;
    };
  };
  const std::vector<FlagSpec> flags = {{.name = "bootstrap",
                                        .value = "HOST:PORT",
                                        .default_value = "here",
                                        .meaning = "a broker",
                                        .environment = "PENSTOCK_BOOTSTRAP"}};
  const std::vector<Command> commands = {
      {.name = "topic create",
       .operands = "NAME",
       .summary = "makes a topic",
       .min_operands = 1,
       .max_operands = 1,
       .flags = flags,
       .run = record("create")},
      {.name = "topic list", .summary = "shows topics", .flags = flags, .run = record("list")},
      {.name = "verify",
       .operands = "TOPIC",
       .summary = "compares",
       .max_operands = 1,
       .run = [](const Arguments&) -> Result<ExitCode> { return ExitCode::kFailed; }},
      {.name = "reach",
       .summary = "fails",
       .run = [](const Arguments&) -> Result<ExitCode> {
         return fail(Error(Errc::kConnectFailed, "connect to here: refused").context("reach"));
       }},
  };
  std::ostringstream out;
  std::ostringstream err;
  outcome.code = dispatch(words, commands, out, err);
  outcome.out = out.str();
  outcome.err = err.str();
  return outcome;
}

TEST(DispatchTest, RunsTheCommandWithItsOperands) {
  const Outcome outcome = run({"topic", "create", "orders"});
  EXPECT_EQ(outcome.code, ExitCode::kOk);
  EXPECT_EQ(outcome.ran, "create orders at here");
  EXPECT_THAT(outcome.out, IsEmpty());
  EXPECT_THAT(outcome.err, IsEmpty());
}

TEST(DispatchTest, FlagsMayStandBeforeTheCommand) {
  EXPECT_EQ(run({"--bootstrap", "there", "topic", "list"}).ran, "list at there");
  EXPECT_EQ(run({"--bootstrap=there", "topic", "list"}).ran, "list at there");
}

TEST(DispatchTest, AMisspeltCommandIsAUsageErrorWithASuggestion) {
  const Outcome outcome = run({"tpoic", "list"});
  EXPECT_EQ(outcome.code, ExitCode::kUsage);
  EXPECT_EQ(outcome.err,
            "penstock: unknown command 'tpoic'; did you mean 'topic'?\nsee: penstock help\n");
  EXPECT_THAT(run({"topic", "craete", "a"}).err, HasSubstr("did you mean 'topic create'?"));
}

TEST(DispatchTest, AnUnknownFlagNamesTheNearestAndTheUsage) {
  const Outcome outcome = run({"topic", "create", "a", "--bootstarp=x"});
  EXPECT_EQ(outcome.code, ExitCode::kUsage);
  EXPECT_THAT(outcome.ran, IsEmpty());
  EXPECT_EQ(outcome.err,
            "penstock: unknown flag --bootstarp: did you mean --bootstrap?\n"
            "usage: penstock topic create NAME [flags]\nsee: penstock help topic create\n");
}

TEST(DispatchTest, MissingAndSuperfluousOperandsAreUsageErrors) {
  EXPECT_THAT(run({"topic", "create"}).err, StartsWith("penstock: topic create needs NAME\n"));
  EXPECT_THAT(run({"topic", "create", "a", "b"}).err, HasSubstr("'b' is one operand too many"));
  EXPECT_EQ(run({"topic", "create", "a", "b"}).code, ExitCode::kUsage);
}

TEST(DispatchTest, AnErrorIsPrintedOnceWithWhatToDo) {
  const Outcome outcome = run({"reach"});
  EXPECT_EQ(outcome.code, ExitCode::kUnreachable);
  EXPECT_THAT(outcome.err, AllOf(StartsWith("penstock: reach: connect to here: refused "
                                            "(ConnectFailed)\nhint: is the broker running?"),
                                 HasSubstr("penstock up")));
}

TEST(DispatchTest, ADifferenceIsAnExitCodeWithoutAnErrorText) {
  const Outcome outcome = run({"verify"});
  EXPECT_EQ(outcome.code, ExitCode::kFailed);
  EXPECT_THAT(outcome.err, IsEmpty());
}

TEST(DispatchTest, HelpThatWasAskedForGoesToStandardOutput) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--help"}, {"help"}, {"-h"}}) {
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.code, ExitCode::kOk);
    EXPECT_THAT(outcome.out, AllOf(HasSubstr("topic create"), HasSubstr("makes a topic"),
                                   HasSubstr("Exit codes:")));
  }
  const Outcome nothing = run({});
  EXPECT_EQ(nothing.code, ExitCode::kUsage);
  EXPECT_THAT(nothing.err, HasSubstr("usage: penstock COMMAND"));
}

TEST(DispatchTest, HelpOfACommandShowsFlagDefaultMeaningAndVariable) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"help", "topic", "create"}, {"topic", "create", "--help"}}) {
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.code, ExitCode::kOk);
    EXPECT_THAT(outcome.out, AllOf(HasSubstr("usage: penstock topic create NAME [flags]"),
                                   HasSubstr("--bootstrap=HOST:PORT  a broker (default here) "
                                             "[$PENSTOCK_BOOTSTRAP]")));
  }
}

TEST(DispatchTest, AGroupAloneListsItsCommands) {
  const Outcome outcome = run({"help", "topic"});
  EXPECT_EQ(outcome.code, ExitCode::kOk);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("topic create"), HasSubstr("topic list")));
  EXPECT_EQ(run({"topic"}).code, ExitCode::kUsage);
}

TEST(DispatchTest, TellsItsVersion) {
  EXPECT_THAT(run({"--version"}).out, StartsWith("penstock "));
  EXPECT_EQ(run({"--version"}).code, ExitCode::kOk);
}

}  // namespace
}  // namespace penstock::tools
