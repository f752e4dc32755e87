// Stories of disks that rot, and of the copies that put them right.
#include "tests/broker/host/trio.h"

namespace penstock::broker {
namespace {

using fakes::Survives;
using testing::IsEmpty;

class RepairTest : public TrioTest {
 protected:
  RepairTest() {
    trio.start_everyone();
    EXPECT_TRUE(trio.produce(60, 100));
    trio.run(2'000);  // checkpoints
  }

  // One bit in the middle of a segment; nobody has seen it yet.
  static void flip(Member& member, std::size_t segment, std::size_t at = 300) {
    const std::string path = segments(member)[segment];
    Bytes bytes = *member.env->contents(path);
    bytes.at(at) ^= std::byte{1};
    member.env->put(path, bytes);
  }
  // One pass of a scrub.
  void look(Member& member, std::uint64_t piece = 1'000) {
    while (const auto work = member->begin_scrub(piece)) {
      member->complete_scrub(work->run());
      trio.drain(member);
    }
  }
  bool is_whole(Member& member) {
    look(member, 1U << 20);
    return member->log().damage().empty() && !member->is_damaged();
  }
};

TEST_F(RepairTest, ADamagedFollowerIsPutRightByItsLeaderAndLosesNothing) {
  Member& leader = trio.elect();
  Member& rotten = other_than(leader);
  flip(rotten, 0);
  flip(rotten, 1, 700);
  const Offset durable = rotten->durable_end();
  look(rotten);
  trio.tick(rotten);
  ASSERT_TRUE(rotten->is_damaged());
  ASSERT_TRUE(trio.run_until([&] { return is_whole(rotten); }));
  EXPECT_EQ(rotten->durable_end(), durable) << "nothing was cut";
  EXPECT_EQ(rotten.truncations, 0);
  EXPECT_GE(rotten->stats().mended_runs, 2U);
  trio.restart(rotten, Survives::kNothingUnsynced);
  EXPECT_TRUE(is_whole(rotten)) << "it is on the disk";
  trio.stop(leader);
  ASSERT_TRUE(trio.produce(3)) << "its vote counts again";
}

TEST_F(RepairTest, AFollowerThatIsNeverWokenByItsClockAsksAsWell) {
  Member& leader = trio.elect();
  Member& rotten = other_than(leader);
  flip(rotten, 0);
  look(rotten);
  // Heartbeats come, and its own timer never runs out.
  for (int i = 0; i < 200 && !is_whole(rotten); ++i) {
    trio.clock.advance_ms(10);
    trio.tick(leader);
    trio.settle();
  }
  EXPECT_TRUE(is_whole(rotten));
}

TEST_F(RepairTest, ADamagedLeaderHandsOverAndIsPutRight) {
  Member& rotten = trio.elect();
  flip(rotten, 0);
  look(rotten);
  trio.tick(rotten);
  ASSERT_EQ(rotten->role(), raft::Role::kFollower);
  ASSERT_TRUE(trio.run_until([&] { return is_whole(rotten); }));
  EXPECT_NE(trio.leader(), &rotten);
}

TEST_F(RepairTest, TwoWithDamageInDifferentPlacesAreBothPutRightByTheThird) {
  Member& first = trio.elect();
  Member& second = other_than(first);
  flip(first, 0);
  flip(second, 1);
  look(first);
  look(second);
  trio.tick(first);
  trio.tick(second);
  ASSERT_TRUE(first->is_damaged());
  ASSERT_TRUE(second->is_damaged());
  ASSERT_TRUE(trio.run_until([&] { return is_whole(first) && is_whole(second); }));
  EXPECT_EQ(trio.leader(), &third(first, second));
}

TEST_F(RepairTest, AFileThatHasGoneWithItsIndexIsSentAgainWithAllThatFollows) {
  Member& leader = trio.elect();
  Member& rotten = other_than(leader);
  Member& other = third(leader, rotten);
  trio.crash(rotten, Survives::kNothingUnsynced);
  const std::string path = segments(rotten)[1];
  rotten.env->remove(path);
  rotten.env->remove(path.substr(0, path.size() - 3) + "idx");
  trio.stop(other);
  ASSERT_OK(trio.start(rotten));
  ASSERT_TRUE(rotten->is_damaged());
  const Offset had = rotten->log_end();
  // Cut, and not refilled yet: it is not asked who leads with less than it once had.
  trio.loses = [&](const PeerMessage& message) {
    return message.envelope.to == rotten.id && !message.attachment.empty();
  };
  ASSERT_TRUE(trio.run_until([&] { return rotten->stats().cuts_at_damage == 1; }));
  EXPECT_LT(rotten->log_end(), had);
  EXPECT_TRUE(rotten->is_damaged());
  for (int life = 0; life < 2; ++life) {
    const raft::LogPoint less{leader->group().point_at(had).term, had - 1};
    const raft::VoteRequest request{.ballot = raft::Ballot::kVote,
                                    .term = Term(leader->term().value() + 5),
                                    .log = less,
                                    .transfer = true};
    trio.network.clear();
    rotten->receive({{other.id, rotten.id, request}, {}});
    trio.drain(rotten);
    while (trio.work(rotten)) {
    }
    ASSERT_FALSE(trio.network.empty());
    const auto* reply = std::get_if<raft::VoteReply>(&trio.network.back().envelope.message);
    ASSERT_NE(reply, nullptr);
    EXPECT_FALSE(reply->granted);
    trio.restart(rotten, Survives::kNothingUnsynced);
    EXPECT_TRUE(rotten->is_damaged());
  }
  trio.loses = [](const PeerMessage&) { return false; };
  ASSERT_OK(trio.start(other));
  ASSERT_TRUE(trio.produce(3));
  ASSERT_TRUE(trio.run_until([&] { return is_whole(rotten); }));
  EXPECT_TRUE(trio.run_until([&] { return trio.differences().empty(); })) << trio.differences();
  trio.restart(rotten, Survives::kNothingUnsynced);
  EXPECT_TRUE(is_whole(rotten));
  trio.stop(leader);
  ASSERT_TRUE(trio.produce(3));
}

TEST_F(RepairTest, WhatTheLeaderCannotSendAnyMoreIsCut) {
  Member& leader = trio.elect();
  Member& rotten = other_than(leader);
  flip(rotten, 1);
  look(rotten);
  ASSERT_EQ(rotten->log().damage().size(), 1U);
  // The leader's log begins behind the first batch of the damaged run.
  ASSERT_OK(leader->delete_records(rotten->log().damage().front().begin + 1));
  ASSERT_TRUE(trio.run_until([&] { return is_whole(rotten); }, 300'000));
  EXPECT_EQ(rotten->stats().cuts_at_damage, 1U);
  EXPECT_TRUE(trio.run_until([&] { return trio.differences().empty(); })) << trio.differences();
}

TEST_F(RepairTest, AShortenedFileIsFilledAgain) {
  Member& rotten = other_than(trio.elect());
  trio.crash(rotten, Survives::kNothingUnsynced);
  const std::string path = segments(rotten).front();
  Bytes bytes = *rotten.env->contents(path);
  bytes.resize(bytes.size() / 3);
  rotten.env->put(path, bytes);
  ASSERT_OK(trio.start(rotten));
  ASSERT_TRUE(rotten->is_damaged());
  ASSERT_TRUE(trio.run_until([&] { return is_whole(rotten); }));
  trio.restart(rotten, Survives::kNothingUnsynced);
  EXPECT_TRUE(is_whole(rotten));
}

// --- digests

TEST_F(RepairTest, AScrubOfTheLeaderComparesItsCopyWithAllOthers) {
  Member& leader = trio.elect();
  look(leader);
  EXPECT_EQ(leader->scrub().passes, 1U);
  EXPECT_GE(leader->scrub().total_bytes, 60U * 100);
  trio.run(500);
  for (Member* member : {&other_than(leader), &third(leader, other_than(leader))}) {
    EXPECT_EQ((*member)->scrub().compared, 1U) << "pieces that follow each other are one range";
    EXPECT_EQ((*member)->scrub().divergences, 0U);
  }
}

TEST_F(RepairTest, ACopyThatIsValidAndDifferentIsFound) {
  Member& leader = trio.elect();
  Member& other = other_than(leader);
  look(leader);
  bool altered = false;
  trio.loses = [&](const PeerMessage& message) {
    if (message.envelope.to != other.id || !message.digest) return false;
    PeerMessage bad = message;
    bad.digest->sum ^= 1;
    other->receive(bad);
    altered = true;
    return true;
  };
  trio.run(500);
  ASSERT_TRUE(altered);
  EXPECT_EQ(other->scrub().divergences, 1U);
  ASSERT_TRUE(other->scrub().divergent.has_value());
  EXPECT_EQ(other->scrub().divergent->end, leader->committed());
}

// As after a compaction: the batches mean the same, and are other bytes.
TEST_F(RepairTest, WhatMayHaveBeenRewrittenIsNotCompared) {
  Member& leader = trio.elect();
  Member& other = other_than(leader);
  trio.crash(other, Survives::kEverything);
  for (const std::string& path : other.env->files(kReplicaDir)) {
    if (path.ends_with("/checkpoint")) other.env->remove(path);
  }
  ASSERT_OK(trio.start(other));
  ASSERT_EQ(other->log().compaction().rewritten_end, other->log().log_end());
  look(*trio.leader());
  trio.run(500);
  EXPECT_EQ(other->scrub().compared, 0U);
  EXPECT_EQ(other->scrub().divergences, 0U);
}

TEST_F(RepairTest, AScrubStepsOverDamageAndFinishes) {
  Member& leader = trio.elect();
  Member& rotten = other_than(leader);
  trio.cut_off(rotten.id.value());
  flip(rotten, 0);
  flip(rotten, 2);
  look(rotten);
  EXPECT_EQ(rotten->scrub().passes, 1U);
  EXPECT_EQ(rotten->log().damage().size(), 2U);
  EXPECT_EQ(rotten->scrub().next, Offset(0));
}

TEST_F(RepairTest, BytesThatAreNotTheOldOnesAreNotTaken) {
  Member& leader = trio.elect();
  Member& rotten = other_than(leader);
  flip(rotten, 0);
  look(rotten);
  trio.loses = [&](const PeerMessage& message) {
    // On the way, each batch of the answer gets another leader epoch: no checksum of it changes.
    if (message.envelope.to != rotten.id || message.attachment.empty()) return false;
    PeerMessage bad = message;
    Bytes bytes(bad.attachment.view().begin(), bad.attachment.view().end());
    bytes[15] ^= std::byte{4};
    bad.attachment = SharedBytes(std::move(bytes));
    rotten->receive(bad);
    return true;
  };
  trio.run(3'000);
  EXPECT_FALSE(is_whole(rotten));
  EXPECT_EQ(rotten->stats().mended_runs, 0U);
  trio.loses = [](const PeerMessage&) { return false; };
  ASSERT_TRUE(trio.run_until([&] { return is_whole(rotten); }));
}

TEST_F(RepairTest, WhoIsAloneKeepsItsDamageAndItsService) {
  Cluster cluster(nodes({1}));
  Member& only = cluster.node(1);
  ASSERT_OK(cluster.start(only));
  ASSERT_TRUE(cluster.produce(30, 100));
  cluster.run(1'000);
  flip(only, 0);
  while (const auto work = only->begin_scrub(1'000)) only->complete_scrub(work->run());
  cluster.run(1'000);
  EXPECT_FALSE(only->log().damage().empty());
  EXPECT_TRUE(only->is_ready());
  ASSERT_TRUE(cluster.produce(3));
}

}  // namespace
}  // namespace penstock::broker
