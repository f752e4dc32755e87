// Stories of members: who is given what, and when.
#include "tests/broker/group/membership.h"

#include <gtest/gtest.h>

#include "broker/group/limits.h"

namespace penstock::group {
namespace {

TEST_F(Membership, TheFirstMemberOwnsEverythingAtOnce) {
  TestMember a = member(11);
  EXPECT_EQ(a.beat(), 4U) << "group, member, target, holding";
  EXPECT_EQ(a.owned, of_topic(1, {0, 1, 2, 3}));
  EXPECT_EQ(a.last.awaited, 0U);
  EXPECT_EQ(scene.group().facts->created_at, scene.now());
}

TEST_F(Membership, AHeartbeatThatChangesNothingDecidesNothing) {
  TestMember a = member(11);
  a.beat();
  const Assignment before = a.last;
  EXPECT_EQ(a.beat(), 0U);
  EXPECT_EQ(a.last, before);
}

TEST_F(Membership, APartitionIsGivenWhenItsFormerOwnerHasLetGo) {
  TestMember a = member(11);
  TestMember b = member(12);
  a.beat();
  a.slow = true;
  b.beat();
  EXPECT_TRUE(b.owned.empty());
  EXPECT_EQ(b.last.awaited, 2U);

  a.beat();
  EXPECT_EQ(a.owned, of_topic(1, {0, 1})) << "what stays is never taken away";
  EXPECT_EQ(a.last.revoking, of_topic(1, {2, 3}));
  b.beat();
  EXPECT_TRUE(b.owned.empty()) << "told is not yet done";
  a.beat();
  b.beat();
  EXPECT_TRUE(b.owned.empty()) << "and said again is not done either";

  a.let_go();
  a.beat();
  EXPECT_TRUE(a.last.revoking.empty());
  b.beat();
  EXPECT_EQ(b.owned, of_topic(1, {2, 3}));
  EXPECT_EQ(b.last.awaited, 0U);
}

TEST_F(Membership, WhatComesBackBeforeItWasLetGoJustStays) {
  TestMember a = member(11);
  TestMember b = member(12);
  a.beat();
  a.slow = true;
  b.beat();
  a.beat();
  ASSERT_EQ(a.last.revoking, of_topic(1, {2, 3}));
  ASSERT_TRUE(expire(b));
  a.beat();
  EXPECT_EQ(a.owned, of_topic(1, {0, 1, 2, 3}));
  EXPECT_TRUE(a.last.revoking.empty());
}

TEST_F(Membership, EachPartitionGoesOnItsOwn) {
  TestMember a = member(11);
  TestMember b = member(12);
  a.beat();
  a.slow = true;
  b.beat();
  a.beat();
  a.uses = of_topic(1, {0, 1, 3});  // 2 is done with, 3 is not
  a.beat();
  b.beat();
  EXPECT_EQ(b.owned, of_topic(1, {2}));
  EXPECT_EQ(b.last.awaited, 1U);
  a.let_go();
  a.beat();
  b.beat();
  EXPECT_EQ(b.owned, of_topic(1, {2, 3}));
}

TEST_F(Membership, WhatADeadMemberHeldIsFree) {
  TestMember a = member(11);
  TestMember b = member(12);
  a.beat();
  b.beat();
  ASSERT_TRUE(expire(a));
  b.beat();
  EXPECT_EQ(b.owned, of_topic(1, {0, 1, 2, 3}));
  a.beat();
  EXPECT_EQ(a.error, Errc::kUnknownMember);
  a.beat();  // joins anew
  EXPECT_EQ(a.error, Errc::kOk);
  EXPECT_TRUE(a.owned.empty());
}

TEST_F(Membership, AnAnswerThatWasLostIsGivenAgain) {
  TestMember a = member(11);
  const JoinOrHeartbeat join = a.heartbeat();
  ASSERT_TRUE(scene.carry_out(join));
  const auto again = scene.carry_out(join);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->records.empty());
  EXPECT_EQ(again->answer.owned, of_topic(1, {0, 1, 2, 3}));
}

// A heartbeat from before the member knew what it was given must not be read as letting go of it.
TEST_F(Membership, AnOldHeartbeatLetsNothingGo) {
  TestMember a = member(11);
  TestMember b = member(12);
  const JoinOrHeartbeat late = a.heartbeat();
  a.beat();
  b.beat();
  a.slow = true;
  a.beat();
  ASSERT_EQ(a.last.revoking, of_topic(1, {2, 3}));
  const auto answer = scene.carry_out(late);  // owns nothing, epoch 0
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->records.empty());
  b.beat();
  EXPECT_TRUE(b.owned.empty());
}

TEST_F(Membership, AHeartbeatOfAnEarlierLifeIsRefused) {
  TestMember a = member(11);
  a.beat();
  const JoinOrHeartbeat late = a.heartbeat();
  ASSERT_TRUE(expire(a));
  a.epoch = Epoch(0);
  a.uses.clear();
  a.beat();
  const auto answer = scene.carry_out(late);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Errc::kUnknownMember);
}

TEST_F(Membership, EpochsGoOnRisingWhenAGroupIsDeletedAndMadeAgain) {
  TestMember a = member(11);
  a.beat();
  const Epoch before = a.epoch;
  ASSERT_TRUE(a.leave());
  ASSERT_TRUE(scene.carry_out(DeleteGroup{GroupScene::kGroup}));
  EXPECT_EQ(scene.state.find(GroupScene::kGroup), nullptr);
  a.beat();
  EXPECT_GT(a.epoch, before);
}

TEST_F(Membership, WhoOwnsWhatIsNotItsOwnMustBeginAnew) {
  TestMember a = member(11);
  TestMember b = member(12);
  a.beat();
  b.beat();
  b.uses = of_topic(1, {3});
  EXPECT_EQ(b.beat(), 0U);
  EXPECT_EQ(b.error, Errc::kUnknownMember);
}

TEST_F(Membership, LeavingGivesTheShareToOthers) {
  TestMember a = member(11);
  TestMember b = member(12);
  a.beat();
  b.beat();
  ASSERT_TRUE(a.leave());
  b.beat();
  EXPECT_EQ(b.owned.size(), 4U);
  ASSERT_TRUE(b.leave());
  EXPECT_TRUE(scene.group().members.empty());
  EXPECT_TRUE(scene.group().holdings.empty());
  EXPECT_EQ(scene.group().target, Target{});
  EXPECT_FALSE(b.leave()) << "it left already";
}

TEST_F(Membership, ASubscriptionMayChange) {
  scene.topic(2, 2);
  TestMember a = member(11);
  a.beat();
  a.profile.subscription.topics = {"t1", "t2", "t9"};
  a.beat();
  EXPECT_EQ(a.owned.size(), 6U) << "a topic that is not there yet has no partitions";
  a.profile.subscription.topics = {"t2"};
  a.beat();
  EXPECT_EQ(a.owned, of_topic(2, {0, 1}));
  EXPECT_EQ(a.last.revoking, of_topic(1, {0, 1, 2, 3}));
}

TEST_F(Membership, AnotherHostIsNoReasonToDealAnew) {
  TestMember a = member(11);
  a.beat();
  const Epoch epoch = scene.group().facts->epoch;
  a.profile.host = "elsewhere";
  a.profile.poll_interval_ms = 0;
  EXPECT_EQ(a.beat(), 1U);
  EXPECT_EQ(scene.group().facts->epoch, epoch);
  EXPECT_EQ(scene.group().members.at(a.id()).profile.host, "elsewhere");
}

TEST_F(Membership, MorePartitionsAreDealtOut) {
  TestMember a = member(11);
  TestMember b = member(12);
  for (int i = 0; i < 3; ++i) a.beat(), b.beat();
  scene.topic(1, 6);
  ASSERT_TRUE(topics_changed());
  a.beat();
  b.beat();
  EXPECT_EQ(a.owned, of_topic(1, {0, 1, 4}));
  EXPECT_EQ(b.owned, of_topic(1, {2, 3, 5}));
  EXPECT_TRUE(topics_changed()->records.empty()) << "said twice";
}

TEST_F(Membership, AnOlderViewOfTopicsDealsNothingOut) {
  const TopicViewPtr old = scene.topics();
  scene.topic(1, 6);
  TestMember a = member(11);
  a.beat();
  TestMember b = member(12);
  JoinOrHeartbeat join = b.heartbeat();
  join.topics = old;
  const auto refused = scene.carry_out(join);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kNotReady);
}

TEST_F(Membership, ADeletedTopicTakesItsPositionsAlong) {
  scene.topic(2, 1);
  TestMember a = member(11, {1, 2});
  a.beat();
  ASSERT_TRUE(a.commit({{part(1, 0), 5}, {part(1, 3), 6}, {part(2, 0), 7}}));
  scene.topics_.remove("t1");
  ASSERT_TRUE(topics_changed());
  EXPECT_EQ(scene.group().positions.size(), 3U) << "absence deletes nothing";
  ASSERT_TRUE(topics_changed({id_of(1)}));
  ASSERT_EQ(scene.group().positions.size(), 1U);
  EXPECT_TRUE(scene.group().positions.contains(part(2, 0)));
  a.beat();
  EXPECT_EQ(a.owned, of_topic(2, {0}));
}

TEST_F(Membership, ATopicThatIsMadeAgainIsAnother) {
  TestMember a = member(11);
  a.beat();
  ASSERT_TRUE(a.commit({{part(1, 0), 5}}));
  scene.topics_.put("t1", {id_of(77), 1});
  ASSERT_TRUE(topics_changed({id_of(1)}));
  a.beat();
  EXPECT_EQ(a.owned, of_topic(77, {0}));
  EXPECT_TRUE(scene.group().positions.empty());
}

TEST_F(Membership, WhatAPatternMatchesIsKeptWithTheMember) {
  scene.topic(2, 2);
  TestMember a = member(11);
  a.profile.subscription.pattern = "t.*";
  TestMember b = member(12);
  a.beat();
  b.beat();
  const auto more = scene.carry_out(TopicsChanged{.group = GroupScene::kGroup,
                                                  .topics = scene.topics(),
                                                  .deleted = {},
                                                  .matches = {{"t.*", {"t1", "t2"}}, {"x", {}}},
                                                  .now = scene.now()});
  ASSERT_TRUE(more);
  EXPECT_EQ(scene.group().members.at(a.id()).profile.subscription.topics.size(), 2U);
  EXPECT_EQ(scene.group().members.at(b.id()).profile.subscription.topics.size(), 1U);
  EXPECT_EQ(scene.group().share_of(a.id()).size(), 3U);
}

// --- assignors and limits

TEST_F(Membership, WhoJoinsLastChoosesHowToDeal) {
  TestMember a = member(11);
  a.beat();
  EXPECT_EQ(scene.group().facts->assignor, Assignor::kBalancedSticky);
  TestMember b = member(10);
  b.assignor = Assignor::kRange;
  b.beat();
  EXPECT_EQ(scene.group().facts->assignor, Assignor::kRange);
  EXPECT_EQ(scene.group().share_of(b.id()), of_topic(1, {0, 1}));
  a.assignor = Assignor::kRackAware;
  a.beat();
  EXPECT_EQ(scene.group().facts->assignor, Assignor::kRange) << "a is here already";
}

TEST_F(Membership, RacksAreLookedAt) {
  for (int p = 0; p < 4; ++p) scene.topics_.set_racks(part(1, p), {p % 2 == 0 ? "b" : "a"});
  TestMember a = member(11);
  a.profile.rack = "a";
  a.assignor = Assignor::kRackAware;
  TestMember b = member(12);
  b.profile.rack = "b";
  a.beat();
  b.beat();
  EXPECT_EQ(scene.group().share_of(b.id()), of_topic(1, {0, 2}));
}

TEST_F(Membership, AGroupHasSoManyMembers) {
  for (std::size_t n = 0; n < kMaxMembersPerGroup; ++n) {
    TestMember one = member(static_cast<int>(n) + 1, {});
    one.beat();
    ASSERT_EQ(one.error, Errc::kOk);
  }
  TestMember last = member(2'000, {});
  last.beat();
  EXPECT_EQ(last.error, Errc::kOverloaded);
}

TEST_F(Membership, AGroupReadsSoManyPartitions) {
  TestMember a = member(11);
  a.beat();
  scene.topic(2, kMaxPartitionsPerGroup);
  TestMember b = member(12, {2});
  b.beat();
  EXPECT_EQ(b.error, Errc::kOverloaded);
  EXPECT_EQ(a.beat(), 0U);
}

TEST_F(Membership, ATopicThatOutgrowsAGroupStopsNobodyFromLeaving) {
  TestMember a = member(11);
  TestMember b = member(12);
  for (int i = 0; i < 3; ++i) a.beat(), b.beat();
  scene.topic(1, kMaxPartitionsPerGroup + 1);
  const auto changed = topics_changed();
  ASSERT_TRUE(changed);
  EXPECT_TRUE(changed->records.empty());
  ASSERT_TRUE(expire(a));
  b.beat();
  EXPECT_EQ(b.owned, of_topic(1, {0, 1, 2, 3})) << "what was dealt out before";
  TestMember c = member(13);
  c.beat();
  EXPECT_EQ(c.error, Errc::kOverloaded);
  ASSERT_TRUE(b.leave());
  EXPECT_TRUE(scene.group().members.empty());
}

TEST_F(Membership, WhatNobodyMaySayIsRefused) {
  const auto refused = [&](auto change) {
    TestMember one = member(11);
    JoinOrHeartbeat command = one.heartbeat();
    change(command);
    const auto decision = scene.state.handle(command);
    return decision ? Errc::kOk : decision.error().code();
  };
  using Command = JoinOrHeartbeat;
  EXPECT_EQ(refused([](Command& c) { c.group = "a/b"; }), Errc::kInvalidArgument);
  EXPECT_EQ(refused([](Command& c) { c.group = ""; }), Errc::kInvalidArgument);
  EXPECT_EQ(refused([](Command& c) { c.member = {}; }), Errc::kInvalidArgument);
  EXPECT_EQ(refused([](Command& c) { c.owned = of_topic(1, {0}); }), Errc::kInvalidArgument);
  EXPECT_EQ(refused([](Command& c) {
              c.member_epoch = Epoch(1);
              c.owned = of_topic(1, {1, 0});
            }),
            Errc::kInvalidArgument);
  EXPECT_EQ(refused([](Command& c) { c.member_epoch = Epoch(7); }), Errc::kUnknownMember);
  EXPECT_EQ(refused([](Command& c) { c.profile.session_timeout_ms = 10; }), Errc::kInvalidArgument);
  EXPECT_EQ(refused([](Command& c) { c.profile.poll_interval_ms = -1; }), Errc::kInvalidArgument);
  EXPECT_EQ(refused([](Command& c) { c.profile.instance = "a b"; }), Errc::kInvalidArgument);
  EXPECT_EQ(refused([](Command& c) { c.profile.client.resize(kMaxClientNameBytes + 1); }),
            Errc::kInvalidArgument);
  EXPECT_EQ(
      refused([](Command& c) { c.profile.subscription.pattern.resize(kMaxPatternBytes + 1); }),
      Errc::kInvalidArgument);
  EXPECT_EQ(refused([](Command& c) { c.profile.subscription.topics.insert(".."); }),
            Errc::kInvalidTopicName);
  EXPECT_EQ(refused([](Command&) {}), Errc::kOk);
}

}  // namespace
}  // namespace penstock::group
