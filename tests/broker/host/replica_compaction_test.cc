// Stories of a log whose replicas compact it, each by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/broker/host/keyed_replicas.h"
#include "tests/broker/host/trio.h"

namespace penstock::broker {
namespace {

using fakes::Survives;
using storage::keyed_batch;
using storage::put;
using storage::tombstone;

constexpr std::int64_t kDelayMs = 5'000;

class ReplicaCompactionTest : public TrioTest {
 protected:
  ReplicaCompactionTest() {
    trio.tombstones_stay_ms = kDelayMs;
    trio.log_options.retention_ms = std::nullopt;
  }
  void SetUp() override { trio.start_everyone(); }

  void write(const std::vector<storage::KeyedRecord>& records) {
    Member& leader = trio.elect();
    ASSERT_OK(trio.append_batch(leader, keyed_batch(Offset(0), Term(0), records)));
    trio.run(100);
  }
  void compact_all() {
    for (auto& [id, member] : trio.members()) {
      if (member.is_up()) trio.compact(member);
    }
  }
  // Tombstones of before may go, and everybody has heard of it.
  void let_time_pass() { trio.run(kDelayMs + 500); }
  bool holds(Member& member, const std::string& key) {
    return KeyedReplicas::read(member).contains(key);
  }
  bool all_are_right() {
    for (auto& [id, member] : trio.members()) {
      if (!member.is_up()) continue;
      const std::string wrong = keyed.wrong_at(member);
      EXPECT_EQ(wrong, "");
      if (!wrong.empty()) return false;
    }
    return true;
  }

  KeyedReplicas keyed{trio};
};

TEST_F(ReplicaCompactionTest, EachReplicaKeepsTheLatestValueOfEachKey) {
  for (int i = 0; i < 50; ++i)
    write({put("a", std::to_string(i)), put("b" + std::to_string(i), "x")});
  compact_all();
  for (auto& [id, member] : trio.members()) {
    EXPECT_GT(member->log().compaction().clean_end, Offset(90)) << id.value();
  }
  EXPECT_TRUE(all_are_right());
  write({put("a", "after")});
  expect_agreement();
  for (auto& [id, member] : trio.members()) trio.restart(member, Survives::kNothingUnsynced);
  trio.run(1'000);
  EXPECT_TRUE(all_are_right());
}

TEST_F(ReplicaCompactionTest, WhatIsNotCommittedIsLeftAlone) {
  write({put("a", "1")});
  Member& leader = trio.elect();
  for (const std::int32_t id : {1, 2, 3}) {
    if (raft::NodeId(id) != leader.id) trio.cut_off(id);
  }
  const Offset committed = leader->committed();
  ASSERT_OK(trio.append_batch(leader, keyed_batch(Offset(0), Term(0), {put("a", "2")})));
  trio.compact(leader);
  EXPECT_LE(leader->log().compaction().clean_end, committed);
  EXPECT_EQ(KeyedReplicas::read(leader).at("a").value, "1");
  trio.heal();
  trio.run(1'000);
  EXPECT_TRUE(all_are_right());
}

TEST_F(ReplicaCompactionTest, ATombstoneStaysUntilAllMembersHaveSettledBelowIt) {
  write({put("a", "1"), put("b", "1")});
  write({tombstone("a")});
  Member& leader = trio.elect();
  Member& away = other_than(leader);
  trio.stop(away);
  compact_all();
  let_time_pass();
  compact_all();
  EXPECT_TRUE(holds(leader, "a")) << "one member may still have the value";
  EXPECT_EQ(trio.elect()->settled_by_all(), Offset(0));

  ASSERT_OK(trio.start(away));
  trio.run(500);
  compact_all();
  let_time_pass();
  EXPECT_GT(trio.elect()->settled_by_all(), Offset(0));
  compact_all();
  for (auto& [id, member] : trio.members()) EXPECT_FALSE(holds(member, "a")) << id.value();
  EXPECT_TRUE(all_are_right());
}

TEST_F(ReplicaCompactionTest, ANewMemberHoldsTombstonesBackAndGetsTheSameState) {
  write({put("a", "1"), put("b", "1")});
  write({tombstone("a"), put("b", "2")});
  compact_all();
  add_fourth(/*knows_nobody=*/true);
  let_time_pass();
  compact_all();
  let_time_pass();
  compact_all();
  for (auto& [id, member] : trio.members()) EXPECT_FALSE(holds(member, "a")) << id.value();
  EXPECT_TRUE(all_are_right());
  EXPECT_EQ(trio.node(4)->stats().begun_anew, 0U);
}

// Its value would have no tombstone any more.
TEST_F(ReplicaCompactionTest, AMemberThatComesBackWithOldFilesBeginsAnew) {
  write({put("a", "1"), put("b", "1")});
  add_fourth(/*knows_nobody=*/true);
  Member& fourth = trio.node(4);
  ASSERT_TRUE(holds(fourth, "a"));
  trio.stop(fourth);
  ASSERT_OK(change(nodes({1, 2, 3}), {}));
  ASSERT_TRUE(trio.run_until([&] { return is_in_effect(nodes({1, 2, 3})); }));
  write({tombstone("a")});
  compact_all();
  let_time_pass();
  compact_all();
  ASSERT_FALSE(holds(trio.elect(), "a")) << "gone from all who count";

  ASSERT_OK(trio.start(fourth));
  ASSERT_TRUE(holds(fourth, "a"));
  ASSERT_OK(change(nodes({1, 2, 3}), nodes({4})));
  make_fourth_a_voter();
  EXPECT_EQ(fourth->stats().begun_anew, 1U);
  EXPECT_TRUE(all_are_right());
  // Whoever leads next knows of it as well.
  trio.stop(trio.elect());
  write({put("c", "1")});
  EXPECT_TRUE(all_are_right());
}

TEST_F(ReplicaCompactionTest, AMemberThatIsLateOnlyGoesOn) {
  write({put("a", "1")});
  write({tombstone("a")});
  compact_all();
  let_time_pass();
  compact_all();
  Member& late = other_than(trio.elect());
  trio.stop(late);
  for (int i = 0; i < 5; ++i) write({put("b", std::to_string(i))});
  trio.restart(late, Survives::kNothingUnsynced);
  trio.run(1'000);
  EXPECT_EQ(late->stats().begun_anew, 0U);
  expect_agreement();
  EXPECT_TRUE(all_are_right());
}

TEST_F(ReplicaCompactionTest, CopiesThatWereCompactedDifferentlyAreNotCalledDifferent) {
  for (int i = 0; i < 20; ++i) write({put("a", std::to_string(i))});
  trio.compact(other_than(trio.elect()));
  for (int i = 0; i < 20; ++i) write({put("a", std::to_string(i))});
  trio.compact(trio.elect());
  for (int i = 0; i < 5; ++i) write({put("a", std::to_string(i))});
  for (auto& [id, member] : trio.members()) {
    while (const auto work = member->begin_scrub(1'000)) member->complete_scrub(work->run());
    trio.drain(member);
  }
  trio.run(500);
  std::uint64_t compared = 0;
  for (auto& [id, member] : trio.members()) {
    EXPECT_EQ(member->scrub().divergences, 0U) << id.value();
    compared += member->scrub().compared;
  }
  EXPECT_GT(compared, 0U) << "what nobody has compacted is compared";
}

TEST_F(ReplicaCompactionTest, TheTableOfProducersCanBeMadeOfWhatIsLeft) {
  const auto numbered = [](std::int32_t sequence, const std::string& value) {
    return keyed_batch(Offset(0), Term(0), {put("a", value)},
                       {.producer_id = 7, .producer_epoch = 0, .base_sequence = sequence});
  };
  Member& leader = trio.elect();
  for (int i = 0; i < 20; ++i) {
    ASSERT_OK(trio.append_batch(leader, numbered(i, std::to_string(i))));
    trio.run(20);
  }
  write({put("a", "of somebody else")});
  compact_all();
  for (auto& [id, member] : trio.members()) {
    trio.stop(member);
    static_cast<void>(member.env->remove_file("/data/p0/replica.producers"));
    ASSERT_OK(trio.start(member));
  }
  trio.run(1'000);
  Member& next = trio.elect();
  const Bytes last = numbered(19, "19");
  const auto again = next->check_producers(last);
  ASSERT_OK(again);
  EXPECT_FALSE(again->refused);
  EXPECT_EQ(again->fresh(), 0U) << "it is in the log, though its record is not";
  const Bytes following = numbered(20, "20");
  EXPECT_EQ(next->check_producers(following)->fresh(), 1U);
}

}  // namespace
}  // namespace penstock::broker
