// Stories of silence: when a member's time is up, and when it is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/broker/group/group_scene.h"

namespace penstock::group {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Expiry = GroupSessions::Expiry;

class Sessions : public testing::Test {
 protected:
  Sessions() { scene.topic(1, 4); }

  // Session timeout 10 s, poll interval 60 s.
  TestMember member(int id) { return {scene, id, scene.profile({1})}; }
  void beat(TestMember& one, std::int64_t since_poll_ms = 0) {
    one.beat();
    sessions.follow(GroupScene::kGroup, &scene.group(), scene.now_ms);
    sessions.heard(GroupScene::kGroup, one.id(), since_poll_ms, scene.now_ms);
  }
  Expiry dead(const TestMember& one, ExpiryCause cause) {
    return {GroupScene::kGroup, one.id(), cause};
  }
  std::vector<Expiry> expired() { return sessions.expired(scene.now_ms); }

  GroupScene scene;
  GroupSessions sessions;
};

TEST_F(Sessions, SilenceIsDeath) {
  TestMember a = member(11);
  TestMember b = member(12);
  beat(a);
  beat(b);
  scene.now_ms = 9'999;
  EXPECT_THAT(expired(), IsEmpty());
  beat(b);
  scene.now_ms = 10'000;
  EXPECT_THAT(expired(), ElementsAre(dead(a, ExpiryCause::kSilent)));
  EXPECT_EQ(sessions.next_deadline_ms(), 10'000);
}

TEST_F(Sessions, LongWorkIsNotDeath) {
  TestMember a = member(11);
  beat(a);
  for (scene.now_ms = 3'000; scene.now_ms < 60'000; scene.now_ms += 3'000) {
    beat(a, scene.now_ms);  // its application works since it began
    ASSERT_THAT(expired(), IsEmpty()) << scene.now_ms;
  }
  beat(a, scene.now_ms);
  EXPECT_THAT(expired(), ElementsAre(dead(a, ExpiryCause::kNoProgress)));
}

TEST_F(Sessions, WorkWithoutLimit) {
  TestMember a = member(11);
  a.profile.poll_interval_ms = 0;
  beat(a);
  for (; scene.now_ms < 1'000'000; scene.now_ms += 9'000) {
    beat(a, scene.now_ms);
    ASSERT_THAT(expired(), IsEmpty());
  }
}

TEST_F(Sessions, AskingForRecordsIsProgress) {
  TestMember a = member(11);
  beat(a);
  for (; scene.now_ms < 500'000; scene.now_ms += 5'000) {
    beat(a, scene.now_ms % 50'000);
    ASSERT_THAT(expired(), IsEmpty());
  }
}

TEST_F(Sessions, WhoNeverLetsGoIsStoppedByBothClocksTogether) {
  TestMember a = member(11);
  TestMember b = member(12);
  beat(a);
  a.slow = true;
  beat(b);
  scene.now_ms = 1'000;
  beat(a);  // learns that it is to let go
  while (expired().empty() && scene.now_ms < 1'000'000) {
    scene.now_ms += 5'000;
    beat(a);
    beat(b);
  }
  EXPECT_EQ(scene.now_ms, 71'000);
  EXPECT_THAT(expired(), ElementsAre(dead(a, ExpiryCause::kHoldsOn)));
}

TEST_F(Sessions, ANewCoordinatorGivesFreshOnes) {
  TestMember a = member(11);
  beat(a);
  scene.now_ms = 1'000'000;
  ASSERT_FALSE(expired().empty());
  GroupSessions other;
  other.begin(scene.state, scene.now_ms);
  EXPECT_THAT(other.expired(scene.now_ms), IsEmpty());
  EXPECT_EQ(other.next_deadline_ms(), scene.now_ms + 10'000);
  other.end();
  EXPECT_EQ(other.next_deadline_ms(), std::nullopt);
}

TEST_F(Sessions, AStaticMemberMayBeAwayForItsSession) {
  TestMember a = member(11);
  a.profile.instance = "i1";
  beat(a);
  scene.now_ms = 5'000;
  ASSERT_TRUE(a.leave());
  sessions.follow(GroupScene::kGroup, &scene.group(), scene.now_ms);
  scene.now_ms = 14'999;
  EXPECT_THAT(expired(), IsEmpty());
  scene.now_ms = 15'000;
  EXPECT_THAT(expired(), ElementsAre(dead(a, ExpiryCause::kSilent)));
}

TEST_F(Sessions, WhoIsGoneHasNone) {
  TestMember a = member(11);
  beat(a);
  ASSERT_TRUE(a.leave());
  sessions.follow(GroupScene::kGroup, &scene.group(), scene.now_ms);
  EXPECT_THAT(sessions.of(GroupScene::kGroup), IsEmpty());
  sessions.heard(GroupScene::kGroup, a.id(), 0, 5);
  sessions.heard("another", a.id(), 0, 5);
  EXPECT_EQ(sessions.next_deadline_ms(), std::nullopt);
  sessions.follow(GroupScene::kGroup, nullptr, scene.now_ms);
  EXPECT_THAT(sessions.of("another"), IsEmpty());
}

TEST_F(Sessions, AHeartbeatThatComesLateTurnsNothingBack) {
  TestMember a = member(11);
  beat(a);
  scene.now_ms = 8'000;
  beat(a, 0);
  sessions.heard(GroupScene::kGroup, a.id(), 7'000, 8'000);
  EXPECT_EQ(sessions.of(GroupScene::kGroup).at(a.id()).polled_ms, 8'000);
}

}  // namespace
}  // namespace penstock::group
