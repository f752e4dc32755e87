#include "broker/server/data_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/fake_env.h"

namespace penstock::broker {
namespace {

using testing::HasSubstr;

class DataDirTest : public testing::Test {
 protected:
  Result<DataDir> open(NewFolder kind = NewFolder::kBeginsCluster) {
    return DataDir::open(env_, "/data", kind, rng_);
  }

  fakes::FakeEnv env_;
  Rng rng_{1};
};

TEST_F(DataDirTest, AFreshFolderGetsAnIdentityThatStays) {
  const NodeIdentity first = open().value().identity();
  EXPECT_FALSE(first.cluster_id.is_nil());
  EXPECT_NE(first.cluster_id, first.directory_id);
  const auto again = open();
  ASSERT_TRUE(again) << again.error().to_string();
  EXPECT_EQ(again->identity(), first);
  EXPECT_FALSE(again->created());
}

TEST_F(DataDirTest, OneBrokerAtATime) {
  const auto held = open();
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Errc::kLocked);
  EXPECT_THAT(second.error().message(), HasSubstr("--data_dir"));
}

TEST_F(DataDirTest, AForeignFolderIsRefusedAndLeftAsItIs) {
  ASSERT_TRUE(env_.create_dirs("/data"));
  env_.put("/data/holiday.jpg", as_bytes("sea"));
  const auto before = env_.files("/data");
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Errc::kForeignData);
  EXPECT_THAT(opened.error().message(), HasSubstr("holiday.jpg"));
  EXPECT_EQ(env_.files("/data"), before);
}

TEST_F(DataDirTest, TopicsWithoutANodeFileAreNotAFreshFolder) {
  ASSERT_TRUE(open());
  env_.sync_everything();
  env_.remove("/data/node");
  EXPECT_EQ(open().error().code(), Errc::kForeignData);
}

TEST_F(DataDirTest, AFolderThatJoinsIsNobodyUntilItIsTold) {
  const Uuid cluster = *Uuid::parse("000102030405060708090a0b0c0d0e0f");
  Uuid directory;
  {
    auto dir = open(NewFolder::kJoinsCluster);
    ASSERT_TRUE(dir);
    EXPECT_FALSE(dir->is_member());
    directory = dir->identity().directory_id;
  }
  {
    // The controller may know it by its directory already: that must never change.
    auto again = open(NewFolder::kJoinsCluster);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->identity().directory_id, directory);
    ASSERT_TRUE(again->become_member(cluster, 7));
  }
  const auto member = open(NewFolder::kJoinsCluster);
  ASSERT_TRUE(member);
  EXPECT_EQ(member->identity(), (NodeIdentity{cluster, 7, directory}));
}

TEST_F(DataDirTest, AFolderThatWasToJoinNeverBeginsAClusterBySurprise) {
  ASSERT_TRUE(open(NewFolder::kJoinsCluster));
  const auto opened = open(NewFolder::kBeginsCluster);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message(), HasSubstr("--cluster_seed"));
}

TEST_F(DataDirTest, ADamagedNodeFileIsNotOverwritten) {
  ASSERT_TRUE(open());
  env_.put("/data/node", as_bytes("penstock-node 1\nrubbish\n"));
  EXPECT_EQ(open().error().code(), Errc::kCorrupt);
  EXPECT_EQ(as_text(*env_.contents("/data/node")), "penstock-node 1\nrubbish\n");
}

TEST_F(DataDirTest, ACreationCutShortAnywhereIsCompletedByTheNextStart) {
  std::uint64_t kills = 0;
  for (std::uint64_t at = 0;; ++at) {
    fakes::FakeEnv env;
    Rng rng(at + 1);
    env.plan_fault({.fault = fakes::Fault::kKill, .at_call = at});
    std::optional<NodeIdentity> told;
    if (const auto opened = DataDir::open(env, "/data", NewFolder::kBeginsCluster, rng))
      told = opened->identity();
    if (!env.fault_happened()) break;
    ++kills;
    env.crash(fakes::Survives::kRandomPart, rng);
    const auto reopened = DataDir::open(env, "/data", NewFolder::kBeginsCluster, rng);
    ASSERT_TRUE(reopened) << "killed at call " << at << ": " << reopened.error().to_string();
    if (told) EXPECT_EQ(reopened->identity(), *told);
    EXPECT_TRUE(env.exists("/data/topics").value());
  }
  EXPECT_GT(kills, 8U);
}

}  // namespace
}  // namespace penstock::broker
