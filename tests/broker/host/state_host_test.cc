// Stories of commands to replicated state machines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/controller/cluster_state.h"
#include "protocol/record/builder.h"
#include "tests/broker/host/state_host_story.h"
#include "tests/storage/expect.h"

namespace penstock::broker {
namespace {

using fakes::Survives;
using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(StateHostTest, ACommandIsAnsweredWhenItIsAppliedOnADurableMajority) {
  three_.start_everyone();
  StateNode& leader = three_.elect();
  for (auto& [id, node] : three_.nodes()) node.holds_flushes = true;
  const auto outcome = write(three_, leader, 7);
  three_.run(30);
  EXPECT_FALSE(outcome->has_value()) << "nobody has it on disk";
  EXPECT_THAT(commands_of(leader), IsEmpty());
  for (auto& [id, node] : three_.nodes()) node.holds_flushes = false;
  three_.settle();
  ASSERT_TRUE(outcome->has_value());
  EXPECT_EQ(***outcome, 1U);
  EXPECT_THAT(commands_of(leader), ElementsAre(7));
  three_.run(100);
  for (auto& [id, node] : three_.nodes()) EXPECT_THAT(commands_of(node), ElementsAre(7));
}

TEST_F(StateHostTest, ABrokerAloneDecidesFromTheFirstTickOnAndItsLogBeginsWithTheFirstRecord) {
  ASSERT_OK(alone_.start(alone_.node(1)));
  const auto early = write(alone_, alone_.node(1), 1);
  EXPECT_EQ(code_of(early), Errc::kNotLeader) << "before it was elected";
  alone_.run(10);
  const auto outcome = write(alone_, alone_.node(1), 1);
  alone_.settle();
  ASSERT_TRUE(outcome->has_value());
  EXPECT_OK(**outcome);
  EXPECT_EQ(alone_.node(1).host->applied(), Offset(2)) << "two records and no control batch";
}

TEST_F(StateHostTest, CommandsWaitForEachOtherAndEachIsDecidedOnWhatTheOneBeforeLeft) {
  ASSERT_OK(alone_.start(alone_.node(1)));
  StateNode& leader = alone_.elect();
  const auto first = write(alone_, leader, 1);
  const auto again = write(alone_, leader, 1);
  const auto third = write(alone_, leader, 3);
  EXPECT_FALSE(first->has_value());
  alone_.settle();
  EXPECT_OK(**first);
  EXPECT_EQ(code_of(again), Errc::kAlreadyExists);
  EXPECT_EQ(***third, 2U);
}

TEST_F(StateHostTest, OnlySoManyCommandsWait) {
  ASSERT_OK(alone_.start(alone_.node(1)));
  StateNode& leader = alone_.elect();
  std::vector<Told<std::size_t>> outcomes;
  for (std::size_t i = 0; i < kMaxQueuedCommands + 2; ++i) {
    outcomes.push_back(write(alone_, leader, i));
  }
  EXPECT_EQ(code_of(outcomes.back()), Errc::kOverloaded);
  alone_.settle();
  outcomes.pop_back();
  for (const auto& outcome : outcomes) EXPECT_OK(**outcome);
}

TEST_F(StateHostTest, AFollowerSaysWhoLeads) {
  three_.start_everyone();
  StateNode& leader = three_.elect();
  StateNode& follower = some_follower();
  const auto outcome = write(three_, follower, 1);
  ASSERT_EQ(code_of(outcome), Errc::kNotLeader);
  EXPECT_EQ((**outcome).error().message(), raft::to_string(leader.id) + " leads");
  EXPECT_EQ(follower.host->leader(), leader.id);
}

TEST_F(StateHostTest, ADeposedLeaderTellsNobodyWhatItBelieves) {
  three_.start_everyone();
  write_all(three_, 1, 3);
  StateNode& old = three_.elect();
  three_.cut_off(old.id.value());
  const auto stale_read = read(three_, old);
  const auto stale_refusal = write(three_, old, 1);
  three_.settle();
  EXPECT_FALSE(stale_read->has_value()) << "it cannot know whether it still leads";
  write_all(three_, 3, 4);
  EXPECT_EQ(code_of(stale_read), Errc::kNotLeader);
  EXPECT_EQ(code_of(stale_refusal), Errc::kNotLeader) << "nor is a refusal told";
  three_.heal();
  const auto fresh_read = read(three_, three_.elect());
  three_.run(100);
  EXPECT_THAT(***fresh_read, ElementsAre(1, 2, 3));
}

TEST_F(StateHostTest, TheOutcomeIsUnknownWhenTheLeaderChangesMidWay) {
  three_.start_everyone();
  StateNode& old = three_.elect();
  three_.cut_off(old.id.value());
  const auto under_way = write(three_, old, 1);
  const auto waiting = write(three_, old, 2);
  write_all(three_, 3, 4);
  EXPECT_EQ(code_of(under_way), Errc::kTimeout);
  EXPECT_EQ((**under_way).error().outcome(), penstock::Outcome::kMaybeDone);
  EXPECT_EQ(code_of(waiting), Errc::kNotLeader) << "it was never proposed";
  three_.heal();
  three_.run(500);
  for (auto& [id, node] : three_.nodes()) EXPECT_THAT(commands_of(node), ElementsAre(3));
}

TEST_F(StateHostTest, ACommandOfADeadLeaderMaySurviveIt) {
  three_.start_everyone();
  StateNode& old = three_.elect();
  static_cast<void>(write(three_, old, 1));
  while (!three_.network.empty()) three_.deliver(0);  // others have it, the leader dies
  three_.crash(old, Survives::kNothingUnsynced);
  write_all(three_, 2, 3);
  three_.start_everyone();
  three_.run(500);
  for (auto& [id, node] : three_.nodes()) EXPECT_THAT(commands_of(node), ElementsAre(1, 2));
}

TEST_F(StateHostTest, WhatANewTermInheritsIsAppliedBeforeAnythingIsDecided) {
  ASSERT_OK(alone_.start(alone_.node(1)));
  StateNode& leader = alone_.elect();
  leader.holds_flushes = true;
  const auto first = write(alone_, leader, 1);
  leader.replica->step_down();
  alone_.pump(leader);
  EXPECT_EQ(code_of(first), Errc::kTimeout);
  while (leader.unsaved || leader.replica->role() != raft::Role::kLeader) {
    leader.holds_flushes = !leader.unsaved;  // votes are saved, the log is not flushed
    if (leader.unsaved) {
      ASSERT_TRUE(alone_.work(leader) && alone_.work(leader));
    }
    alone_.clock.advance_ms(10);
    alone_.tick(leader);
  }
  leader.holds_flushes = true;
  const auto again = write(alone_, leader, 1);
  EXPECT_FALSE(again->has_value());
  leader.holds_flushes = false;
  alone_.run(20);
  EXPECT_EQ(code_of(again), Errc::kAlreadyExists);
}

// One message that cuts what this leader appended, puts another record there, and commits it.
TEST_F(StateHostTest, AnotherLeadersRecordInThePlaceOfACommandIsNoAnswerToIt) {
  three_.start_everyone();
  StateNode& old = three_.elect();
  three_.cut_off(old.id.value());
  const Offset at = old.host->applied();
  const Term term(old.replica->term().value() + 1);
  const auto mine = send<std::size_t, RegisterMachine>(three_, old, Write{1, 1});
  ASSERT_EQ(old.replica->log_end(), at + 1);
  record::BatchBuilder builder;
  const Bytes other_record = encode(RegisterSet{2, 0, 1});
  builder.append(Timestamp(1), std::nullopt, ByteView(other_record));
  Bytes batch = *builder.build();
  record::assign_position(batch, at, term);
  const auto range = describe_batches(batch, at, Checksums::kVerify);
  ASSERT_OK(range);
  const raft::NodeId other(old.id.value() == 1 ? 2 : 1);
  old.replica->receive(
      {.envelope = {other, old.id,
                    raft::AppendRequest{.term = term,
                                        .previous = old.replica->group().point_at(at),
                                        .range = *range,
                                        .commit = at + 1,
                                        .round = 1}},
       .attachment = SharedBytes(batch)});
  ASSERT_EQ(old.replica->committed(), at + 1) << "all of it in one message";
  three_.pump(old);
  EXPECT_EQ(code_of(mine), Errc::kTimeout);
  EXPECT_THAT(commands_of(old), ElementsAre(2));
}

TEST_F(StateHostTest, ACommandThatAnAnswerSubmitsIsCarriedOutToo) {
  ASSERT_OK(alone_.start(alone_.node(1)));
  StateNode& leader = alone_.elect();
  std::optional<Result<std::size_t>> second;
  carry_out(*leader.host, leader.as<RegisterMachine>(), Write{1, 1}, [&](Result<std::size_t>) {
    carry_out(*leader.host, leader.as<RegisterMachine>(), Write{2, 1},
              [&](Result<std::size_t> result) { second = std::move(result); });
  });
  alone_.pump(leader);
  alone_.settle();
  ASSERT_TRUE(second.has_value());
  EXPECT_OK(*second);
}

TEST_F(StateHostTest, WhatNobodyCouldReadIsNotWritten) {
  ASSERT_OK(alone_.start(alone_.node(1)));
  StateNode& leader = alone_.elect();
  const auto outcome = send<int, RegisterMachine>(alone_, leader, WriteNonsense{});
  EXPECT_EQ(code_of(outcome), Errc::kInvalidArgument);
  write_all(alone_, 1, 2);
}

TEST_F(StateHostTest, StoppingAnswersEverybody) {
  ASSERT_OK(alone_.start(alone_.node(1)));
  StateNode& leader = alone_.elect();
  const auto under_way = write(alone_, leader, 1);
  const auto waiting = write(alone_, leader, 2);
  leader.host->stop();
  EXPECT_EQ(code_of(under_way), Errc::kTimeout);
  EXPECT_EQ(code_of(waiting), Errc::kShuttingDown);
  EXPECT_EQ(code_of(write(alone_, leader, 3)), Errc::kShuttingDown);
}

TEST_F(StateHostTest, AFullDiskIsToldAndForgotten) {
  ASSERT_OK(alone_.start(alone_.node(1)));
  StateNode& leader = alone_.elect();
  write_all(alone_, 1, 2);
  leader.env->set_capacity(leader.env->used_bytes());
  std::uint64_t command = 1;
  Told<std::size_t> outcome;
  do {
    outcome = write(alone_, leader, ++command);
    alone_.settle();
    ASSERT_TRUE(outcome->has_value());
  } while (**outcome && command < 5'000);
  EXPECT_EQ(code_of(outcome), Errc::kDiskFull);
  leader.env->set_capacity(std::nullopt);
  write_all(alone_, command, command + 2);
}

// --- the cluster's metadata

using ClusterMachine = StateOf<ClusterState, decode_metadata_record>;

TEST(StateHostOfTheCluster, TopicsAreCreatedOnThreeBrokersAndOutliveThem) {
  StateWorld world(nodes({1, 2, 3}), [] { return std::make_unique<ClusterMachine>(); });
  world.start_everyone();
  for (std::int32_t broker = 1; broker <= 3; ++broker) {
    Uuid directory;
    directory.bytes[0] = static_cast<std::byte>(broker);
    const auto registered = send<raft::NodeId, ClusterMachine>(
        world, world.elect(),
        RegisterBroker{
            .directory = directory, .host = "h", .port = 9000, .rack = "", .started_at = {}});
    ASSERT_TRUE(world.run_until([&] { return registered->has_value(); }));
    ASSERT_OK(**registered);
  }
  for (int i = 0; i < 40; ++i) {
    const auto created = send<Uuid, ClusterMachine>(world, world.elect(),
                                                    CreateTopic{.name = "t" + std::to_string(i),
                                                                .partitions = 2,
                                                                .replication_factor = 3,
                                                                .settings = {},
                                                                .id = world.rng.uuid(),
                                                                .now = Timestamp(5)});
    ASSERT_TRUE(world.run_until([&] { return created->has_value(); }));
    ASSERT_OK(**created);
  }
  const auto again = send<Uuid, ClusterMachine>(world, world.elect(),
                                                CreateTopic{.name = "t1",
                                                            .partitions = 1,
                                                            .replication_factor = 1,
                                                            .settings = {},
                                                            .id = world.rng.uuid(),
                                                            .now = {}});
  world.run(100);
  EXPECT_EQ(code_of(again), Errc::kTopicExists);
  EXPECT_GT(world.node(1).replica->log_start(), Offset(0)) << "snapshots bound the log";
  for (auto& [id, node] : world.nodes()) world.crash(node, Survives::kNothingUnsynced);
  world.start_everyone();
  world.elect();
  ASSERT_TRUE(world.run_until([&] { return world.differences().empty(); }));
  for (auto& [id, node] : world.nodes()) {
    EXPECT_EQ(node.as<ClusterMachine>().state().partition_count(), 80U);
  }
  EXPECT_THAT(world.violations(), IsEmpty());
}

}  // namespace
}  // namespace penstock::broker
