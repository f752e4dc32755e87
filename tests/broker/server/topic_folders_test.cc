#include "broker/server/topic_folders.h"

#include <gtest/gtest.h>

#include "fakes/fake_env.h"

namespace penstock::broker {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;

// A broker with one partition, of which it is no replica any more.
class TrashedReplica : public testing::Test {
 protected:
  TrashedReplica() {
    topic_.id = *Uuid::parse("000102030405060708090a0b0c0d0e0f");
    topic_.name = "orders";
    topic_.partitions = 1;
  }

  // The replica's folder, with something in it.
  void come() {
    ASSERT_TRUE(env_.create_dirs(dir_.partition_dir(topic_, PartitionId(0))));
    env_.put(dir_.partition_dir(topic_, PartitionId(0)) + "/00000000000000000000.log",
             as_bytes("records"));
  }
  void go() { ASSERT_TRUE(folders_.trash_partition(topic_, PartitionId(0))); }
  std::size_t in_trash() { return env_.list(dir_.trash_dir()).value().size(); }

  fakes::FakeEnv env_;
  FakeClock clock_;
  Rng rng_{1};
  DataDir dir_ = DataDir::open(env_, "/data", NewFolder::kBeginsCluster, rng_).value();
  TopicFolders folders_{dir_, clock_, [](const TopicPartition&) { return std::nullopt; }, 1};
  TopicImage topic_;
};

TEST_F(TrashedReplica, LeavesTrashWhenItsTimeIsOver) {
  come();
  go();
  EXPECT_TRUE(folders_.folders_of(topic_).value().empty());
  EXPECT_EQ(folders_.empty_old_trash(clock_.wall()).value(), 0U) << "it has just come";
  EXPECT_EQ(in_trash(), 1U);
  clock_.advance_ms(kHourMs);
  EXPECT_EQ(folders_.empty_old_trash(clock_.wall()).value(), 1U);
  EXPECT_EQ(in_trash(), 0U);
}

TEST_F(TrashedReplica, EachCopyHasItsOwnTime) {
  come();
  go();
  clock_.advance_ms(kHourMs);
  come();  // it was placed here once more
  go();
  EXPECT_EQ(in_trash(), 2U);
  EXPECT_EQ(folders_.empty_old_trash(clock_.wall()).value(), 1U);
  EXPECT_EQ(in_trash(), 1U);
}

TEST_F(TrashedReplica, WhatElseIsInTrashStays) {
  come();
  ASSERT_TRUE(folders_.trash(topic_.id, topic_.name));  // a deleted topic, with all that is in it
  clock_.advance_ms(kHourMs);
  EXPECT_EQ(folders_.empty_old_trash(clock_.wall()).value(), 0U);
  EXPECT_EQ(in_trash(), 1U);
}

}  // namespace
}  // namespace penstock::broker
