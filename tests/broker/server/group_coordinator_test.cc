// Stories of a coordinator on a disk in memory: the disk pools are queues that the test empties
// when it likes, and time is the test's.
#include "broker/server/group_coordinator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>

#include "protocol/record/builder.h"
#include "tests/broker/partition/shard_scene.h"
#include "tests/broker/server/topic_images.h"

namespace penstock::broker {
namespace {

using group::Assignment;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto kGroup = "etl";
constexpr std::int32_t kSessionMs = 10'000;

class Unwatched final : public PartitionObserver {
  void appended(std::uint64_t, std::int64_t, std::int64_t) override {}
  void flushed(std::int64_t, std::int64_t) override {}
  void checkpointed(std::int64_t) override {}
  void read(std::uint64_t, bool) override {}
  void retention_freed(std::uint64_t) override {}
};

// What became of a command; empty while it is under way.
template <typename T>
using Told = std::shared_ptr<std::optional<Result<T>>>;

class Coordinating : public ShardScene {
 protected:
  Coordinating() : ShardScene(&observer_) { begin(); }
  ~Coordinating() override {
    groups_->stop();
    settle();
    EXPECT_THAT(fatal_, IsEmpty());
  }

  // An only voter, with what its disk holds.
  void begin() {
    ReplicaOptions options;
    options.self = raft::NodeId(1);
    options.first_membership.voters = {raft::NodeId(1)};
    options.term_floor = Term(++term_floor_);
    auto opened =
        Replica::open(env_, clock_, "/groups", {kId}, rules_.log, options, std::nullopt).value();
    groups_ = GroupCoordinator::open(env_, clock_, "/groups.state", kId, *opened.replica).value();
    partition_ = std::make_shared<Partition>(services_, kId, "__consumer_offsets", rules_,
                                             std::move(opened.replica));
    groups_->set_image(image_of({{"t1", 4}}));
    groups_->attach(partition_, services_, [this] { ++wakes_; });
    partition_->start();
    settle();
    ASSERT_TRUE(groups_->coordinates());
  }

  template <typename T>
  Told<T> spawn(Task<Result<T>> task) {
    auto told = std::make_shared<std::optional<Result<T>>>();
    asio::co_spawn(shard_, std::move(task), [told](const std::exception_ptr&, Result<T> value) {
      *told = std::move(value);
    });
    run_shard();
    return told;
  }
  Told<Assignment> beat(int member, group::Epoch epoch, group::PartitionSet owned = {},
                        std::string pattern = "") {
    group::JoinOrHeartbeat command{.group = kGroup,
                                   .member = id_of(100 + member),
                                   .member_epoch = epoch,
                                   .owned = std::move(owned),
                                   .profile = {},
                                   .topics = {},
                                   .now = {}};
    command.profile.session_timeout_ms = kSessionMs;
    command.profile.subscription.pattern = std::move(pattern);
    if (command.profile.subscription.pattern.empty()) {
      command.profile.subscription.topics = {"t1"};
    }
    return spawn(groups_->heartbeat(std::move(command), 0));
  }
  Assignment joined(int member, const std::string& pattern = "") {
    const auto told = beat(member, group::Epoch(0), {}, pattern);
    settle();
    EXPECT_TRUE(*told && **told) << "joined";
    return *told && **told ? ***told : Assignment();
  }
  Told<group::Committed> commit(int topic, int partition, std::int64_t offset) {
    group::CommitOffsets command;
    command.group = kGroup;
    command.positions.push_back({.partition = {id_of(topic), PartitionId(partition)},
                                 .offset = Offset(offset),
                                 .leader_epoch = Term(-1),
                                 .text = ""});
    return spawn(groups_->commit(std::move(command)));
  }
  group::Group seen() {
    const auto view = spawn(groups_->describe(kGroup, std::nullopt));
    settle();
    return *view && **view ? (***view).group : group::Group();
  }
  void tick() {
    groups_->tick();
    settle();
  }

  const TopicPartition kId{id_of(77), PartitionId(3)};
  Unwatched observer_;
  PartitionRules rules_;
  std::int32_t term_floor_ = 5;
  std::shared_ptr<GroupCoordinator> groups_;
  std::shared_ptr<Partition> partition_;
  int wakes_ = 0;
};

TEST_F(Coordinating, NobodyIsAMemberBeforeItIsOnDisk) {
  const auto told = beat(1, group::Epoch(0));
  EXPECT_FALSE(told->has_value());
  settle();
  ASSERT_TRUE(told->has_value() && **told);
  EXPECT_THAT((**told)->owned, SizeIs(4));
  EXPECT_GT(wakes_, 0) << "now there are sessions to watch";
}

TEST_F(Coordinating, WhoIsSilentForItsSessionIsRemoved) {
  joined(1);
  clock_.advance_ms(kSessionMs - 1);
  tick();
  EXPECT_THAT(seen().members, SizeIs(1));
  clock_.advance_ms(1);
  tick();
  EXPECT_THAT(seen().members, IsEmpty());
  EXPECT_FALSE(groups_->tick()) << "nobody is left to be watched";
}

TEST_F(Coordinating, AHeartbeatIsALifeSign) {
  const Assignment first = joined(1);
  clock_.advance_ms(kSessionMs - 1);
  const auto told = beat(1, first.member_epoch, first.owned);
  settle();
  ASSERT_TRUE(*told && **told);
  clock_.advance_ms(kSessionMs - 1);
  tick();
  EXPECT_THAT(seen().members, SizeIs(1));
}

TEST_F(Coordinating, ADiskThatStallsKillsNobody) {
  const Assignment first = joined(1);
  clock_.advance_ms(kSessionMs - 1);
  // Its flush does not end; whoever comes now waits behind it.
  const auto other = beat(2, group::Epoch(0));
  const auto told = beat(1, first.member_epoch, first.owned);
  clock_.advance_ms(kSessionMs - 1);
  groups_->tick();
  EXPECT_FALSE(told->has_value());
  settle();
  ASSERT_TRUE(other->has_value() && **other);
  ASSERT_TRUE(told->has_value() && **told) << (**told).error().to_string();
  EXPECT_THAT(seen().members, SizeIs(2));
}

TEST_F(Coordinating, WhoIsHeardWhileItsDeathIsDecidedLives) {
  const Assignment first = joined(1);
  clock_.advance_ms(kSessionMs - 1);
  const auto other = beat(2, group::Epoch(0));  // keeps the disk busy
  clock_.advance_ms(1);
  groups_->tick();  // the decision is in line
  const auto told = beat(1, first.member_epoch, first.owned);
  settle();
  ASSERT_TRUE(told->has_value() && **told) << (**told).error().to_string();
  EXPECT_THAT(seen().members, SizeIs(2));
}

TEST_F(Coordinating, NewPartitionsAndTopicsAreDealtOut) {
  Assignment first = joined(1);
  joined(2, "t.*");
  groups_->set_image(image_of({{"t1", 6}, {"t2", 2}}, Offset(41)));
  tick();
  const group::Group group = seen();
  EXPECT_EQ(group.share_of(id_of(101)).size() + group.share_of(id_of(102)).size(), 8U);
  EXPECT_THAT(group.members.at(id_of(102)).profile.subscription.topics, SizeIs(2));
}

TEST_F(Coordinating, PositionsGoWithTheirTopicAndNotWithOneThatIsNotKnownYet) {
  commit(1, 0, 5);
  settle();
  ASSERT_THAT(seen().positions, SizeIs(1));
  groups_->set_image(std::make_shared<const ClusterImage>());  // of a broker that knows nothing
  groups_->set_image(image_of({{"t1", 4}}, Offset(42)));
  tick();
  EXPECT_THAT(seen().positions, SizeIs(1)) << "it is there";
  groups_->set_image(image_of({}, Offset(43)));
  tick();
  EXPECT_THAT(seen().positions, IsEmpty());
}

TEST_F(Coordinating, AnotherLifeGoesOnWithFreshSessions) {
  const Assignment first = joined(1);
  commit(1, 0, 5);
  settle();
  groups_->stop();
  settle();
  const auto closed = std::make_shared<bool>(false);
  asio::co_spawn(shard_, partition_->close(),
                 [closed](const std::exception_ptr&, const Status& s) { *closed = s.has_value(); });
  settle();
  ASSERT_TRUE(*closed);
  clock_.advance_ms(kSessionMs * 5);
  begin();
  tick();
  EXPECT_THAT(seen().members, SizeIs(1)) << "nobody could tell that it lives";
  const auto told = beat(1, first.member_epoch, first.owned);
  settle();
  ASSERT_TRUE(*told && **told);
  EXPECT_EQ((**told)->member_epoch, first.member_epoch);
}

TEST_F(Coordinating, NobodyElseWritesToItsLog) {
  record::BatchBuilder builder;
  builder.append(Timestamp(1), std::nullopt, as_bytes("forged"));
  Bytes batch = builder.build().value();
  EXPECT_EQ(partition_->append(batch).error().code(), Errc::kInvalidArgument);
  EXPECT_EQ(partition_->delete_records(Offset(0)).error().code(), Errc::kInvalidArgument);
}

TEST_F(Coordinating, StoppingAnswersEverybody) {
  const auto under_way = beat(1, group::Epoch(0));
  const auto waiting = beat(2, group::Epoch(0));
  groups_->stop();
  run_shard();
  ASSERT_TRUE(under_way->has_value() && waiting->has_value());
  EXPECT_EQ((**under_way).error().code(), Errc::kTimeout) << "it may be carried out";
  EXPECT_EQ((**waiting).error().code(), Errc::kShuttingDown);
  const auto late = beat(3, group::Epoch(0));
  run_shard();
  ASSERT_TRUE(late->has_value());
  EXPECT_EQ((**late).error().code(), Errc::kShuttingDown);
}

}  // namespace
}  // namespace penstock::broker
