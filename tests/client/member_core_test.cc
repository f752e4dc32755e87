// Stories of a member of a group: what it tells, what it lets go of, how it comes back.
#include "client/member_core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::client {
namespace {

using std::chrono::milliseconds;

Uuid id_of(int n) {
  Uuid id;
  id.bytes[15] = std::byte(n);
  return id;
}

GroupPartitions partitions(std::initializer_list<int> numbers) {
  GroupPartitions set;
  for (const int one : numbers) set.insert({id_of(1), PartitionId(one)});
  return set;
}

class Member : public testing::Test {
 protected:
  static constexpr milliseconds kInterval{2'000};
  static constexpr milliseconds kMoving{250};

  Member()
      : core_(id_of(9), {.heartbeat_interval = kInterval, .moving_interval = kMoving},
              Backoff(milliseconds(50), milliseconds(1'000)), Rng(3)) {}

  // The coordinator's answer to the heartbeat that is due.
  void answer(std::int64_t epoch, std::initializer_list<int> owned, std::uint32_t awaited = 0) {
    ASSERT_TRUE(core_.next_heartbeat(now_)) << "no heartbeat is due";
    core_.take_answer({.epoch = epoch, .owned = partitions(owned), .awaited = awaited}, now_);
  }
  void prepare_all() {
    for (const TopicPartition& one : core_.take_unprepared()) core_.prepared(one);
  }
  // What the application does in poll().
  MemberCore::Change poll() {
    const MemberCore::Change change = core_.change();
    core_.let_go(change.lost);
    core_.let_go(change.revoked);
    core_.begin(change.assigned);
    return change;
  }
  // Owns the partitions, and the application reads them.
  void settle(std::int64_t epoch, std::initializer_list<int> owned) {
    answer(epoch, owned);
    prepare_all();
    poll();
    ASSERT_TRUE(core_.is_settled());
  }
  void wait(milliseconds time) { now_ += time; }
  void refuse(Errc code) {
    ASSERT_TRUE(core_.next_heartbeat(now_)) << "no heartbeat is due";
    core_.take_failure(Error(code), now_);
  }
  std::optional<MemberCore::Heartbeat> heartbeat() { return core_.next_heartbeat(now_); }

  Instant now_ = Instant(std::chrono::hours(1));
  MemberCore core_;
};

TEST_F(Member, JoinsAtOnceWithNothing) {
  const auto first = heartbeat();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->epoch, 0);
  EXPECT_EQ(first->member, id_of(9));
  EXPECT_TRUE(first->owned.empty());
  EXPECT_FALSE(heartbeat()) << "one at a time";
}

TEST_F(Member, WhatItOwnsIsPreparedAndThenGivenToTheApplication) {
  answer(7, {0, 1});
  EXPECT_FALSE(core_.has_change()) << "where to begin is not known yet";
  EXPECT_EQ(core_.take_unprepared(), partitions({0, 1}));
  EXPECT_TRUE(core_.take_unprepared().empty()) << "each is prepared once";
  core_.prepared({id_of(1), PartitionId(0)});
  EXPECT_EQ(poll().assigned, partitions({0})) << "none waits for another";
  core_.prepared({id_of(1), PartitionId(1)});
  EXPECT_EQ(poll().assigned, partitions({1}));
  EXPECT_TRUE(core_.is_settled());
}

TEST_F(Member, WhatCannotBePreparedIsTriedAgain) {
  answer(7, {0});
  EXPECT_EQ(core_.take_unprepared(), partitions({0}));
  core_.not_prepared({id_of(1), PartitionId(0)});
  EXPECT_EQ(core_.take_unprepared(), partitions({0}));
}

TEST_F(Member, WhatWasSomebodyElsesMeanwhileIsPreparedAnew) {
  answer(7, {0, 1});
  ASSERT_EQ(core_.take_unprepared(), partitions({0, 1}));
  wait(kInterval);
  answer(8, {1});
  wait(kInterval);
  answer(9, {0, 1});
  EXPECT_TRUE(core_.take_unprepared().empty()) << "the question is still under way";
  core_.prepared({id_of(1), PartitionId(0)});
  core_.prepared({id_of(1), PartitionId(1)});
  EXPECT_EQ(core_.change().assigned, partitions({1})) << "the other one's position may be old";
  EXPECT_EQ(core_.take_unprepared(), partitions({0}));
  core_.prepared({id_of(1), PartitionId(0)});
  EXPECT_EQ(core_.change().assigned, partitions({0, 1}));
}

TEST_F(Member, WhatAFormerLifePreparedIsPreparedAnew) {
  answer(7, {0});
  ASSERT_EQ(core_.take_unprepared(), partitions({0}));
  wait(kInterval);
  refuse(Errc::kUnknownMember);
  answer(9, {0});
  core_.prepared({id_of(1), PartitionId(0)});
  EXPECT_FALSE(core_.has_change());
  EXPECT_EQ(core_.take_unprepared(), partitions({0}));
}

TEST_F(Member, HeartbeatsComeAtTheirInterval) {
  settle(7, {0});
  EXPECT_EQ(core_.next_deadline(), now_ + kInterval);
  wait(kInterval - milliseconds(1));
  EXPECT_FALSE(heartbeat());
  wait(milliseconds(1));
  const auto next = heartbeat();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->epoch, 7);
  EXPECT_EQ(next->owned, partitions({0}));
}

TEST_F(Member, ItHasAPartitionUntilTheApplicationLetsGoOfIt) {
  settle(7, {0, 1});
  wait(kInterval);
  answer(8, {0});
  EXPECT_EQ(core_.change().revoked, partitions({1}));
  EXPECT_EQ(core_.next_deadline(), now_ + kMoving) << "somebody waits";
  wait(kMoving);
  auto next = heartbeat();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->owned, partitions({0, 1})) << "the application is busy";
  core_.take_answer({.epoch = 8, .owned = partitions({0})}, now_);

  EXPECT_EQ(poll().revoked, partitions({1}));
  next = heartbeat();
  ASSERT_TRUE(next) << "told at once";
  EXPECT_EQ(next->owned, partitions({0}));
}

TEST_F(Member, APartitionThatStaysIsNeverTouched) {
  settle(7, {0, 1});
  wait(kInterval);
  answer(8, {0, 2});
  prepare_all();
  const MemberCore::Change change = poll();
  EXPECT_EQ(change.revoked, partitions({1}));
  EXPECT_EQ(change.assigned, partitions({2}));
  EXPECT_EQ(core_.in_use(), partitions({0, 2}));
}

TEST_F(Member, WhatComesBackBeforeItWasLetGoJustStays) {
  settle(7, {0, 1});
  wait(kInterval);
  answer(8, {0});
  wait(kMoving);
  answer(9, {0, 1});
  EXPECT_FALSE(core_.has_change());
}

TEST_F(Member, WhatIsTakenAwayBeforeTheApplicationHadItIsLetGoAtOnce) {
  settle(7, {0});
  wait(kInterval);
  answer(8, {0, 1});
  const GroupPartitions preparing = core_.take_unprepared();
  wait(kInterval);
  answer(9, {0});
  for (const TopicPartition& one : preparing) core_.prepared(one);
  EXPECT_FALSE(core_.has_change());
  wait(kInterval);
  EXPECT_EQ(heartbeat()->owned, partitions({0}));
}

TEST_F(Member, LettingGoWhileAHeartbeatIsUnderWayIsToldRightAfterIt) {
  settle(7, {0, 1});
  wait(kInterval);
  answer(8, {0});
  wait(kMoving);
  ASSERT_TRUE(heartbeat());
  poll();
  EXPECT_FALSE(heartbeat());
  core_.take_answer({.epoch = 8, .owned = partitions({0})}, now_);
  const auto next = heartbeat();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->owned, partitions({0}));
}

TEST_F(Member, AnAnswerOfAnOlderEpochSaysNothing) {
  settle(8, {0});
  wait(kInterval);
  answer(7, {0, 1});
  EXPECT_EQ(core_.epoch(), 8);
  EXPECT_EQ(core_.owned(), partitions({0}));
}

TEST_F(Member, WhoWasDeclaredDeadLetsGoOfEverythingAndJoinsAnew) {
  settle(7, {0, 1});
  wait(kInterval);
  refuse(Errc::kUnknownMember);
  EXPECT_EQ(core_.epoch(), 0);
  EXPECT_EQ(core_.next_deadline(), Instant::max());
  wait(kInterval);
  EXPECT_FALSE(heartbeat()) << "the application may still work on what it had";
  EXPECT_EQ(poll().lost, partitions({0, 1}));
  const auto next = heartbeat();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->epoch, 0);
  EXPECT_TRUE(next->owned.empty());
  core_.take_answer({.epoch = 20, .owned = partitions({1})}, now_);
  prepare_all();
  EXPECT_EQ(poll().assigned, partitions({1}));
}

TEST_F(Member, ACommitMayBeTheFirstToHearOfTheDeath) {
  settle(7, {0});
  core_.declared_dead(6, now_);
  EXPECT_EQ(core_.epoch(), 7) << "of an earlier life";
  core_.declared_dead(7, now_);
  EXPECT_EQ(core_.epoch(), 0);
  EXPECT_EQ(poll().lost, partitions({0}));
}

TEST_F(Member, AnAnswerToAFormerLifeIsNone) {
  settle(7, {0});
  wait(kInterval);
  ASSERT_TRUE(heartbeat());
  core_.declared_dead(7, now_);
  core_.take_answer({.epoch = 7, .owned = partitions({0})}, now_);
  EXPECT_EQ(core_.epoch(), 0);
  EXPECT_EQ(poll().lost, partitions({0}));
  const auto next = heartbeat();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->epoch, 0);
}

TEST_F(Member, TroubleIsTriedAgainAfterAPause) {
  settle(7, {0});
  wait(kInterval);
  refuse(Errc::kNotLeader);
  EXPECT_EQ(core_.last_error()->code(), Errc::kNotLeader);
  EXPECT_FALSE(heartbeat());
  EXPECT_GT(core_.next_deadline(), now_);
  EXPECT_EQ(core_.in_use(), partitions({0})) << "reading goes on";
  wait(milliseconds(50));
  answer(7, {0});
  EXPECT_FALSE(core_.last_error());
}

TEST_F(Member, WhoIsRefusedForGoodStops) {
  refuse(Errc::kInvalidArgument);
  ASSERT_TRUE(core_.fatal());
  wait(kInterval);
  EXPECT_FALSE(heartbeat());
}

TEST_F(Member, AnUnknownJoinerPausesBetweenItsAttempts) {
  refuse(Errc::kUnknownMember);
  EXPECT_FALSE(heartbeat());
  wait(milliseconds(50));
  EXPECT_TRUE(heartbeat());
}

}  // namespace
}  // namespace penstock::client
