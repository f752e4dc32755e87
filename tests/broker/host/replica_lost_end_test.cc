// Stories of logs whose last file was shortened while nobody looked: the end is not certain, and
// what was acknowledged there must come from the others.
#include "storage/checkpoint.h"
#include "storage/segment_name.h"
#include "tests/broker/host/trio.h"

namespace penstock::broker {
namespace {

using fakes::Survives;

class LostEndTest : public TrioTest {
 protected:
  LostEndTest() {
    trio.start_everyone();
    EXPECT_TRUE(trio.produce(60, 100));
    trio.run(2'000);  // checkpoints
  }

  // An orderly stop: nothing follows what the checkpoint knows.
  void close(Member& member) {
    ASSERT_OK(member->close());
    trio.stop(member);
  }
  // Down to a third of what its checkpoint vouches for.
  static void shorten(Member& member) {
    const std::string path = segments(member).back();
    const auto checkpoint = member.env->contents(std::string(kReplicaDir) + "/" +
                                                 std::string(storage::kCheckpointName));
    ASSERT_TRUE(checkpoint.has_value());
    const auto newest = storage::newest_slot(*checkpoint);
    ASSERT_TRUE(newest.has_value());
    ASSERT_GT(newest->checkpoint.point.position(), 300U) << "there is something to lose";
    Bytes bytes = *member.env->contents(path);
    bytes.resize(newest->checkpoint.point.position() / 3);
    member.env->put(path, bytes);
  }
  static bool is_whole(Member& member) {
    return member->log().damage().empty() && !member->is_damaged();
  }
  bool is_level() { return trio.differences().empty(); }
};

TEST_F(LostEndTest, WhatWasClosedIsMendedAndTakesRecordsWithoutARestart) {
  Member& leader = trio.elect();
  Member& shortened = other_than(leader);
  const Term term = leader->term();
  close(shortened);
  shorten(shortened);
  ASSERT_OK(trio.start(shortened));
  ASSERT_TRUE(shortened->is_damaged());
  ASSERT_EQ(shortened->log().end_of_log(), storage::EndOfLog::kClosed);
  ASSERT_TRUE(trio.run_until([&] { return is_whole(shortened); }));
  EXPECT_EQ(shortened->stats().cuts_at_damage, 0U) << "byte for byte";
  ASSERT_TRUE(trio.produce(5));
  EXPECT_TRUE(trio.run_until([&] { return is_level(); })) << trio.differences();
  EXPECT_EQ(leader->term(), term) << "everything that it had is known, and nobody is disturbed";
  trio.stop(leader);
  ASSERT_TRUE(trio.produce(3)) << "its vote counts again";
  trio.restart(shortened, Survives::kNothingUnsynced);
  EXPECT_TRUE(is_whole(shortened));
}

TEST_F(LostEndTest, WhatWasNotClosedIsMendedAndTakesRecordsWithoutARestart) {
  Member& leader = trio.elect();
  Member& shortened = other_than(leader);
  trio.crash(shortened, Survives::kNothingUnsynced);
  shorten(shortened);
  ASSERT_OK(trio.start(shortened));
  ASSERT_EQ(shortened->log().end_of_log(), storage::EndOfLog::kUnknown);
  ASSERT_TRUE(trio.run_until([&] { return is_whole(shortened); }));
  ASSERT_TRUE(trio.produce(5));
  EXPECT_TRUE(trio.run_until([&] { return is_level(); })) << trio.differences();
  trio.stop(leader);
  ASSERT_TRUE(trio.produce(3)) << "its vote counts again";
  trio.restart(shortened, Survives::kNothingUnsynced);
  EXPECT_TRUE(is_whole(shortened));
}

TEST_F(LostEndTest, NobodyIsElectedWithoutWhatWasAcknowledgedBehindTheCheckpoint) {
  Member& leader = trio.elect();
  Member& shortened = other_than(leader);
  Member& behind = third(leader, shortened);
  trio.stop(behind);
  ASSERT_TRUE(trio.produce(3)) << "acknowledged by two, one of which is to lose it";
  trio.crash(shortened, Survives::kNothingUnsynced);
  shorten(shortened);
  trio.stop(leader);
  ASSERT_OK(trio.start(shortened));
  ASSERT_OK(trio.start(behind));
  for (int life = 0; life < 2; ++life) {
    trio.run(20'000);
    EXPECT_EQ(trio.leader(), nullptr) << "neither has what the lost one had";
    trio.restart(shortened, Survives::kNothingUnsynced);
  }
  // It is put right by who has everything, and remembers meanwhile that it does not.
  ASSERT_OK(trio.start(leader));
  ASSERT_TRUE(trio.produce(3));
  EXPECT_TRUE(trio.run_until([&] { return is_level() && is_whole(shortened); }))
      << trio.differences();
}

TEST_F(LostEndTest, AVoteStaysRefusedWhenTheEndIsAcceptedAndNotYetRefilled) {
  Member& leader = trio.elect();
  Member& shortened = other_than(leader);
  Member& behind = third(leader, shortened);
  trio.stop(behind);
  ASSERT_TRUE(trio.produce(3));
  trio.crash(shortened, Survives::kNothingUnsynced);
  shorten(shortened);
  const Offset had = leader->log_end();
  ASSERT_OK(trio.start(shortened));
  ASSERT_OK(trio.start(behind));
  // What is mended arrives, and nothing that follows it.
  trio.loses = [&](const PeerMessage& message) {
    const auto* append = std::get_if<raft::AppendRequest>(&message.envelope.message);
    return append != nullptr && !append->range.empty() && append->range.end > shortened->log_end();
  };
  ASSERT_TRUE(
      trio.run_until([&] { return shortened->log().end_of_log() == storage::EndOfLog::kCertain; }));
  ASSERT_LT(shortened->log_end(), had);
  trio.stop(leader);
  trio.restart(shortened, Survives::kNothingUnsynced);
  trio.loses = [](const PeerMessage&) { return false; };
  trio.run(20'000);
  EXPECT_EQ(trio.leader(), nullptr);
  EXPECT_TRUE(shortened->is_damaged());
  ASSERT_OK(trio.start(leader));
  ASSERT_TRUE(trio.produce(3));
  EXPECT_TRUE(trio.run_until([&] { return is_level() && is_whole(shortened); }))
      << trio.differences();
}

TEST_F(LostEndTest, AllOfThemAreKilledAndOneComesBackShortened) {
  Member& shortened = trio.elect();
  for (auto& [id, member] : trio.members()) trio.crash(member, Survives::kNothingUnsynced);
  shorten(shortened);
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(5));
  EXPECT_TRUE(trio.run_until([&] { return is_level() && is_whole(shortened); }))
      << trio.differences();
}

TEST_F(LostEndTest, TwoThatWereClosedAreBothMendedByTheThird) {
  Member& leader = trio.elect();
  Member& first = other_than(leader);
  Member& second = third(leader, first);
  for (auto& [id, member] : trio.members()) close(member);
  shorten(first);
  shorten(second);
  trio.start_everyone();
  ASSERT_TRUE(trio.produce(5));
  EXPECT_EQ(trio.leader(), &leader) << "nobody else has all";
  EXPECT_TRUE(trio.run_until([&] { return is_level() && is_whole(first) && is_whole(second); }))
      << trio.differences();
}

TEST_F(LostEndTest, ALogThatHasGoneWithItsLastIndexIsSentAgain) {
  Member& leader = trio.elect();
  Member& shortened = other_than(leader);
  close(shortened);
  const std::string path = segments(shortened).back();
  shortened.env->remove(path);
  shortened.env->remove(path.substr(0, path.size() - 3) + "idx");
  ASSERT_OK(trio.start(shortened));
  EXPECT_EQ(shortened->log().end_of_log(), storage::EndOfLog::kUnknown);
  ASSERT_TRUE(trio.run_until([&] { return is_whole(shortened); }));
  EXPECT_EQ(shortened->stats().cuts_at_damage, 1U);
  ASSERT_TRUE(trio.produce(5));
  EXPECT_TRUE(trio.run_until([&] { return is_level(); })) << trio.differences();
}

TEST_F(LostEndTest, ATailThatTheLeaderNeverHadIsNotWaitedFor) {
  // A leader that is cut off appends what nobody gets, and is shortened to less than that.
  Member& shortened = trio.elect();
  trio.cut_off(shortened.id.value());
  for (int i = 0; i < 4; ++i) ASSERT_OK(trio.append(shortened, 100));
  trio.run(2'000);
  close(shortened);
  shorten(shortened);
  trio.heal();
  ASSERT_TRUE(trio.produce(10));
  ASSERT_OK(trio.start(shortened));
  EXPECT_TRUE(trio.run_until([&] { return is_level() && is_whole(shortened); }, 10'000))
      << trio.differences();
}

TEST_F(LostEndTest, RepairGetsThroughWhateverIsProducedMeanwhile) {
  Member& leader = trio.elect();
  Member& shortened = other_than(leader);
  close(shortened);
  shorten(shortened);
  ASSERT_TRUE(trio.produce(20));
  ASSERT_OK(trio.start(shortened));
  // What it cannot take comes before what it has asked for, each time.
  for (int i = 0; i < 500 && !is_whole(shortened); ++i) {
    ASSERT_OK(trio.append(leader));
    trio.run(10);
  }
  EXPECT_TRUE(is_whole(shortened));
  EXPECT_GT(shortened->stats().refused_appends, 0U);
  EXPECT_GT(shortened->stats().mended_runs, 0U);
}

TEST_F(LostEndTest, TheAnswerToAnAppendThatIsNotTakenSaysWhatIsWanted) {
  Member& leader = trio.elect();
  Member& shortened = other_than(leader);
  close(shortened);
  shorten(shortened);
  ASSERT_TRUE(trio.produce(3));
  ASSERT_OK(trio.start(shortened));
  std::optional<PeerMessage> append;
  trio.loses = [&](const PeerMessage& message) {
    const auto* request = std::get_if<raft::AppendRequest>(&message.envelope.message);
    if (message.envelope.to != shortened.id || request == nullptr) return false;
    if (request->range.end > shortened->log_end() && !request->range.empty()) append = message;
    return !request->range.empty();
  };
  ASSERT_TRUE(trio.run_until([&] { return append.has_value(); }));
  trio.clock.advance_ms(trio.raft_options.heartbeat_ms);
  trio.network.clear();
  shortened->receive(*append);
  trio.drain(shortened);
  ASSERT_EQ(trio.network.size(), 1U);
  const PeerMessage answer = trio.network.front();
  const auto* reply = std::get_if<raft::AppendReply>(&answer.envelope.message);
  ASSERT_NE(reply, nullptr);
  EXPECT_TRUE(reply->accepted) << "a refusal would make the leader look for where the logs part";
  EXPECT_LE(reply->durable_end, shortened->log_end());
  ASSERT_TRUE(answer.wants.has_value());
  EXPECT_EQ(answer.wants->begin, shortened->log().damage().front().begin);
  // And it is taken at once, though appends of something new are not heard for a while.
  trio.network.clear();
  leader->receive(answer);
  trio.drain(leader);
  for (const PeerMessage& message : std::exchange(trio.network, {})) {
    if (message.envelope.to == shortened.id) shortened->receive(message);
  }
  EXPECT_GT(shortened->stats().mended_runs, 0U);
  trio.drain(shortened);
  trio.loses = [](const PeerMessage&) { return false; };
  EXPECT_TRUE(trio.run_until([&] { return is_level() && is_whole(shortened); }))
      << trio.differences();
}

TEST_F(LostEndTest, WhoIsAloneRefusesRecordsRatherThanGiveOffsetsTwice) {
  Cluster cluster(nodes({1}));
  Member& only = cluster.node(1);
  ASSERT_OK(cluster.start(only));
  ASSERT_TRUE(cluster.produce(30, 100));
  cluster.run(2'000);
  cluster.crash(only, Survives::kNothingUnsynced);
  shorten(only);
  ASSERT_OK(cluster.start(only));
  cluster.run(2'000);
  EXPECT_TRUE(only->is_ready());
  EXPECT_EQ(cluster.append(only).error().code(), Errc::kPartitionDamaged);
}

}  // namespace
}  // namespace penstock::broker
