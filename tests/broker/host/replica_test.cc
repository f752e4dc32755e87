// Stories of replicas of one log: produce, replicate, commit, and what faults do to it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/host/control_batch.h"
#include "protocol/record/builder.h"
#include "tests/broker/host/cluster.h"
#include "tests/storage/expect.h"

namespace penstock::broker {
namespace {

using fakes::Survives;
using testing::IsEmpty;

class ReplicaTest : public testing::Test {
 protected:
  void TearDown() override {
    EXPECT_THAT(trio.violations(), IsEmpty());
    EXPECT_THAT(solo.violations(), IsEmpty());
  }

  // All three run and agree on all that was committed.
  void expect_agreement(Cluster& cluster) {
    EXPECT_TRUE(cluster.run_until([&] { return cluster.differences().empty(); }))
        << cluster.differences();
  }
  Member& other_than(const Member& member) { return trio.node(member.id.value() == 1 ? 2 : 1); }

  Cluster trio{nodes({1, 2, 3})};
  Cluster solo{nodes({1})};
};

// --- one voter

TEST_F(ReplicaTest, TheOnlyVoterLeadsAtOnceAndCommitsWhatItFlushed) {
  solo.start_everyone();
  Member& only = solo.node(1);
  solo.settle();
  only->tick();
  solo.drain(only);
  solo.settle();
  ASSERT_TRUE(only->is_ready());
  const Offset before = only->log_end();
  EXPECT_EQ(only->committed(), before);

  only.holds_flushes = true;
  const auto appended = solo.append(only);
  ASSERT_OK(appended);
  EXPECT_EQ(appended->base_offset, before);
  solo.settle();
  EXPECT_EQ(only->committed(), before) << "nothing is acknowledged before its flush";
  EXPECT_EQ(only->replicas_durable_at(appended->end), 0U);
  only.holds_flushes = false;
  solo.settle();
  EXPECT_EQ(only->committed(), appended->end);
  EXPECT_EQ(only->replicas_durable_at(appended->end), 1U);
}

TEST_F(ReplicaTest, ASingleVoterKeepsEveryAcknowledgedRecordThroughEveryRestart) {
  solo.start_everyone();
  for (int life = 0; life < 25; ++life) {
    ASSERT_TRUE(solo.produce(3)) << "life " << life;
    static_cast<void>(solo.append(solo.node(1)));  // nobody was told
    solo.restart(solo.node(1), static_cast<Survives>(life % 3));
    ASSERT_TRUE(solo.run_until([&] { return solo.leader() != nullptr; }, 200)) << life;
    ASSERT_EQ(solo.differences(), "");
  }
  EXPECT_GE(solo.node(1)->term(), Term(25)) << "every life is a term of its own";
}

TEST_F(ReplicaTest, ACleanCloseKeepsTheCommitPoint) {
  solo.start_everyone();
  ASSERT_TRUE(solo.produce(5));
  const Offset committed = solo.node(1)->committed();
  ASSERT_OK(solo.node(1)->close());
  solo.restart(solo.node(1), Survives::kNothingUnsynced);
  EXPECT_EQ(solo.node(1)->committed(), committed);
  EXPECT_FALSE(solo.node(1).rebuilt_state);
}

// --- three voters

TEST_F(ReplicaTest, WhatAMajorityHasOnDiskIsCommittedAndTheSameEverywhere) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(50));
  trio.run(300);
  EXPECT_EQ(trio.differences(), "");
  EXPECT_EQ(trio.leader()->replica->replicas_durable_at(trio.committed_end()), 3U);
  const auto bytes = [&](int id) { return *trio.node(id)->log().digest(trio.committed_end()); };
  EXPECT_EQ(bytes(1), bytes(2));
  EXPECT_EQ(bytes(1), bytes(3));
}

TEST_F(ReplicaTest, NothingIsAcknowledgedWhileOnlyTheLeadersDiskHasIt) {
  trio.start_everyone();
  Member& leader = trio.elect();
  trio.run(200);
  for (auto& [id, member] : trio.members()) member.holds_flushes = member.id != leader.id;
  const auto appended = trio.append(leader);
  ASSERT_OK(appended);
  trio.settle();
  EXPECT_LT(leader->committed(), appended->end);
  other_than(leader).holds_flushes = false;
  trio.settle();
  EXPECT_EQ(leader->committed(), appended->end) << "two of three";
}

TEST_F(ReplicaTest, TheLeadersOwnDiskIsNotNeededForAMajority) {
  trio.start_everyone();
  Member& leader = trio.elect();
  leader.holds_flushes = true;
  const auto appended = trio.append(leader);
  ASSERT_OK(appended);
  trio.settle();
  EXPECT_EQ(leader->committed(), appended->end);
  EXPECT_LT(leader->durable_end(), appended->end);
}

TEST_F(ReplicaTest, ADivergentTailOfADeadLeaderIsCut) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(5));
  Member& old = trio.elect();
  trio.cut_off(old.id.value());
  for (int i = 0; i < 4; ++i) ASSERT_OK(trio.append(old));
  trio.settle();
  const Offset tail = old->durable_end();
  EXPECT_GT(tail, old->committed()) << "on its own disk, and nowhere else";
  trio.restart(old, Survives::kEverything);
  ASSERT_TRUE(trio.produce(3));
  trio.heal();
  expect_agreement(trio);
  EXPECT_EQ(old.truncations, 1);
  ASSERT_TRUE(trio.produce(3));
  expect_agreement(trio);
}

TEST_F(ReplicaTest, ATailIsCutEvenIfThereIsNoSpaceForWhatReplacesIt) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(5));
  Member& old = trio.elect();
  trio.cut_off(old.id.value());
  for (int i = 0; i < 4; ++i) ASSERT_OK(trio.append(old));
  trio.settle();
  ASSERT_TRUE(trio.produce(3));
  old.env->set_capacity(0);
  trio.heal();
  trio.run(1'000);
  ASSERT_TRUE(old.is_up());
  EXPECT_EQ(old.truncations, 1);
  EXPECT_GT(old->stats().refused_appends, 0U);
  EXPECT_LT(old->log_end(), trio.committed_end());
  EXPECT_EQ(old->log_end(), old->group().log_end());
  old.env->set_capacity(std::nullopt);
  expect_agreement(trio);
}

TEST_F(ReplicaTest, AFollowerThatLosesWhatItDidNotFlushGetsItAgain) {
  trio.start_everyone();
  Member& leader = trio.elect();
  Member& follower = other_than(leader);
  trio.run(200);
  follower.holds_flushes = true;
  ASSERT_TRUE(trio.produce(10));
  EXPECT_GT(follower->log_end(), follower->durable_end());
  follower.holds_flushes = false;
  trio.restart(follower, Survives::kNothingUnsynced);
  EXPECT_LT(follower->log_end(), trio.committed_end());
  expect_agreement(trio);
}

TEST_F(ReplicaTest, AVoteIsTakenOnlyWhenItIsOnDisk) {
  trio.start_everyone();
  for (auto& [id, member] : trio.members()) member.holds_flushes = true;
  trio.run(5'000);
  for (auto& [id, member] : trio.members()) EXPECT_NE(member->role(), raft::Role::kLeader);
  for (auto& [id, member] : trio.members()) member.holds_flushes = false;
  trio.elect();
}

TEST_F(ReplicaTest, LeadershipIsHandedOverWithoutALostRecord) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(5));
  Member& old = trio.elect();
  Member& next = other_than(old);
  ASSERT_OK(old->transfer_leadership(next.id));
  trio.drain(old);
  trio.settle();
  EXPECT_EQ(next->role(), raft::Role::kLeader);
  EXPECT_EQ(old->role(), raft::Role::kFollower);
  ASSERT_TRUE(trio.produce(5));
  expect_agreement(trio);
}

TEST_F(ReplicaTest, AReadIndexIsConfirmedByAMajority) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(2));
  Member& leader = trio.elect();
  ASSERT_OK(leader->read_index(7));
  auto output = leader->take_output();
  EXPECT_THAT(output.reads_ready, IsEmpty());
  for (PeerMessage& message : output.messages) trio.network.push_back(std::move(message));
  std::vector<raft::ReadReady> ready;
  while (!trio.network.empty() && ready.empty()) {
    const PeerMessage message = trio.network.front();
    trio.network.pop_front();
    Member& to = trio.node(message.envelope.to.value());
    to->receive(message);
    auto more = to->take_output();
    for (PeerMessage& reply : more.messages) trio.network.push_back(std::move(reply));
    ready = more.reads_ready;
  }
  ASSERT_EQ(ready.size(), 1U);
  EXPECT_EQ(ready[0].context, 7U);
  EXPECT_EQ(ready[0].committed, leader->committed());
}

// --- bytes that are not what their message says

SharedBytes spoil(ByteView good, int way) {
  Bytes bytes(good.begin(), good.end());
  switch (way) {
    case 0:
      bytes.back() ^= std::byte{1};  // a record
      break;
    case 1:
      bytes[15] ^= std::byte{1};  // the term, which no checksum covers
      break;
    case 2:
      bytes.pop_back();
      break;
    case 3:
      bytes.clear();
      break;
    case 4:
      bytes.insert(bytes.end(), good.begin(), good.end());  // twice
      break;
    default:
      bytes[7] ^= std::byte{1};  // the offset
  }
  return SharedBytes(std::move(bytes));
}

TEST_F(ReplicaTest, BadAttachmentsAreDroppedAndTheLogIsNotTouched) {
  trio.start_everyone();
  trio.elect();
  trio.run(100);
  // One way after the other, until each was seen; the good message is lost every time.
  int way = 0;
  trio.loses = [&](const PeerMessage& message) {
    const auto* append = std::get_if<raft::AppendRequest>(&message.envelope.message);
    if (append == nullptr || append->range.empty() || way == 6) return false;
    Member& to = trio.node(message.envelope.to.value());
    const Offset end = to->log_end();
    const std::uint64_t seen = to->stats().bad_attachments;
    PeerMessage bad = message;
    bad.attachment = spoil(message.attachment.view(), way);
    to->receive(bad);
    trio.drain(to);
    EXPECT_EQ(to->log_end(), end) << way;
    way += static_cast<int>(to->stats().bad_attachments - seen);
    return true;
  };
  ASSERT_TRUE(trio.produce(10));
  EXPECT_EQ(way, 6);
  expect_agreement(trio);
}

TEST_F(ReplicaTest, ProducersCannotSendMemberships) {
  solo.start_everyone();
  Member& leader = solo.elect();
  Bytes batch = make_membership_batch(voters({9}), solo.clock.wall());
  const Offset end = leader->log_end();
  EXPECT_EQ(leader->append(batch).error().code(), Errc::kInvalidBatch);
  EXPECT_EQ(leader->log_end(), end);
}

TEST_F(ReplicaTest, FollowersRefuseProducers) {
  trio.start_everyone();
  Member& leader = trio.elect();
  EXPECT_EQ(trio.append(other_than(leader)).error().code(), Errc::kNotLeader);
}

// --- disks

TEST_F(ReplicaTest, AFollowerWhoseDiskIsFullCatchesUpWhenThereIsSpace) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(3));
  Member& follower = other_than(trio.elect());
  follower.env->set_capacity(follower.env->used_bytes());
  ASSERT_TRUE(trio.produce(100, 1'000));
  trio.run(500);
  EXPECT_TRUE(follower.is_up()) << follower.fatal->to_string();
  EXPECT_LT(follower->log_end(), trio.committed_end());
  EXPECT_GT(follower->stats().refused_appends, 0U);
  follower.env->set_capacity(std::nullopt);
  expect_agreement(trio);
}

TEST_F(ReplicaTest, ALeaderWhoseDiskIsFullRefusesAndGoesOnLater) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(3));
  Member& leader = trio.elect();
  leader.env->set_capacity(leader.env->used_bytes());
  Errc refused = Errc::kOk;
  for (int i = 0; i < 200 && refused == Errc::kOk; ++i) {
    const auto appended = trio.append(leader, 1'000);
    trio.settle();
    if (!appended) refused = appended.error().code();
  }
  EXPECT_EQ(refused, Errc::kDiskFull);
  EXPECT_EQ(trio.leader(), &leader) << "it still leads, and serves reads";
  leader.env->set_capacity(std::nullopt);
  EXPECT_OK(trio.append(leader, 1'000));
  expect_agreement(trio);
}

TEST_F(ReplicaTest, ANewLeaderWhoseDiskIsFullLeavesItToOthers) {
  trio.log_options.segment_bytes = 700;  // a batch each: not even the opening of a term fits
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(3, 600));
  trio.run(300);
  Member& old = trio.elect();
  Member& full = other_than(old);
  full.env->set_capacity(0);  // nothing may grow any more
  ASSERT_OK(old->transfer_leadership(full.id));
  trio.drain(old);
  trio.settle();
  ASSERT_EQ(full->role(), raft::Role::kLeader);
  EXPECT_FALSE(full->is_ready());
  ASSERT_TRUE(trio.produce(3, 600));
  EXPECT_NE(trio.leader(), &full);
  EXPECT_TRUE(full.is_up());
  full.env->set_capacity(std::nullopt);
  expect_agreement(trio);
}

TEST_F(ReplicaTest, AFailedFlushEndsTheProcessAndNothingIsLost) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(3));
  Member& leader = trio.elect();
  leader.env->plan_fault({.fault = fakes::Fault::kIoError, .calls = fakes::kSync});
  static_cast<void>(trio.append(leader));
  trio.settle();
  ASSERT_FALSE(leader.is_up());
  EXPECT_EQ(leader.fatal->code(), Errc::kFsyncFailed);
  ASSERT_TRUE(trio.produce(3));
  leader.env->clear_faults();
  ASSERT_OK(trio.start(leader));
  expect_agreement(trio);
}

TEST_F(ReplicaTest, ADiskThatHangsCostsTheLeadership) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(1));
  Member& leader = trio.elect();
  ASSERT_OK(trio.append(leader));
  // The flush begins and does not end.
  while (!leader.flush) ASSERT_TRUE(trio.work(leader));
  leader.holds_flushes = true;
  ASSERT_TRUE(trio.run_until([&] { return trio.leader() != nullptr && trio.leader() != &leader; }));
  leader.holds_flushes = false;
  expect_agreement(trio);
}

// --- long absences

TEST_F(ReplicaTest, AMemberThatWasAwayCatchesUpFromDiskThatIsNotCached) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(2));
  Member& away = other_than(trio.elect());
  trio.stop(away);
  ASSERT_TRUE(trio.produce(150, 200));
  for (auto& [id, member] : trio.members()) member.env->set_cold(true);
  ASSERT_OK(trio.start(away));
  expect_agreement(trio);
  int cold_reads = 0;
  for (auto& [id, member] : trio.members()) cold_reads += member.cold_reads;
  EXPECT_GT(cold_reads, 10) << "they came in pieces, read on the pool";
}

TEST_F(ReplicaTest, AMemberBehindTheLogStartGetsTheStateAndTheRest) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(5));
  Member& away = other_than(trio.elect());
  trio.stop(away);
  ASSERT_TRUE(trio.produce(40));
  const Offset start = trio.committed_end() - 10;
  for (auto& [id, member] : trio.members()) {
    if (!member.is_up()) continue;
    trio.run(200);
    const auto moved = member->delete_records(start);
    ASSERT_OK(moved);
    EXPECT_EQ(*moved, start);
  }
  ASSERT_OK(trio.start(away));
  expect_agreement(trio);
  EXPECT_EQ(away.state.installed, 1);
  EXPECT_EQ(away.resets, 1);
  EXPECT_EQ(away->log_start(), start);
  trio.restart(away, Survives::kNothingUnsynced);
  EXPECT_FALSE(away->is_damaged());
  expect_agreement(trio);
}

TEST_F(ReplicaTest, AStateThatIsNotReadyOrRefusedIsTriedAgain) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(5));
  Member& leader = trio.elect();
  Member& away = other_than(leader);
  trio.stop(away);
  ASSERT_TRUE(trio.produce(20));
  ASSERT_OK(leader->delete_records(trio.committed_end()));
  leader.state.is_ready = false;
  ASSERT_OK(trio.start(away));
  trio.run(1'000);
  EXPECT_EQ(away.resets, 0);
  leader.state.is_ready = true;
  int spoiled = 0;
  trio.loses = [&](const PeerMessage& message) {
    if (!std::holds_alternative<raft::InstallRequest>(message.envelope.message)) return false;
    if (spoiled++ > 0) return false;
    PeerMessage bad = message;
    bad.attachment = SharedBytes(Bytes(3));
    away->receive(bad);
    trio.drain(away);
    return true;
  };
  expect_agreement(trio);
  EXPECT_EQ(away->stats().refused_installs, 1U);
  EXPECT_EQ(away.resets, 1);
}

TEST_F(ReplicaTest, RecordsAreNotDeletedBeforeTheyAreCommitted) {
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(5));
  Member& leader = trio.elect();
  for (auto& [id, member] : trio.members()) member.holds_flushes = member.id != leader.id;
  const auto appended = trio.append(leader);
  ASSERT_OK(appended);
  trio.settle();
  EXPECT_EQ(leader->delete_records(appended->end).error().code(), Errc::kOffsetOutOfRange);
  EXPECT_EQ(leader->log_start(), Offset(0));
}

TEST_F(ReplicaTest, DeletingInsideABatchKeepsTheBatch) {
  solo.start_everyone();
  Member& leader = solo.elect();
  record::BatchBuilder builder;
  for (int i = 0; i < 10; ++i) builder.append(solo.clock.wall(), std::nullopt, as_bytes("x"));
  Bytes batch = *builder.build();
  const auto appended = leader->append(batch);
  ASSERT_OK(appended);
  solo.drain(leader);
  solo.settle();
  const auto moved = leader->delete_records(appended->base_offset + 4);
  ASSERT_OK(moved);
  EXPECT_EQ(*moved, appended->base_offset);
}

TEST_F(ReplicaTest, RetentionStopsAtTheCommitPoint) {
  trio.log_options.retention_bytes = 8'192;
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(300, 200));
  trio.run(200);
  for (auto& [id, member] : trio.members()) ASSERT_OK(member->apply_retention());
  Member& leader = trio.elect();
  EXPECT_GT(leader->log_start(), Offset(0));
  EXPECT_LE(leader->log_start(), leader->committed());
  for (auto& [id, member] : trio.members()) trio.restart(member, Survives::kNothingUnsynced);
  for (auto& [id, member] : trio.members()) EXPECT_FALSE(member->is_damaged());
  ASSERT_TRUE(trio.produce(5));
  expect_agreement(trio);
}

}  // namespace
}  // namespace penstock::broker
