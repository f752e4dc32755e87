// Stories of state machines on replicated logs.
#include "broker/host/state_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/controller/cluster_state.h"
#include "broker/host/state_host_file.h"
#include "protocol/record/builder.h"
#include "tests/broker/host/state_host_registers.h"
#include "tests/broker/host/state_host_world.h"
#include "tests/storage/expect.h"

namespace penstock::broker {
namespace {

using fakes::Survives;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::unique_ptr<StateMachine> make_registers() { return std::make_unique<RegisterMachine>(); }

const std::vector<std::uint64_t>& commands_of(const StateNode& node) {
  return node.as<RegisterMachine>().state().commands();
}

// What became of a command.
template <typename T>
using Told = std::shared_ptr<std::optional<Result<T>>>;

template <typename T, typename Machine, typename Command>
Told<T> send(StateWorld& world, StateNode& node, Command command) {
  auto outcome = std::make_shared<std::optional<Result<T>>>();
  carry_out(*node.host, node.as<Machine>(), std::move(command),
            [outcome](Result<T> result) { *outcome = std::move(result); });
  world.pump(node);
  return outcome;
}

Told<std::size_t> write(StateWorld& world, StateNode& node, std::uint64_t command) {
  return send<std::size_t, RegisterMachine>(world, node, Write{command, 2});
}
Told<std::vector<std::uint64_t>> read(StateWorld& world, StateNode& node) {
  return send<std::vector<std::uint64_t>, RegisterMachine>(world, node, ReadAll{});
}

template <typename T>
Errc code_of(const Told<T>& outcome) {
  return *outcome && !**outcome ? (**outcome).error().code() : Errc::kOk;
}

class StateHostTest : public testing::Test {
 protected:
  ~StateHostTest() override {
    for (StateWorld* world : {&alone_, &three_}) EXPECT_THAT(world->violations(), IsEmpty());
  }
  // Writes commands [from, to) through whoever leads.
  static void write_all(StateWorld& world, std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t command = from; command < to; ++command) {
      const auto outcome = write(world, world.elect(), command);
      ASSERT_TRUE(world.run_until([&] { return outcome->has_value(); }));
      ASSERT_OK(**outcome) << command;
    }
  }
  // More commands, numbered on from what the leader has; gives up when something else failed.
  static void write_while(StateWorld& world, const std::function<bool()>& wanted) {
    while (wanted() && !HasFailure()) {
      const std::uint64_t next = commands_of(world.elect()).size();
      write_all(world, next, next + 1);
    }
  }
  StateNode& some_follower() { return three_.node(three_.elect().id.value() == 1 ? 2 : 1); }

  StateWorld alone_{nodes({1}), make_registers};
  StateWorld three_{nodes({1, 2, 3}), make_registers};
};

// --- commands

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

// --- snapshots

TEST_F(StateHostTest, TheLogIsCutAtTheLastSnapshotButOne) {
  ASSERT_OK(alone_.start(alone_.node(1)));
  StateNode& node = alone_.node(1);
  write_while(alone_, [&] { return node.snapshots_made < 1; });
  alone_.run(20);
  EXPECT_EQ(node.replica->log_start(), Offset(0)) << "the log is the older copy";
  write_while(alone_, [&] { return node.snapshots_made < 4; });
  alone_.run(20);
  ASSERT_THAT(alone_.snapshot_files(node), SizeIs(2));
  EXPECT_GT(node.replica->log_start(), Offset(0));
  EXPECT_TRUE(node.snapshots->has(node.replica->log_start()));
  EXPECT_LT(node.replica->log_start(), *node.snapshots->newest(node.host->applied()));
}

class AfterSnapshots : public StateHostTest {
 protected:
  AfterSnapshots() : node_(alone_.node(1)) {
    EXPECT_OK(alone_.start(node_));
    alone_.run(10);
    write_while(alone_, [&] { return node_.snapshots_made < 4; });
    alone_.run(50);
    commands_ = commands_of(node_);
    applied_ = node_.host->applied();
    files_ = alone_.snapshot_files(node_);
    alone_.crash(node_, Survives::kNothingUnsynced);
  }
  void damage(std::size_t which) {
    Bytes bytes = *node_.env->contents(files_.at(which));
    bytes[bytes.size() / 2] ^= std::byte{4};
    node_.env->put(files_.at(which), bytes);
  }

  StateNode& node_;
  std::vector<std::uint64_t> commands_;
  Offset applied_;
  std::vector<std::string> files_;
};

TEST_F(AfterSnapshots, AnOpenReadsTheNewestOneAndTheRestOfTheLog) {
  ASSERT_OK(alone_.start(node_));
  alone_.run(20);
  EXPECT_EQ(node_.host->applied(), applied_);
  EXPECT_EQ(commands_of(node_), commands_);
  EXPECT_EQ(node_.snapshots->damaged(), 0U);
}

TEST_F(AfterSnapshots, ARottenNewestOneIsReplacedByTheOneBeforeAndTheLog) {
  damage(1);
  ASSERT_OK(alone_.start(node_));
  EXPECT_EQ(node_.snapshots->damaged(), 1U);
  alone_.run(20);
  EXPECT_EQ(commands_of(node_), commands_);
  const int made = node_.snapshots_made;
  write_while(alone_, [&] { return node_.snapshots_made < made + 3; });
  alone_.run(20);
  EXPECT_EQ(node_.snapshots->damaged(), 0U) << "it is gone when two newer ones are there";
}

TEST_F(AfterSnapshots, AnOlderOneThatRottedDoesNoHarmAndIsNotBuiltOn) {
  damage(0);
  ASSERT_OK(alone_.start(node_));
  alone_.run(20);
  EXPECT_EQ(commands_of(node_), commands_);
}

TEST_F(AfterSnapshots, WithoutAnIntactOneItNeverBeginsEmpty) {
  damage(0);
  damage(1);
  const Status started = alone_.start(node_);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code(), Errc::kCorrupt);
  EXPECT_THAT(started.error().message(), testing::HasSubstr("must be installed anew"));
  alone_.stop(node_);
}

TEST_F(AfterSnapshots, NorWhenTheirFilesAreGone) {
  for (const std::string& file : files_) node_.env->remove(file);
  const Status started = alone_.start(node_);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code(), Errc::kCorrupt);
  alone_.stop(node_);
}

TEST_F(StateHostTest, ARottenOnlySnapshotIsMadeUpForByTheWholeLog) {
  ASSERT_OK(alone_.start(alone_.node(1)));
  StateNode& node = alone_.node(1);
  write_while(alone_, [&] { return node.snapshots_made < 1; });
  const std::size_t commands = commands_of(node).size();
  alone_.crash(node, Survives::kNothingUnsynced);
  const std::string file = alone_.snapshot_files(node).at(0);
  node.env->put(file, as_bytes("not a snapshot"));
  ASSERT_OK(alone_.start(node));
  alone_.run(20);
  EXPECT_THAT(commands_of(node), SizeIs(commands));
}

TEST_F(StateHostTest, AFollowerBehindTheLogIsInstalled) {
  three_.start_everyone();
  write_all(three_, 0, 2);
  StateNode& late = some_follower();
  three_.cut_off(late.id.value());
  write_while(three_,
              [&] { return three_.elect().replica->log_start() <= late.replica->log_end(); });
  three_.heal();
  ASSERT_TRUE(three_.run_until([&] { return three_.differences().empty(); }));
  EXPECT_EQ(late.installs, 1);
  EXPECT_EQ(commands_of(late), commands_of(three_.elect()));
  three_.crash(late, Survives::kNothingUnsynced);
  ASSERT_OK(three_.start(late));
  ASSERT_TRUE(three_.run_until([&] { return three_.differences().empty(); }));
  EXPECT_EQ(late.installs, 1) << "it was durable";
}

TEST_F(StateHostTest, ALearnerThatComesLateIsInstalledAndMayThenLead) {
  three_.start_everyone();
  write_while(three_, [&] { return three_.elect().replica->log_start() == Offset(0); });
  StateNode& learner = three_.add(raft::NodeId(4));
  ASSERT_OK(three_.start(learner));
  StateNode& leader = three_.elect();
  ASSERT_OK(leader.replica->change_membership(nodes({1, 2, 3}), nodes({4})));
  three_.pump(leader);
  ASSERT_TRUE(three_.run_until([&] { return three_.differences().empty(); }));
  EXPECT_EQ(learner.installs, 1);
  ASSERT_OK(leader.replica->change_membership(nodes({1, 2, 3, 4}), {}));
  three_.pump(leader);
  three_.run(200);
  ASSERT_OK(leader.replica->transfer_leadership(learner.id));
  three_.pump(leader);
  ASSERT_TRUE(three_.run_until([&] { return three_.leader() == &learner; }));
  write_all(three_, 1'000, 1'001);
}

TEST_F(StateHostTest, ARottenStateAtTheLogStartIsNotSentButReplaced) {
  three_.start_everyone();
  write_all(three_, 0, 1);
  StateNode& late = three_.node(3);
  three_.cut_off(3);
  write_while(three_,
              [&] { return three_.elect().replica->log_start() <= late.replica->log_end(); });
  three_.run(100);
  StateNode& leader = three_.elect();
  const std::string at_start = three_.snapshot_files(leader).at(0);
  leader.env->put(at_start, as_bytes("rotten"));
  three_.heal();
  ASSERT_TRUE(three_.run_until([&] { return three_.differences().empty(); }));
  EXPECT_EQ(commands_of(late), commands_of(three_.elect()));
}

TEST_F(StateHostTest, ABadStateIsRefusedByWhoReceivesIt) {
  const storage::LogIdentity ours{{Uuid{}, PartitionId(0)}};
  const storage::LogIdentity another{{Uuid{}, PartitionId(1)}};
  const raft::LogPoint point{Term(1), Offset(1)};
  Registers state;
  ASSERT_OK(state.apply(Offset(0), RegisterSet{7, 0, 1}));
  const Bytes good = state.snapshot();
  three_.start_everyone();
  StateNode& node = three_.node(1);
  const auto install = [&](raft::LogPoint at, const Bytes& bytes) {
    const Status status = node.snapshots->install(at, bytes);
    return status ? Errc::kOk : status.error().code();
  };
  const Bytes file = encode(StateSnapshot{point, good}, ours);
  EXPECT_EQ(install(point, good), Errc::kCorrupt) << "no file";
  EXPECT_EQ(install({Term(2), Offset(1)}, file), Errc::kCorrupt) << "of another term";
  EXPECT_EQ(install(point, encode(StateSnapshot{point, good}, another)), Errc::kForeignData);
  const raft::LogPoint later{Term(1), Offset(2)};
  EXPECT_EQ(install(later, encode(StateSnapshot{later, good}, ours)), Errc::kCorrupt)
      << "not the state at its point";
  EXPECT_EQ(install(point, encode(StateSnapshot{point, as_bytes("junk")}, ours)), Errc::kCorrupt);
  EXPECT_THAT(three_.snapshot_files(node), IsEmpty());
  EXPECT_EQ(install(point, file), Errc::kOk);
}

TEST_F(StateHostTest, AFullDiskPutsASnapshotOff) {
  ASSERT_OK(alone_.start(alone_.node(1)));
  StateNode& node = alone_.elect();
  std::uint64_t command = 0;
  while (!node.host->wants_snapshot() && !HasFailure()) {
    const auto outcome = write(alone_, node, command++);
    while (!outcome->has_value()) ASSERT_TRUE(alone_.work(node));
  }
  auto ticket = node.host->begin_snapshot();
  node.host->complete_snapshot(ticket, fail(Errc::kDiskFull));
  EXPECT_FALSE(node.host->wants_snapshot());
  EXPECT_FALSE(node.host->fatal());
  write_while(alone_, [&] { return node.snapshots_made < 1; });
}

TEST_F(StateHostTest, ASnapshotThatCannotBeFlushedEndsTheHost) {
  ASSERT_OK(alone_.start(alone_.node(1)));
  StateNode& node = alone_.elect();
  std::uint64_t command = 0;
  while (!node.host->wants_snapshot() && !HasFailure()) {
    const auto outcome = write(alone_, node, command++);
    while (!outcome->has_value()) ASSERT_TRUE(alone_.work(node));
  }
  auto ticket = node.host->begin_snapshot();
  node.host->complete_snapshot(ticket, fail(Errc::kFsyncFailed));
  ASSERT_TRUE(node.host->fatal());
  EXPECT_EQ(code_of(write(alone_, node, command)), Errc::kNotLeader);
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
