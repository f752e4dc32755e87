// Stories of snapshots: the log is bounded, followers are installed, rot is made up for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/host/state_host_file.h"
#include "tests/broker/host/state_host_story.h"
#include "tests/storage/expect.h"

namespace penstock::broker {
namespace {

using fakes::Survives;
using testing::IsEmpty;
using testing::SizeIs;

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

TEST_F(StateHostTest, WhatIsBelowTheLastSnapshotButOneCanBeFoundWithoutTheLog) {
  ASSERT_OK(alone_.start(alone_.node(1)));
  StateNode& node = alone_.node(1);
  const auto covered = [&](Offset log_start) {
    return node.snapshots->covered(log_start, node.host->applied());
  };
  EXPECT_EQ(covered(Offset(0)), Offset(0));
  write_while(alone_, [&] { return node.snapshots_made < 1; });
  const Offset first = *node.snapshots->newest(node.host->applied());
  EXPECT_EQ(covered(Offset(0)), first) << "or else from the log's beginning";
  EXPECT_EQ(covered(Offset(1)), Offset(0)) << "a beginning that is gone";
  write_while(alone_, [&] { return node.snapshots_made < 2; });
  EXPECT_GT(*node.snapshots->newest(node.host->applied()), first);
  EXPECT_EQ(covered(Offset(0)), first);
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

TEST_F(AfterSnapshots, TheLogIsNotCutAtOneThatRottedMeanwhile) {
  ASSERT_OK(alone_.start(node_));
  alone_.run(20);
  const Offset start = node_.replica->log_start();
  files_ = alone_.snapshot_files(node_);
  damage(files_.size() - 1);
  const int made = node_.snapshots_made;
  write_while(alone_, [&] { return node_.snapshots_made < made + 1; });
  alone_.run(20);
  EXPECT_EQ(node_.replica->log_start(), start);
  EXPECT_EQ(node_.snapshots->damaged(), 1U);
  write_while(alone_, [&] { return node_.snapshots_made < made + 2; });
  alone_.run(20);
  EXPECT_GT(node_.replica->log_start(), start);
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

}  // namespace
}  // namespace penstock::broker
