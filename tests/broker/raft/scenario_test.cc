// Runs scenarios/*.txt: one story for each way in which a replicated log was ever lost, split or
// stopped. scenario_runner.h explains the language; PENSTOCK_REWRITE=1 writes what happens into the
// files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

#include "tests/broker/raft/scenario_runner.h"

namespace penstock::raft {
namespace {

namespace fs = std::filesystem;

std::string read_all(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::set<fs::path> scripts() {
  std::set<fs::path> found;
  const char* const source = std::getenv("PENSTOCK_SOURCE_DIR");
  if (source == nullptr) return found;
  for (const auto& entry :
       fs::directory_iterator(fs::path(source) / "tests/broker/raft/scenarios")) {
    if (entry.path().extension() == ".txt") found.insert(entry.path());
  }
  return found;
}

std::string all_of(const std::vector<std::string>& failures) {
  std::string text;
  for (const std::string& failure : failures) text += "\n  " + failure;
  return text;
}

class RaftStory : public ::testing::TestWithParam<fs::path> {
 protected:
  static void TearDownTestSuite() {
    std::cout << "RAFTSCENARIOS files=" << files << " commands=" << commands << "\n";
  }
  static inline int files = 0;
  static inline int commands = 0;
};

TEST_P(RaftStory, GoesAsWritten) {
  const std::string script = read_all(GetParam());
  const ScenarioResult result = run_scenario(script);
  ++files;
  commands += result.commands;
  EXPECT_TRUE(result.failures.empty()) << all_of(result.failures);
  EXPECT_EQ(result.text, run_scenario(script).text) << "it differs when repeated";
  if (std::getenv("PENSTOCK_REWRITE") != nullptr) std::ofstream(GetParam()) << result.text;
  EXPECT_EQ(result.text, read_all(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Scenarios, RaftStory, ::testing::ValuesIn(scripts()),
                         [](const auto& story) { return story.param.stem().string(); });

TEST(RaftScenario, ThereIsAStoryForEveryKnownClassOfBugs) {
  EXPECT_GE(scripts().size(), 40U) << "run through ctest, or set PENSTOCK_SOURCE_DIR";
}

// --- the language itself

TEST(RaftScenario, AFalseExpectationFailsWhateverIsWritten) {
  const auto result = run_scenario("# A story.\nnodes 3\n\nexpect leader n1\n");
  ASSERT_EQ(result.failures.size(), 1U) << all_of(result.failures);
  EXPECT_EQ(result.failures.front(), "expect leader n1: it is not so; found: nobody");
}

TEST(RaftScenario, WhatIsMisspelledFails) {
  for (const char* const command :
       {"stabilise", "tick n9 100", "tick n1", "nodes 3 learner=1", "propose n1 cuont=2",
        "deliver n1->n2 type=apend", "expect leadr n1", "crash nodes"}) {
    const auto result =
        run_scenario("# A story.\nnodes 3\n" + std::string(command) + "\nexpect leader none\n");
    EXPECT_FALSE(result.failures.empty()) << command;
  }
}

TEST(RaftScenario, ARefusalFailsASilentParagraphAndIsToldInAShownOne) {
  EXPECT_FALSE(
      run_scenario("# A story.\nnodes 3\npropose n1\n\nexpect end n1 0\n").failures.empty());
  const auto shown = run_scenario("# A story.\nnodes 3\n\npropose n1\n----\n\nexpect end n1 0\n");
  EXPECT_TRUE(shown.failures.empty()) << all_of(shown.failures);
  EXPECT_NE(shown.text.find("----\nrefused NotLeader\n"), std::string::npos) << shown.text;
}

TEST(RaftScenario, AStoryWithoutABeginningOrAnEndFails) {
  EXPECT_FALSE(run_scenario("nodes 3\nexpect leader none\n").failures.empty());
  EXPECT_FALSE(run_scenario("# A story.\nnodes 3\n").failures.empty());
}

// --- what no rewrite may hide: forged answers make the core do what it must never do

std::string after_forged_votes(const std::string& candidate, const std::string& term) {
  const std::string link = "inject n2->" + candidate;
  return "campaign " + candidate + "\n" + link + " prevote-reply granted=1 term=" + term +
         "\nsave " + candidate + "\n" + link + " vote-reply granted=1 term=" + term + "\n";
}

std::string after_forged_acknowledgements(const std::string& durable) {
  std::string script;
  for (int round = 1; round < 60; ++round) {
    script += "inject n2->n1 append-reply term=1 accepted=1 durable=" + durable +
              " round=" + std::to_string(round) + "\n";
  }
  return script;
}

std::string failures_of(const std::string& script) {
  return all_of(run_scenario("# A story.\n" + script + "\nexpect not term n1 99\n").failures);
}

TEST(RaftScenario, TwoLeadersOfATermAreSeen) {
  const std::string script = "nodes 3\n" + after_forged_votes("n1", "1");
  EXPECT_EQ(failures_of(script), "");
  EXPECT_THAT(failures_of(script + after_forged_votes("n3", "1")),
              ::testing::HasSubstr("two leaders in t1: n1 and n3"));
}

TEST(RaftScenario, ACommitWithoutAMajorityOnDiskIsSeen) {
  const std::string script = "nodes 3\nelect n1\nrun 200\npropose n1\nflush n1\n";
  EXPECT_EQ(failures_of(script), "");
  EXPECT_THAT(failures_of(script + after_forged_acknowledgements("2")),
              ::testing::HasSubstr("n1 commits [1, 2) of t1 that no majority has on disk"));
}

TEST(RaftScenario, ALeaderWithoutACommittedRecordIsSeen) {
  const std::string script =
      "nodes 3\nelect n1\nrun 200\ncut n3 n1,n2\npropose n1\nstabilize\nlater n3 2000\n";
  EXPECT_EQ(failures_of(script), "");
  EXPECT_THAT(failures_of(script + after_forged_votes("n3", "2")),
              ::testing::HasSubstr("n3 leads without committed [1, 2) of t1"));
}

TEST(RaftScenario, AReadFromThePastIsSeen) {
  const std::string script =
      "nodes 3\nelect n1\nrun 200\ncut n1 n2,n3\nelect n2\nread-index n1 1\n";
  EXPECT_EQ(failures_of(script), "");
  EXPECT_THAT(failures_of(script + after_forged_acknowledgements("1")),
              ::testing::HasSubstr("n1 answers read 1 from the past"));
}

}  // namespace
}  // namespace penstock::raft
