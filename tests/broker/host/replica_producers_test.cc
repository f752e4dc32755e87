// Stories of what a replica knows of the producers that write to its log: through crashes, changes
// of leaders, logs that begin anew and records that expire.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/broker/host/cluster.h"
#include "tests/broker/host/numbered_clients.h"
#include "tests/storage/expect.h"

namespace penstock::broker {
namespace {

using fakes::Survives;
using testing::IsEmpty;

constexpr const char* kSnapshot = "/data/p0/replica.producers";
constexpr std::int64_t kAnn = 7;
constexpr std::int64_t kBob = 8;
constexpr std::int64_t kDayMs = std::int64_t{24} * 3600 * 1000;

// What a leader says of one batch of two records: "new", "at 5", "at 5, committed", or the error.
std::string verdict(Member& member, std::int64_t producer, std::int32_t sequence,
                    std::int16_t epoch = 0) {
  const auto part =
      member->check_producers(numbered_batch(producer, epoch, sequence, 2, Timestamp(1'000)));
  if (!part) return std::string(info(part.error().code()).name);
  if (part->refused) return std::string(info(part->refused->code()).name);
  const auto there = part->repeated_as_one();
  if (!there) return "new";
  return "at " + std::to_string(there->base.value()) + (there->committed ? ", committed" : "");
}

class ReplicaProducersTest : public testing::Test {
 protected:
  ReplicaProducersTest() {
    trio.has_state = false;
    solo.has_state = false;
  }
  void TearDown() override {
    EXPECT_THAT(trio.violations(), IsEmpty());
    EXPECT_THAT(solo.violations(), IsEmpty());
  }

  // Where it was put.
  static Offset send(Cluster& cluster, Member& member, std::int64_t producer, std::int32_t sequence,
                     std::int16_t epoch = 0) {
    EXPECT_EQ(verdict(member, producer, sequence, epoch), "new") << producer << " " << sequence;
    Bytes batch = numbered_batch(producer, epoch, sequence, 2, Timestamp(1'000));
    const auto appended = member->append(batch);
    EXPECT_OK(appended);
    cluster.drain(member);
    return appended ? appended->base_offset : Offset();
  }
  static std::string at(Offset base) { return "at " + std::to_string(base.value()); }
  Member& other_than(const Member& member) { return trio.node(member.id.value() == 1 ? 2 : 1); }

  Cluster trio{nodes({1, 2, 3})};
  Cluster solo{nodes({1})};
};

TEST_F(ReplicaProducersTest, ARepetitionIsKnownBeforeAndAfterItsCommit) {
  trio.start_everyone();
  Member& leader = trio.elect();
  const Offset first = send(trio, leader, kAnn, 0);
  EXPECT_EQ(verdict(leader, kAnn, 0), at(first)) << "on its way";
  EXPECT_EQ(verdict(leader, kAnn, 4), "OutOfOrderSequence");
  trio.settle();
  EXPECT_EQ(verdict(leader, kAnn, 0), at(first) + ", committed");
  EXPECT_EQ(verdict(leader, kBob, 3), "UnknownProducer");
  send(trio, leader, kAnn, 0, /*epoch=*/1);
  EXPECT_EQ(verdict(leader, kAnn, 2), "ProducerFenced");
}

TEST_F(ReplicaProducersTest, WhoLeadsNextKnowsWhatTheDeadLeaderHad) {
  trio.start_everyone();
  Member& old = trio.elect();
  const Offset first = send(trio, old, kAnn, 0);
  trio.settle();
  // Replicated to everybody, and nobody was told that it is committed.
  for (auto& [id, member] : trio.members()) member.holds_flushes = true;
  const Offset second = send(trio, old, kAnn, 2);
  trio.settle();
  for (auto& [id, member] : trio.members()) member.holds_flushes = false;
  trio.stop(old);
  Member& next = trio.elect();
  EXPECT_EQ(verdict(next, kAnn, 0), at(first) + ", committed");
  EXPECT_EQ(verdict(next, kAnn, 2), at(second) + ", committed") << "with what opened its term";
  send(trio, next, kAnn, 4);
}

TEST_F(ReplicaProducersTest, WhatIsCutFromALogWasNeverSent) {
  trio.start_everyone();
  Member& old = trio.elect();
  send(trio, old, kAnn, 0);
  trio.run(100);
  trio.cut_off(old.id.value());
  send(trio, old, kAnn, 2);
  send(trio, old, kBob, 0);
  trio.settle();
  Member& next = trio.elect();
  const Offset again = send(trio, next, kAnn, 2);
  trio.heal();
  trio.run(1'000);
  EXPECT_EQ(old.truncations, 1);
  ASSERT_NE(old->producers(), nullptr);
  EXPECT_EQ(old->producers()->producers().all(), next->producers()->producers().all());
  trio.stop(next);
  Member& third = trio.elect();
  EXPECT_EQ(verdict(third, kAnn, 2), at(again) + ", committed");
  EXPECT_EQ(verdict(third, kBob, 0), "new");
}

TEST_F(ReplicaProducersTest, EveryKindOfRestartKeepsTheTable) {
  solo.start_everyone();
  Member& only = solo.node(1);
  std::vector<Offset> places;
  for (int life = 0; life < 9; ++life) {
    solo.elect();
    places.push_back(send(solo, only, kAnn, life * 2));
    solo.settle();
    if (life % 4 == 3) {
      ASSERT_OK(only->close());
      solo.stop(only);
    }
    solo.restart(only, static_cast<Survives>(life % 3));
    solo.elect();
    for (int i = 0; i <= life; ++i) {
      EXPECT_EQ(verdict(only, kAnn, i * 2), at(places[static_cast<std::size_t>(i)]) + ", committed")
          << life;
    }
  }
}

TEST_F(ReplicaProducersTest, WhoseRecordsAreGoneIsStillKnown) {
  solo.start_everyone();
  Member& only = solo.node(1);
  solo.elect();
  const Offset first = send(solo, only, kAnn, 0);
  for (int i = 0; i < 10; ++i) send(solo, only, kBob, i * 2);
  solo.settle();
  ASSERT_OK(only->delete_records(only->committed()));
  EXPECT_EQ(only->log_start(), only->log_end());
  for (const Survives survives : {Survives::kNothingUnsynced, Survives::kEverything}) {
    solo.restart(only, survives);
    solo.elect();
    EXPECT_EQ(verdict(only, kAnn, 0), at(first) + ", committed");
    EXPECT_EQ(verdict(only, kAnn, 4), "OutOfOrderSequence");
  }
  send(solo, only, kAnn, 2);
}

TEST_F(ReplicaProducersTest, RetentionKeepsThemToo) {
  solo.log_options.retention_bytes = 1;
  solo.start_everyone();
  Member& only = solo.node(1);
  solo.elect();
  send(solo, only, kAnn, 0);
  for (int i = 0; i < 200; ++i) send(solo, only, kBob, i * 2);
  solo.settle();
  const auto freed = only->apply_retention();
  ASSERT_OK(freed);
  EXPECT_GT(*freed, 0U);
  EXPECT_TRUE(only.env->exists(kSnapshot).value());
  solo.restart(only, Survives::kNothingUnsynced);
  solo.elect();
  EXPECT_EQ(verdict(only, kAnn, 4), "OutOfOrderSequence") << "known, though its batch is gone";
  send(solo, only, kAnn, 2);
}

TEST_F(ReplicaProducersTest, ALogWithoutProducersNeedsNoSnapshot) {
  solo.start_everyone();
  ASSERT_TRUE(solo.produce(20));
  Member& only = solo.node(1);
  ASSERT_OK(only->delete_records(only->committed()));
  ASSERT_OK(only->close());
  EXPECT_FALSE(only.env->exists(kSnapshot).value());
}

// Power goes at each disk call of a deletion: either the records are there, or what was known.
TEST_F(ReplicaProducersTest, NothingIsForgottenAtAnyCallOfADeletion) {
  std::uint64_t call = 0;
  for (bool reached = true; reached && !HasFailure(); ++call) {
    for (const auto survives :
         {Survives::kNothingUnsynced, Survives::kEverything, Survives::kRandomPart}) {
      SCOPED_TRACE("call " + std::to_string(call));
      Cluster cluster(nodes({1}), call + 1);
      cluster.has_state = false;
      cluster.start_everyone();
      Member& only = cluster.node(1);
      cluster.elect();
      const Offset first = send(cluster, only, kAnn, 0);
      for (int i = 0; i < 5; ++i) send(cluster, only, kBob, i * 2);
      cluster.settle();
      only.env->plan_fault({.fault = fakes::Fault::kKill, .at_call = call});
      static_cast<void>(only->delete_records(only->committed()));
      cluster.drain(only);
      reached = only.env->fault_happened();
      cluster.restart(only, survives);
      cluster.elect();
      EXPECT_EQ(verdict(only, kAnn, 0), at(first) + ", committed");
      EXPECT_EQ(verdict(only, kBob, 10), "new");
    }
  }
  EXPECT_GT(call, 5U);
}

TEST_F(ReplicaProducersTest, WhoBeginsBehindTheLogsStartIsToldWhatWasBefore) {
  trio.start_everyone();
  Member& leader = trio.elect();
  Member& away = other_than(leader);
  trio.run(100);
  trio.stop(away);
  const Offset first = send(trio, leader, kAnn, 0);
  for (int i = 0; i < 5; ++i) send(trio, leader, kBob, i * 2);
  trio.run(300);
  for (auto& [id, member] : trio.members()) {
    if (member.is_up()) ASSERT_OK(member->delete_records(leader->committed()));
  }
  ASSERT_OK(trio.start(away));
  trio.run(1'000);
  EXPECT_EQ(away.resets, 1);
  EXPECT_EQ(away->producers()->producers().all(), leader->producers()->producers().all());
  trio.restart(away, Survives::kNothingUnsynced);
  trio.run(500);
  ASSERT_OK(leader->transfer_leadership(away.id));
  trio.drain(leader);
  ASSERT_TRUE(trio.run_until([&] { return away->is_ready(); }));
  EXPECT_EQ(verdict(away, kAnn, 0), at(first) + ", committed");
  EXPECT_EQ(verdict(away, kAnn, 4), "OutOfOrderSequence");
  send(trio, away, kAnn, 2);
}

TEST_F(ReplicaProducersTest, ADamagedSnapshotIsMadeAgainFromTheLog) {
  solo.start_everyone();
  Member& only = solo.node(1);
  solo.elect();
  for (int i = 0; i < 3; ++i) send(solo, only, kAnn, i * 2);
  const Offset fourth = send(solo, only, kAnn, 6);
  send(solo, only, kAnn, 8);
  solo.settle();
  ASSERT_OK(only->delete_records(fourth));
  solo.stop(only);
  ASSERT_TRUE(only.env->exists(kSnapshot).value());
  const Bytes nonsense(100);
  ASSERT_OK(only.env->replace_file(kSnapshot, nonsense));
  ASSERT_OK(solo.start(only));
  solo.elect();
  EXPECT_EQ(verdict(only, kAnn, 6), at(fourth) + ", committed") << "it is in the log still";
  EXPECT_EQ(verdict(only, kAnn, 0), "DuplicateSequence") << "it is not, and was before those";
  send(solo, only, kAnn, 10);
}

TEST_F(ReplicaProducersTest, ASnapshotOfAnotherPartitionIsNotTaken) {
  solo.start_everyone();
  Member& only = solo.node(1);
  solo.settle();
  solo.stop(only);
  const TopicPartition other{*Uuid::parse("0f0e0d0c0b0a09080706050403020100"), PartitionId(0)};
  ASSERT_OK(only.env->replace_file(kSnapshot, ProducerTable().snapshot(other)));
  const Status started = solo.start(only);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code(), Errc::kForeignData);
}

// The folder of a partition that was lost but for this file: what the file says is of another life.
TEST_F(ReplicaProducersTest, ASnapshotThatIsAheadOfALeadersLogIsDropped) {
  solo.start_everyone();
  Member& only = solo.node(1);
  solo.elect();
  for (int i = 0; i < 5; ++i) send(solo, only, kAnn, i * 2);
  solo.settle();
  ASSERT_OK(only->delete_records(only->committed()));
  const Bytes snapshot = only.env->read_file(kSnapshot, 1 << 20).value();
  Cluster fresh(nodes({1}));
  fresh.has_state = false;
  Member& anew = fresh.node(1);
  ASSERT_OK(fresh.start(anew));
  fresh.stop(anew);
  ASSERT_OK(anew.env->replace_file(kSnapshot, snapshot));
  ASSERT_OK(fresh.start(anew));
  fresh.elect();
  EXPECT_EQ(verdict(anew, kAnn, 8), "UnknownProducer");
  const Offset first = send(fresh, anew, kAnn, 0);
  fresh.settle();
  EXPECT_EQ(verdict(anew, kAnn, 0), at(first) + ", committed");
  fresh.restart(anew, Survives::kNothingUnsynced);
  fresh.elect();
  EXPECT_EQ(verdict(anew, kAnn, 0), at(first) + ", committed");
}

// How much of a log is read to make its table again is bounded.
TEST_F(ReplicaProducersTest, ACheckpointWritesTheSnapshotWhenMuchWasAppended) {
  solo.log_options.segment_bytes = 256U << 20;
  solo.log_options.checkpoint_interval_ms = 0;
  solo.start_everyone();
  Member& only = solo.node(1);
  solo.elect();
  send(solo, only, kAnn, 0);
  const std::uint64_t piece = 1U << 20;
  for (std::uint64_t done = 0; done < (32U << 20) - piece; done += piece) {
    ASSERT_OK(solo.append(only, piece));
  }
  solo.run(50);
  EXPECT_FALSE(only.env->exists(kSnapshot).value());
  for (int i = 0; i < 2; ++i) ASSERT_OK(solo.append(only, piece));
  solo.run(50);
  EXPECT_TRUE(only.env->exists(kSnapshot).value());
}

TEST_F(ReplicaProducersTest, ALeaderTellsItsLogTheTimeAndForgetsWhoIsSilent) {
  solo.start_everyone();
  Member& only = solo.node(1);
  solo.elect();
  send(solo, only, kAnn, 0);
  solo.settle();
  const Offset end = only->log_end();
  for (int day = 0; day < 7; ++day) {
    solo.clock.advance_ms(kDayMs);
    solo.run(20);
    EXPECT_EQ(verdict(only, kAnn, 4), "OutOfOrderSequence") << day;
  }
  EXPECT_EQ(only->log_end(), end + 1) << "one mark is enough when nobody writes";
  solo.clock.advance_ms(2 * kDayMs);
  solo.run(20);
  EXPECT_EQ(verdict(only, kAnn, 4), "UnknownProducer");
  EXPECT_EQ(only->log_end(), end + 2);
  solo.restart(only, Survives::kNothingUnsynced);
  solo.elect();
  EXPECT_EQ(verdict(only, kAnn, 4), "UnknownProducer") << "the same log, the same table";
}

TEST_F(ReplicaProducersTest, ALogOfAStateMachineHasNoProducers) {
  solo.has_state = true;
  solo.start_everyone();
  Member& only = solo.elect();
  EXPECT_EQ(only->producers(), nullptr);
  EXPECT_EQ(verdict(only, kAnn, 0), "InvalidBatch");
}

}  // namespace
}  // namespace penstock::broker
