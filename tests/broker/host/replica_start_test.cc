// Stories of where a log begins: exactly where it was asked for, for readers; at a batch, for those
// who are sent it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/record/builder.h"
#include "tests/broker/host/cluster.h"
#include "tests/storage/expect.h"

namespace penstock::broker {
namespace {

using fakes::Survives;
using testing::IsEmpty;

const TopicPartition kPartition{*Uuid::parse("000102030405060708090a0b0c0d0e0f"), PartitionId(0)};

Bytes batch_of(int records) {
  record::BatchBuilder builder;
  for (int i = 0; i < records; ++i) {
    builder.append(Timestamp(1'000 + i), std::nullopt, as_bytes("a record of several"));
  }
  return *builder.build();
}

class LogStartTest : public testing::Test {
 protected:
  static void append(Cluster& cluster, Member& member, int batches) {
    for (int i = 0; i < batches; ++i) {
      Bytes batch = batch_of(5);
      ASSERT_OK(member->append(batch));
      cluster.drain(member);
    }
    cluster.run(50);
  }
  // Brokers 2 and 3 come to hold it as well, and see the same beginning.
  static void grow(Cluster& cluster, Offset start) {
    for (const int id : {2, 3}) {
      Member& member = cluster.add(raft::NodeId(id));
      member.knows_nobody = true;
      ASSERT_OK(cluster.start(member));
    }
    Member& first = cluster.elect();
    ASSERT_OK(first->change_membership(nodes({1}), nodes({2, 3})));
    cluster.drain(first);
    ASSERT_TRUE(cluster.run_until([&] { return cluster.differences().empty(); }))
        << cluster.differences();
    cluster.run(300);
    ASSERT_OK(first->change_membership(nodes({1, 2, 3}), {}));
    cluster.drain(first);
    cluster.run(1'000);
    for (auto& [id, member] : cluster.members()) {
      EXPECT_EQ(member->log_start(), start) << id.value();
      EXPECT_EQ(member->group().membership().voters, nodes({1, 2, 3})) << id.value();
      EXPECT_EQ(member->read(start - 1, 1, member->committed(), false).error().code(),
                Errc::kOffsetOutOfRange);
      EXPECT_OK(member->read(start, 1, member->committed(), false));
    }
    cluster.stop(first);
    ASSERT_TRUE(cluster.produce(3)) << "they go on without the first one";
  }
};

TEST_F(LogStartTest, ALogThatBeginsInsideABatchIsCopiedWhole) {
  Cluster cluster(nodes({1}));
  cluster.has_state = false;
  Member& first = cluster.node(1);
  ASSERT_OK(cluster.start(first));
  cluster.elect();
  append(cluster, first, 10);
  ASSERT_EQ(first->delete_records(Offset(12), BeginsAt::kRecord), Offset(12));
  EXPECT_EQ(first->log_start(), Offset(12));
  EXPECT_EQ(first->log().log_start(), Offset(10)) << "where the batch begins";
  for (const Survives survives : {Survives::kNothingUnsynced, Survives::kEverything}) {
    cluster.restart(first, survives);
    EXPECT_EQ(first->log_start(), Offset(12));
    cluster.elect();
    EXPECT_EQ(first->log_start(), Offset(12));
  }
  grow(cluster, Offset(12));
  EXPECT_THAT(cluster.violations(), IsEmpty());
}

TEST_F(LogStartTest, TheBeginningOnlyMovesForward) {
  Cluster cluster(nodes({1}));
  Member& first = cluster.node(1);
  ASSERT_OK(cluster.start(first));
  cluster.elect();
  append(cluster, first, 10);
  ASSERT_EQ(first->delete_records(Offset(13), BeginsAt::kRecord), Offset(13));
  EXPECT_EQ(first->delete_records(Offset(11), BeginsAt::kRecord), Offset(13));
  EXPECT_EQ(first->delete_records(Offset(14), BeginsAt::kBatch), Offset(13));
  EXPECT_EQ(first->delete_records(Offset(14), BeginsAt::kRecord), Offset(14));
  EXPECT_EQ(first->delete_records(Offset(15), BeginsAt::kRecord), Offset(15));
  EXPECT_EQ(first->log().log_start(), Offset(15));
  EXPECT_EQ(first->delete_records(Offset(50), BeginsAt::kRecord), Offset(50)) << "all of it";
  cluster.restart(first, Survives::kNothingUnsynced);
  EXPECT_EQ(first->log_start(), Offset(50));
}

TEST_F(LogStartTest, ALogOfBeforeThatBeginsInsideABatchIsMended) {
  Cluster cluster(nodes({1}));
  cluster.has_state = false;
  Member& first = cluster.node(1);
  {
    auto opened = storage::Log::open(*first.env, cluster.clock, kReplicaDir, {kPartition},
                                     cluster.log_options);
    ASSERT_OK(opened);
    for (int i = 0; i < 10; ++i) {
      Bytes batch = batch_of(5);
      ASSERT_OK(opened->log->append(batch, Term(0)));
    }
    ASSERT_OK(opened->log->flush());
    ASSERT_OK(opened->log->truncate_prefix(Offset(12)));
    ASSERT_OK(opened->log->close());
  }
  for (int life = 0; life < 3; ++life) {
    ASSERT_OK(cluster.start(first));
    EXPECT_EQ(first->log_start(), Offset(12)) << "as before";
    EXPECT_EQ(first->log().log_start(), Offset(10));
    EXPECT_FALSE(first->is_damaged());
    cluster.elect();
    EXPECT_EQ(first->log_start(), Offset(12));
    cluster.crash(first, Survives::kNothingUnsynced);
  }
  ASSERT_OK(cluster.start(first));
  cluster.elect();
  grow(cluster, Offset(12));
  EXPECT_THAT(cluster.violations(), IsEmpty());
}

TEST_F(LogStartTest, FollowersLearnWhereTheLeadersLogBegins) {
  Cluster trio(nodes({1, 2, 3}));
  trio.has_state = false;
  trio.start_everyone();
  Member& leader = trio.elect();
  append(trio, leader, 10);
  Member& away = trio.node(leader.id.value() == 1 ? 2 : 1);
  trio.stop(away);
  // Two records behind the beginning of some batch, whatever opened the term.
  const Offset start = leader->committed() - 13;
  ASSERT_EQ(leader->delete_records(start, BeginsAt::kRecord), start);
  trio.run(300);
  Member& third = trio.node(6 - leader.id.value() - away.id.value());
  EXPECT_EQ(third->log_start(), start);
  ASSERT_OK(trio.start(away));
  EXPECT_LT(away->log_start(), start);
  trio.run(1'000);
  EXPECT_EQ(away->log_start(), start);
  // Whoever leads next shows nothing that was deleted.
  trio.stop(leader);
  EXPECT_EQ(trio.elect()->log_start(), start);
  for (Member* member : {&away, &third}) {
    trio.restart(*member, Survives::kNothingUnsynced);
    EXPECT_EQ((*member)->log_start(), start);
  }
  EXPECT_THAT(trio.violations(), IsEmpty());
}

TEST_F(LogStartTest, AFollowerDeletesNothingThatItDoesNotHaveYet) {
  Cluster trio(nodes({1, 2, 3}));
  trio.has_state = false;
  trio.start_everyone();
  Member& leader = trio.elect();
  append(trio, leader, 4);
  Member& slow = trio.node(leader.id.value() == 1 ? 2 : 1);
  slow.holds_flushes = true;
  const Offset had = slow->durable_end();
  append(trio, leader, 4);
  ASSERT_EQ(leader->delete_records(leader->committed(), BeginsAt::kRecord), leader->committed());
  trio.run(100);
  EXPECT_LT(slow->log_start(), had);
  slow.holds_flushes = false;
  trio.run(500);
  EXPECT_EQ(slow->log_start(), leader->log_start());
  EXPECT_THAT(trio.violations(), IsEmpty());
}

TEST_F(LogStartTest, AStateMachineDecidesForItselfWhatItNeeds) {
  Cluster trio(nodes({1, 2, 3}));
  trio.start_everyone();
  Member& leader = trio.elect();
  append(trio, leader, 10);
  ASSERT_OK(leader->delete_records(Offset(20)));
  trio.run(500);
  for (auto& [id, member] : trio.members()) {
    if (&member != &leader) EXPECT_EQ(member->log_start(), Offset(0)) << id.value();
  }
}

}  // namespace
}  // namespace penstock::broker
