// How programs answer what was typed behind their names.
#include "base/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <sstream>

namespace penstock {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

#define PLANT_FLAG_TABLE(X)                                                                   \
  X(string, data_dir, "DIR", "", "required", "Folder of everything.")                         \
  X(uint32, shards, "N", 0, "0", "Threads.")                                                  \
  X(uint64, limit_mb, "MIB", 512, "512",                                                      \
    "Memory, in MiB, of which there is never enough so "                                      \
    "that this meaning is longer than a line of a terminal and has to be wrapped somewhere.") \
  X(double, seconds, "S", 1, "1", "How long.")                                                \
  X(bool, once, "", false, "false", "Then end.")

constexpr auto kFlags = std::to_array<ProgramFlag>({PLANT_FLAG_TABLE(PENSTOCK_FLAG_ROW)});
constexpr auto kExits = std::to_array<ProgramExit>({{0, "done"}, {1, "failed; look at the log"}});
constexpr auto kCommands =
    std::to_array<ProgramCommand>({{"archive", "Keep."}, {"verify", "Prove."}});
constexpr Program kPlain{.name = "plantd",
                         .version = "1.2.3",
                         .summary = "runs a plant",
                         .usage = "--data_dir=DIR [--flag=value ...]",
                         .flags = kFlags,
                         .exits = kExits};
constexpr Program kWithCommands{.name = "plant-worker",
                                .version = "1.2.3",
                                .summary = "works in a plant",
                                .usage = "COMMAND [--flag=value ...]",
                                .flags = kFlags,
                                .exits = kExits,
                                .commands = kCommands};

using Words = std::vector<std::string_view>;

struct Answer {
  std::expected<std::string, int> go;
  std::string out;
  std::string err;
};

Answer answer(const Program& program, const Words& words) {
  std::vector<const char*> argv = {"program"};
  for (const std::string_view word : words) argv.push_back(word.data());
  std::ostringstream out;
  std::ostringstream err;
  auto go = command_or_exit(program, static_cast<int>(argv.size()), argv.data(), out, err);
  return {std::move(go), out.str(), err.str()};
}

TEST(CommandLine, WhatGflagsUnderstandsIsLetThrough) {
  for (const Words& words : std::vector<Words>{{},
                                               {"--data_dir=/x", "-shards=2"},
                                               {"--data_dir", "/x", "--shards", "2"},
                                               {"--data_dir="},
                                               {"--once", "--noonce", "--once=true"},
                                               {"--limit_mb=18446744073709551615"},
                                               {"--seconds=0.5"}}) {
    const Answer got = answer(kPlain, words);
    EXPECT_EQ(got.go, "") << got.err;
  }
}

TEST(CommandLine, TheCommandMayStandAnywhere) {
  EXPECT_EQ(answer(kWithCommands, {"archive", "--shards=1"}).go, "archive");
  EXPECT_EQ(answer(kWithCommands, {"--shards", "1", "verify", "--once"}).go, "verify");
}

struct Refused {
  Words words;
  const char* told;
  friend void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.told; }
};

class CommandLineRefuses : public testing::TestWithParam<Refused> {};

TEST_P(CommandLineRefuses, InOneLineThatSaysWhatToDo) {
  const Answer got = answer(kPlain, GetParam().words);
  EXPECT_EQ(got.go, std::unexpected(kExitUsage));
  EXPECT_THAT(got.out, IsEmpty());
  const std::string told = GetParam().told;
  const std::string see = told.ends_with('?') ? " See" : "; see";
  EXPECT_EQ(got.err, "plantd: " + told + see + " plantd --help\n");
}

INSTANTIATE_TEST_SUITE_P(
    Words, CommandLineRefuses,
    testing::Values(
        Refused{{"--nope"}, "unknown flag --nope"},
        Refused{{"--data-dir=/x"}, "unknown flag --data-dir; did you mean --data_dir?"},
        Refused{{"--data_di=/x"}, "unknown flag --data_di; did you mean --data_dir?"},
        Refused{{"--nodata_dir"}, "unknown flag --nodata_dir; did you mean --data_dir?"},
        Refused{{"--flagfile=/x"}, "unknown flag --flagfile"},
        Refused{{"--data_dir"}, "--data_dir needs a value: --data_dir=DIR"},
        Refused{{"--limit_mb", "--once"}, "--limit_mb needs a value: --limit_mb=MIB"},
        Refused{{"--shards=x"}, "--shards takes a whole number from 0 to 4294967295, not 'x'"},
        Refused{{"--shards", "-1"}, "--shards takes a whole number from 0 to 4294967295, not '-1'"},
        Refused{{"--shards=4294967296"},
                "--shards takes a whole number from 0 to 4294967295, not '4294967296'"},
        Refused{{"--limit_mb=1G"}, "--limit_mb takes a whole number from 0 on, not '1G'"},
        Refused{{"--limit_mb="}, "--limit_mb takes a whole number from 0 on, not ''"},
        Refused{{"--seconds=nan"}, "--seconds takes a number, not 'nan'"},
        Refused{{"--once=maybe"}, "--once takes true or false, not 'maybe'"},
        Refused{{"data"}, "'data' is no flag, and no other words are taken"},
        Refused{{"--"}, "'--' is no flag, and no other words are taken"}));

TEST(CommandLine, CommandsAreCheckedToo) {
  EXPECT_THAT(answer(kWithCommands, {}).err,
              HasSubstr("a command is missing; usage: plant-worker"));
  EXPECT_THAT(answer(kWithCommands, {"archiv"}).err,
              HasSubstr("unknown command 'archiv'; did you mean 'archive'?"));
  EXPECT_THAT(answer(kWithCommands, {"dance"}).err,
              HasSubstr("unknown command 'dance'; see plant-worker --help\n"));
  EXPECT_THAT(answer(kWithCommands, {"archive", "verify"}).err, HasSubstr("'verify' is one word"));
}

TEST(CommandLine, HelpAndVersionCountWhereverTheyStand) {
  for (const Words& words : std::vector<Words>{
           {"--help"}, {"-h"}, {"help"}, {"archive", "--help"}, {"--nope", "--help"}}) {
    const Answer got = answer(kWithCommands, words);
    EXPECT_EQ(got.go, std::unexpected(0));
    EXPECT_EQ(got.out, help_text(kWithCommands));
    EXPECT_THAT(got.err, IsEmpty());
  }
  EXPECT_EQ(answer(kPlain, {"--version"}).out, "plantd 1.2.3\n");
}

TEST(CommandLine, HelpHasEverythingAndFitsATerminal) {
  EXPECT_EQ(help_text(kWithCommands),
            R"(plant-worker: works in a plant

usage: plant-worker COMMAND [--flag=value ...]

Commands
  archive  Keep.
  verify   Prove.

Flags
  --data_dir=DIR     Folder of everything. (required)
  --shards=N         Threads. (default 0)
  --limit_mb=MIB     Memory, in MiB, of which there is never enough so that this meaning is longer
                     than a line of a terminal and has to be wrapped somewhere. (default 512)
  --seconds=S        How long. (default 1)
  --once             Then end. (default false)
  --help, --version  Say this, or which build it is.

Exit codes
  0  done
  1  failed
)");
}

TEST(CommandLine, AValueThatIsFoundWrongLaterIsToldAlike) {
  EXPECT_EQ(usage_failure(kPlain, {Errc::kInvalidArgument, "--shards is 0 to 64"}),
            "plantd: --shards is 0 to 64; see plantd --help\n");
}

}  // namespace
}  // namespace penstock
