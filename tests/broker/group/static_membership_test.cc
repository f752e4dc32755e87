// Stories of static members: a share that waits for who returns.
#include <gtest/gtest.h>

#include "tests/broker/group/membership.h"

namespace penstock::group {
namespace {

class StaticMembership : public Membership {
 protected:
  TestMember static_member(int id, const std::string& instance) {
    TestMember one = member(id);
    one.profile.instance = instance;
    return one;
  }
};

TEST_F(StaticMembership, TheShareWaitsForAMemberThatReturns) {
  TestMember a = static_member(11, "i1");
  TestMember b = static_member(12, "i2");
  for (int i = 0; i < 3; ++i) a.beat(), b.beat();
  const PartitionSet of_b = b.owned;
  const Epoch group_epoch = scene.group().facts->epoch;
  ASSERT_TRUE(b.leave());
  a.beat();
  EXPECT_EQ(a.owned.size(), 2U) << "nobody gets what waits";

  TestMember b2 = static_member(13, "i2");
  b2.beat();
  EXPECT_EQ(b2.owned, of_b);
  EXPECT_EQ(scene.group().facts->epoch, group_epoch) << "nothing was dealt anew";
  EXPECT_FALSE(scene.group().members.contains(b.id()));
  EXPECT_EQ(a.beat(), 0U);
}

TEST_F(StaticMembership, TheSameProcessMayReturnToo) {
  TestMember a = static_member(11, "i1");
  a.beat();
  const Epoch before = a.epoch;
  ASSERT_TRUE(a.leave());
  EXPECT_FALSE(scene.group().is_live());
  a.beat();
  EXPECT_EQ(a.owned.size(), 4U);
  EXPECT_GT(a.epoch, before);
  EXPECT_TRUE(scene.group().is_live());
}

TEST_F(StaticMembership, ASecondOneOfTheNameWaits) {
  TestMember a = static_member(11, "i1");
  a.beat();
  TestMember twin = static_member(12, "i1");
  twin.beat();
  EXPECT_EQ(twin.error, Errc::kInstanceInUse);
  EXPECT_EQ(a.beat(), 0U) << "the first one is not disturbed";
  ASSERT_TRUE(expire(a));
  twin.beat();
  EXPECT_EQ(twin.owned.size(), 4U);
}

TEST_F(StaticMembership, WhoStaysAwayLosesItsShare) {
  TestMember a = static_member(11, "i1");
  TestMember b = static_member(12, "i2");
  for (int i = 0; i < 3; ++i) a.beat(), b.beat();
  ASSERT_TRUE(b.leave());
  ASSERT_TRUE(expire(b));
  a.beat();
  EXPECT_EQ(a.owned.size(), 4U);
}

TEST_F(StaticMembership, LeavingForGoodIsLeaving) {
  TestMember a = static_member(11, "i1");
  a.beat();
  ASSERT_TRUE(a.leave(Departure::kForGood));
  EXPECT_TRUE(scene.group().members.empty());
}

TEST_F(StaticMembership, WhoReturnsWithOtherWishesIsDealtAnew) {
  scene.topic(2, 2);
  TestMember a = static_member(11, "i1");
  a.beat();
  ASSERT_TRUE(a.leave());
  TestMember a2 = static_member(12, "i1");
  a2.profile.subscription.topics = {"t2"};
  a2.beat();
  EXPECT_EQ(a2.owned, of_topic(2, {0, 1}));
}

}  // namespace
}  // namespace penstock::group
