// A replica is kept unless metadata and its group both say, and lately, that it is not wanted.
#include "broker/controller/retirement.h"

#include <gtest/gtest.h>

#include "broker/controller/cluster_state.h"

namespace penstock::broker {
namespace {

constexpr raft::NodeId kOne(1), kTwo(2), kThree(3), kFour(4);

Uuid numbered_id(int number) {
  Uuid id;
  id.bytes[0] = std::byte(number);
  return id;
}

// "orders" on 1, 2 and 3 at offset 10; at offset 20 broker 4 took the place of 1.
class Story : public testing::Test {
 protected:
  Story() {
    for (const raft::NodeId id : {kOne, kTwo, kThree, kFour}) {
      apply(id.value(), BrokerRegistered{id, numbered_id(100 + id.value()), "h", 1, "", {}});
    }
    apply(10,
          TopicCreated{numbered_id(1), "orders", 1, 3, Timestamp(1), {}, {{kOne, kTwo, kThree}}});
  }
  void apply(std::int64_t offset, const MetadataRecord& record) {
    ASSERT_TRUE(state.apply(Offset(offset), record));
  }
  void move_away() {
    apply(20, ReplicasPlaced{numbered_id(1), 3, {{PartitionId(0), {kFour, kTwo, kThree}}}});
  }
  Retirement fate(raft::NodeId broker, std::int64_t placed_at,
                  const std::optional<ReportedMembership>& reported = std::nullopt) const {
    return retirement_of(
        {.id = {numbered_id(1), PartitionId(0)}, .broker = broker, .placed_at = Offset(placed_at)},
        *state.image(), reported);
  }

  ClusterState state;
  const ReportedMembership settled{
      .placed_at = Offset(20),
      .membership = {.voters = {kTwo, kThree, kFour}, .outgoing = {}, .learners = {}},
      .committed = true};
};

TEST_F(Story, APlacedReplicaIsKept) { EXPECT_EQ(fate(kOne, 10).fate, Fate::kKeep); }

TEST_F(Story, WhatIsPlacedElsewhereAndNoMemberGoes) {
  move_away();
  EXPECT_EQ(fate(kOne, 10, settled).fate, Fate::kTrash);
  EXPECT_EQ(fate(kTwo, 10, settled).fate, Fate::kKeep);
}

TEST_F(Story, TheGroupHasTheLastWord) {
  move_away();
  EXPECT_EQ(fate(kOne, 10).fate, Fate::kKeep) << "nobody reported";
  ReportedMembership old_news = settled;
  old_news.placed_at = Offset(10);
  EXPECT_EQ(fate(kOne, 10, old_news).fate, Fate::kKeep);
  ReportedMembership uncommitted = settled;
  uncommitted.committed = false;
  EXPECT_EQ(fate(kOne, 10, uncommitted).fate, Fate::kKeep);
  ReportedMembership joint = settled;
  joint.membership.outgoing = {kOne, kTwo, kThree};
  EXPECT_EQ(fate(kOne, 10, joint).fate, Fate::kKeep);
  ReportedMembership learner = settled;
  learner.membership.learners = {kOne};
  EXPECT_EQ(fate(kOne, 10, learner).fate, Fate::kKeep);
}

// A broker that came back with old metadata, or a controller that lost some.
TEST_F(Story, OlderMetadataDeletesNothing) {
  move_away();
  EXPECT_EQ(fate(kOne, 20, settled).fate, Fate::kKeep) << "the replica is as new as the placement";
  EXPECT_EQ(fate(kOne, 30, settled).fate, Fate::kKeep) << "metadata is behind the replica";
}

TEST_F(Story, AbsenceDeletesNothingAndADeletionDoes) {
  const TopicPartition unknown{numbered_id(7), PartitionId(0)};
  EXPECT_EQ(retirement_of({unknown, kOne, Offset(1)}, *state.image(), settled).fate, Fate::kKeep);
  const TopicPartition beyond{numbered_id(1), PartitionId(5)};
  EXPECT_EQ(retirement_of({beyond, kOne, Offset(1)}, *state.image(), settled).fate, Fate::kKeep);
  EXPECT_EQ(retirement_of({unknown, kOne, Offset(1)}, ClusterImage(), settled).fate, Fate::kKeep)
      << "an empty image";
  apply(20, TopicDeleted{numbered_id(1), Timestamp(2)});
  EXPECT_EQ(fate(kOne, 10).fate, Fate::kTrash);
  EXPECT_EQ(fate(kFour, 10).fate, Fate::kTrash) << "also where a former replica is left";
  for (const raft::NodeId broker : {kOne, kTwo, kThree, kFour}) {
    apply(21 + broker.value(), TopicForgotten{numbered_id(1), broker});
  }
  EXPECT_EQ(fate(kOne, 10).fate, Fate::kKeep) << "forgotten is unknown again";
}

TEST_F(Story, MetadataFromBeforeItsTimeGivesNothingUp) {
  move_away();
  const ReplicaOnDisk copy{.id = {numbered_id(1), PartitionId(0)},
                           .broker = kOne,
                           .placed_at = Offset(10),
                           .placed_before = Offset(22)};
  EXPECT_EQ(retirement_of(copy, *state.image(), settled).fate, Fate::kKeep)
      << "this broker knew metadata up to 22 before it was started again";
}

TEST_F(Story, AReportFromBeforeItWasTakenBackDoesNotCount) {
  move_away();
  ReportedMembership report = settled;
  report.log_end = Offset(100);
  ReplicaOnDisk copy{.id = {numbered_id(1), PartitionId(0)},
                     .broker = kOne,
                     .placed_at = Offset(10),
                     .log_end = Offset(101)};
  EXPECT_EQ(retirement_of(copy, *state.image(), report).fate, Fate::kKeep)
      << "its leader has sent something since: it may be a member again";
  copy.log_end = Offset(100);
  EXPECT_EQ(retirement_of(copy, *state.image(), report).fate, Fate::kTrash);
}

TEST_F(Story, ABrokerIsFreeWhenEveryLeaderHasToldSo) {
  const TopicPartition id{numbered_id(1), PartitionId(0)};
  EXPECT_FALSE(is_free(kOne, *state.image(), {{id, settled}})) << "still placed there";
  move_away();
  EXPECT_FALSE(is_free(kOne, *state.image(), {})) << "nobody has told anything";
  ReportedMembership before = settled;
  before.placed_at = Offset(10);
  EXPECT_FALSE(is_free(kOne, *state.image(), {{id, before}})) << "of an older placement";
  ReportedMembership counted = settled;
  counted.membership.learners = {kOne};
  EXPECT_FALSE(is_free(kOne, *state.image(), {{id, counted}}));
  EXPECT_TRUE(is_free(kOne, *state.image(), {{id, settled}}));
  EXPECT_FALSE(is_free(kFour, *state.image(), {{id, settled}}));
}

// Broker 1 hears of the topic only when it has moved on.
TEST_F(Story, AFounderThatNeverBeganIsNeededAllTheSame) {
  move_away();
  const TopicPtr topic = state.image()->find("orders");
  const ReplicaList founders{kOne, kTwo, kThree};
  EXPECT_TRUE(topic->is_wanted_at(PartitionId(0), kOne, Offset(5)));
  EXPECT_EQ(topic->first_voters(PartitionId(0), kOne, Offset(5)), founders);
  EXPECT_FALSE(topic->is_wanted_at(PartitionId(0), kOne, Offset(11))) << "it had its folder once";
  EXPECT_EQ(topic->first_voters(PartitionId(0), kTwo, Offset(11)), ReplicaList{})
      << "a folder that is gone is never begun again as a founder's";
  EXPECT_TRUE(topic->is_wanted_at(PartitionId(0), kFour, Offset(11)));
  EXPECT_EQ(topic->first_voters(PartitionId(0), kFour, Offset(0)), ReplicaList{});
}

}  // namespace
}  // namespace penstock::broker
