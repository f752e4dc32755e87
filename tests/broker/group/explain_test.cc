// Why a group does not move: a story for each cause.
#include "broker/group/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/broker/group/group_scene.h"

namespace penstock::group {

static void PrintTo(const Reason& reason, std::ostream* out) {
  *out << to_string(reason.cause);
  if (reason.member) *out << " member=" << reason.member->to_string();
  if (reason.other) *out << " other=" << reason.other->to_string();
  if (reason.partition) *out << " partition=" << to_string(PartitionSet{*reason.partition});
  *out << " topic=" << reason.topic << " amount=" << reason.amount;
}

namespace {

using testing::ElementsAre;

class Explain : public testing::Test {
 protected:
  Explain() {
    scene.topic(1, 2);
    log_ends = {{part(1, 0), Offset(10)}, {part(1, 1), Offset(20)}};
  }

  TestMember member(int id) { return {scene, id, scene.profile({1})}; }
  void beat(TestMember& one, std::int64_t since_poll_ms = 0) {
    one.beat();
    follow();
    sessions.heard(GroupScene::kGroup, one.id(), since_poll_ms, scene.now_ms);
  }
  void follow() { sessions.follow(GroupScene::kGroup, &scene.group(), scene.now_ms); }
  std::vector<Reason> why() {
    return explain({.group = scene.group(),
                    .topics = scene.topics_,
                    .sessions = sessions.of(GroupScene::kGroup),
                    .log_ends = log_ends,
                    .now_ms = scene.now_ms});
  }
  void read_all(TestMember& one) {
    std::vector<std::pair<TopicPartition, int>> ends;
    for (const TopicPartition& partition : one.uses) {
      ends.emplace_back(partition, static_cast<int>(log_ends.at(partition).value()));
    }
    ASSERT_TRUE(one.commit(ends));
  }

  GroupScene scene;
  GroupSessions sessions;
  std::map<TopicPartition, Offset> log_ends;
};

TEST_F(Explain, NobodyReads) {
  TestMember a = member(11);
  beat(a);
  read_all(a);
  ASSERT_TRUE(a.leave());
  follow();
  EXPECT_THAT(why(), ElementsAre(Reason{.cause = Cause::kNoMembers}));
}

TEST_F(Explain, EverythingIsRead) {
  TestMember a = member(11);
  beat(a);
  read_all(a);
  EXPECT_THAT(why(), ElementsAre(Reason{.cause = Cause::kAtEnd}));
}

TEST_F(Explain, SomeIsNotReadOrNeverWas) {
  TestMember a = member(11);
  beat(a);
  ASSERT_TRUE(a.commit({{part(1, 0), 7}}));
  EXPECT_THAT(
      why(),
      ElementsAre(
          Reason{.cause = Cause::kNeverCommitted, .member = a.id(), .partition = part(1, 1)},
          Reason{.cause = Cause::kBehind, .member = a.id(), .partition = part(1, 0), .amount = 3}));
}

TEST_F(Explain, ATopicThatIsNotThereAndAMemberTooMany) {
  TestMember a = member(11);
  TestMember b = member(12);
  TestMember c = member(13);
  a.profile.subscription.topics.insert("t9");
  for (int i = 0; i < 3; ++i) beat(a), beat(b), beat(c);
  read_all(a);
  read_all(b);
  EXPECT_THAT(why(), ElementsAre(Reason{.cause = Cause::kNoSuchTopic, .topic = "t9"},
                                 Reason{.cause = Cause::kIdleMember, .member = c.id()},
                                 Reason{.cause = Cause::kAtEnd}));
}

TEST_F(Explain, PartitionsThatAreNobodys) {
  TestMember a = member(11);
  beat(a);
  read_all(a);
  scene.topic(1, 5);  // and the coordinator has not heard of it
  EXPECT_THAT(why(), ElementsAre(Reason{.cause = Cause::kNotDealt, .topic = "t1", .amount = 3}));
}

TEST_F(Explain, WhoHoldsWhatBack) {
  TestMember a = member(11);
  TestMember b = member(12);
  beat(a);
  read_all(a);
  a.slow = true;
  beat(b);
  beat(a);
  scene.now_ms = 3'000;
  EXPECT_THAT(why(), ElementsAre(Reason{.cause = Cause::kHeldBack,
                                        .member = b.id(),
                                        .other = a.id(),
                                        .partition = part(1, 1),
                                        .amount = 3'000}));
  a.let_go();
  beat(a);
  beat(b, 3'000);
  EXPECT_THAT(why(), ElementsAre(Reason{.cause = Cause::kAtEnd}));
}

TEST_F(Explain, WhatIsFreeIsFetchedWithAHeartbeat) {
  TestMember a = member(11);
  TestMember b = member(12);
  for (int i = 0; i < 3; ++i) beat(a), beat(b);
  read_all(a);
  read_all(b);
  ASSERT_TRUE(b.leave());
  follow();
  EXPECT_THAT(why(), ElementsAre(Reason{
                         .cause = Cause::kNotFetched, .member = a.id(), .partition = part(1, 1)}));
}

TEST_F(Explain, AShareWaitsForWhoIsAway) {
  TestMember a = member(11);
  a.profile.instance = "i1";
  beat(a);
  ASSERT_TRUE(a.leave());
  follow();
  scene.now_ms = 4'000;
  EXPECT_THAT(why(), ElementsAre(Reason{.cause = Cause::kAway, .member = a.id(), .amount = 6'000}));
}

TEST_F(Explain, ASlowApplicationAndASilentMember) {
  TestMember a = member(11);
  TestMember b = member(12);
  for (int i = 0; i < 3; ++i) beat(a), beat(b);
  read_all(a);
  read_all(b);
  for (scene.now_ms = 0; scene.now_ms < 35'000; scene.now_ms += 5'000) beat(a, scene.now_ms);
  beat(b);
  beat(a, 35'000);
  scene.now_ms = 40'000;
  beat(a, 40'000);
  EXPECT_THAT(why(),
              ElementsAre(Reason{.cause = Cause::kSilent, .member = b.id(), .amount = 5'000},
                          Reason{.cause = Cause::kProcessing, .member = a.id(), .amount = 40'000},
                          Reason{.cause = Cause::kAtEnd}));
}

}  // namespace
}  // namespace penstock::group
