// Stories of positions: who may commit, and what becomes of it.
#include <gtest/gtest.h>

#include "broker/group/limits.h"
#include "tests/broker/group/group_scene.h"

namespace penstock::group {
namespace {

class Positions : public testing::Test {
 protected:
  Positions() { scene.topic(1, 4); }

  TestMember member(int id) { return {scene, id, scene.profile({1})}; }
  CommitOffsets simple(std::vector<std::pair<TopicPartition, int>> positions) {
    CommitOffsets command{.group = GroupScene::kGroup,
                          .member = std::nullopt,
                          .positions = {},
                          .topics = scene.topics(),
                          .now = scene.now()};
    for (const auto& [partition, offset] : positions) {
      command.positions.push_back({partition, Offset(offset), Term(1), ""});
    }
    return command;
  }
  ResetOffsets reset(std::vector<std::pair<TopicPartition, std::optional<Offset>>> changes,
                     Rehearsal rehearsal = Rehearsal::kCarryOut) {
    ResetOffsets command{.group = GroupScene::kGroup,
                         .changes = {},
                         .rehearsal = rehearsal,
                         .topics = scene.topics(),
                         .now = scene.now()};
    for (const auto& [partition, offset] : changes) {
      command.changes.push_back({partition, offset, Term(-1)});
    }
    return command;
  }
  std::optional<std::int64_t> position(const TopicPartition& partition) {
    const auto fetched =
        scene.state.handle(FetchOffsets{GroupScene::kGroup, std::nullopt, std::vector{partition}});
    if (!fetched || !fetched->answer.at(0).position) return std::nullopt;
    return fetched->answer[0].position->offset.value();
  }
  template <typename Command>
  Errc code_of(const Command& command) {
    const auto decision = scene.carry_out(command);
    return decision ? Errc::kOk : decision.error().code();
  }
  GroupScene scene;
};

TEST_F(Positions, AnOwnerCommitsWithItsNote) {
  TestMember a = member(11);
  a.beat();
  scene.now_ms = 50;
  const auto committed = a.commit({{part(1, 0), 5}, {part(1, 3), 9}}, "noted");
  ASSERT_TRUE(committed);
  EXPECT_EQ(committed->answer.changed, 2U);
  const auto fetched = scene.state.handle(FetchOffsets{GroupScene::kGroup, std::nullopt, {}});
  ASSERT_TRUE(fetched);
  const Position at{Offset(5), Term(1), "noted", scene.now()};
  EXPECT_EQ(fetched->answer[0], (FetchedPosition{part(1, 0), at}));
  EXPECT_EQ(fetched->answer.size(), 2U);
  EXPECT_EQ(position(part(1, 1)), std::nullopt) << "never committed is told as such, not as 0";
}

TEST_F(Positions, CommittingTheSameAgainIsNoRecord) {
  TestMember a = member(11);
  a.beat();
  ASSERT_TRUE(a.commit({{part(1, 0), 5}}));
  const auto again = a.commit({{part(1, 0), 5}, {part(1, 1), 6}});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->answer.changed, 1U);
}

TEST_F(Positions, WhoGoesBackMayCommitThat) {
  TestMember a = member(11);
  a.beat();
  ASSERT_TRUE(a.commit({{part(1, 0), 5}}));
  ASSERT_TRUE(a.commit({{part(1, 0), 2}}));
  EXPECT_EQ(position(part(1, 0)), 2);
}

TEST_F(Positions, AllOfACommitOrNone) {
  TestMember a = member(11);
  TestMember b = member(12);
  for (int i = 0; i < 3; ++i) a.beat(), b.beat();
  const auto refused = a.commit({{part(1, 0), 5}, {part(1, 3), 9}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kNotOwner);
  EXPECT_EQ(position(part(1, 0)), std::nullopt);
}

TEST_F(Positions, WhoLetsGoCommitsBefore) {
  TestMember a = member(11);
  TestMember b = member(12);
  a.beat();
  a.slow = true;
  b.beat();
  EXPECT_EQ(a.commit({{part(1, 3), 8}})->answer.changed, 1U) << "not told yet";
  a.beat();
  EXPECT_EQ(a.commit({{part(1, 3), 9}})->answer.changed, 1U) << "told, and still its own";
  a.let_go();
  a.beat();
  EXPECT_EQ(a.commit({{part(1, 3), 10}}).error().code(), Errc::kNotOwner);
  b.beat();
  EXPECT_EQ(b.commit({{part(1, 3), 10}})->answer.changed, 1U);
}

TEST_F(Positions, AnOldEpochIsToldAsSuch) {
  TestMember a = member(11);
  TestMember b = member(12);
  a.beat();
  const Epoch old = a.epoch;
  b.beat();
  a.beat();
  a.epoch = old;
  EXPECT_EQ(a.commit({{part(1, 0), 5}}).error().code(), Errc::kStaleMemberEpoch);
  EXPECT_EQ(code_of(FetchOffsets{GroupScene::kGroup, MemberCredential{a.id(), old}, {}}),
            Errc::kStaleMemberEpoch);
  a.beat();
  EXPECT_TRUE(a.commit({{part(1, 0), 5}}));
}

TEST_F(Positions, TheDeadCommitNothing) {
  TestMember a = member(11);
  TestMember b = member(12);
  a.beat();
  b.beat();
  TestMember ghost = a;
  ASSERT_TRUE(
      scene.carry_out(ExpireMembers{GroupScene::kGroup, {a.id()}, scene.topics(), scene.now()}));
  EXPECT_EQ(ghost.commit({{part(1, 0), 5}}).error().code(), Errc::kUnknownMember);
  a.beat();
  a.beat();
  ASSERT_EQ(a.error, Errc::kOk) << "it joined anew";
  EXPECT_EQ(ghost.commit({{part(1, 0), 5}}).error().code(), Errc::kUnknownMember)
      << "a commit of its earlier life";
}

TEST_F(Positions, WhoReadsWithoutSharingCommitsWithoutAMember) {
  ASSERT_TRUE(scene.carry_out(simple({{part(1, 0), 3}})));
  EXPECT_EQ(position(part(1, 0)), 3);
  EXPECT_EQ(code_of(simple({{part(7, 0), 3}})), Errc::kUnknownTopic);
  EXPECT_EQ(code_of(simple({{part(1, 4), 3}})), Errc::kUnknownPartition);
  EXPECT_EQ(code_of(simple({{part(1, -1), 3}})), Errc::kUnknownPartition);
  TestMember a = member(11);
  a.beat();
  EXPECT_EQ(code_of(simple({{part(1, 0), 4}})), Errc::kGroupNotEmpty);
  ASSERT_TRUE(a.leave());
  EXPECT_EQ(code_of(simple({{part(1, 0), 4}})), Errc::kOk);
}

TEST_F(Positions, ACommitOfNothingMakesNoGroup) {
  ASSERT_TRUE(scene.carry_out(simple({})));
  EXPECT_EQ(scene.state.find(GroupScene::kGroup), nullptr);
}

TEST_F(Positions, AreResetWhenNobodyReads) {
  EXPECT_EQ(code_of(reset({})), Errc::kUnknownGroup) << "a name with a slip makes no group";
  TestMember a = member(11);
  a.beat();
  ASSERT_TRUE(a.commit({{part(1, 0), 5}, {part(1, 1), 6}}));
  EXPECT_EQ(code_of(reset({{part(1, 0), Offset(1)}})), Errc::kGroupNotEmpty);
  ASSERT_TRUE(a.leave());

  const std::vector<std::pair<TopicPartition, std::optional<Offset>>> changes = {
      {part(1, 0), Offset(1)}, {part(1, 1), std::nullopt}, {part(1, 2), Offset(4)}};
  const auto dry = scene.carry_out(reset(changes, Rehearsal::kDryRun));
  ASSERT_TRUE(dry);
  EXPECT_TRUE(dry->records.empty());
  const std::vector<ResetPosition> expected = {{part(1, 0), Offset(5), Offset(1)},
                                               {part(1, 1), Offset(6), std::nullopt},
                                               {part(1, 2), std::nullopt, Offset(4)}};
  EXPECT_EQ(dry->answer, expected);
  EXPECT_EQ(position(part(1, 0)), 5);

  const auto done = scene.carry_out(reset(changes));
  ASSERT_TRUE(done);
  EXPECT_EQ(done->answer, expected);
  EXPECT_EQ(position(part(1, 0)), 1);
  EXPECT_EQ(position(part(1, 1)), std::nullopt);
  EXPECT_EQ(position(part(1, 2)), 4);
}

TEST_F(Positions, AResetNamesWhatIsThere) {
  ASSERT_TRUE(scene.carry_out(simple({{part(1, 0), 3}})));
  EXPECT_EQ(code_of(reset({{part(7, 0), Offset(1)}})), Errc::kUnknownTopic);
  EXPECT_EQ(code_of(reset({{part(1, 0), Offset(-1)}})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(reset({{part(1, 0), Offset(1)}, {part(1, 0), Offset(2)}})),
            Errc::kInvalidArgument);
  EXPECT_EQ(position(part(1, 0)), 3);
}

TEST_F(Positions, GoWithTheirGroup) {
  EXPECT_EQ(code_of(DeleteGroup{GroupScene::kGroup}), Errc::kUnknownGroup);
  TestMember a = member(11);
  a.beat();
  ASSERT_TRUE(a.commit({{part(1, 0), 5}}));
  EXPECT_EQ(code_of(DeleteGroup{GroupScene::kGroup}), Errc::kGroupNotEmpty);
  ASSERT_TRUE(a.leave());
  EXPECT_EQ(code_of(DeleteGroup{GroupScene::kGroup}), Errc::kOk);
  EXPECT_TRUE(scene.state.groups().empty());
}

TEST_F(Positions, AreNotDeletedWhileAStaticMemberMayReturn) {
  TestMember a = member(11);
  a.profile.instance = "i1";
  a.beat();
  ASSERT_TRUE(a.leave());
  EXPECT_EQ(code_of(DeleteGroup{GroupScene::kGroup}), Errc::kGroupNotEmpty);
}

TEST_F(Positions, ALargeGroupIsDeletedInSteps) {
  constexpr int kTopics = 3;
  for (int t = 1; t <= kTopics; ++t) {
    scene.topic(t, kMaxPartitionsPerCommit);
    std::vector<std::pair<TopicPartition, int>> all;
    for (int p = 0; p < static_cast<int>(kMaxPartitionsPerCommit); ++p) {
      all.emplace_back(part(t, p), 1);
    }
    ASSERT_TRUE(scene.carry_out(simple(all)));
  }
  int steps = 1;
  while (scene.carry_out(DeleteGroup{GroupScene::kGroup})->answer == Progress::kMore) ++steps;
  EXPECT_EQ(steps, kTopics);
  EXPECT_TRUE(scene.state.groups().empty());
}

TEST_F(Positions, HaveLimits) {
  scene.topic(1, 5'000);
  std::vector<std::pair<TopicPartition, int>> many;
  for (int p = 0; p <= static_cast<int>(kMaxPartitionsPerCommit); ++p) {
    many.emplace_back(part(1, p), 1);
  }
  EXPECT_EQ(code_of(simple(many)), Errc::kInvalidArgument);
  many.pop_back();
  EXPECT_EQ(code_of(simple(many)), Errc::kOk);

  CommitOffsets command = simple({{part(1, 0), 1}});
  command.positions[0].text.resize(kMaxPositionTextBytes);
  EXPECT_EQ(code_of(command), Errc::kOk);
  command.positions[0].text.push_back('x');
  EXPECT_EQ(code_of(command), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(simple({{part(1, 0), 1}, {part(1, 0), 1}})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(simple({{part(1, 0), -1}})), Errc::kInvalidArgument);

  CommitOffsets texts = simple({});
  for (int p = 0; p < 257; ++p) {
    texts.positions.push_back({part(1, p), Offset(2), Term(1), std::string(1'024, 'x')});
  }
  EXPECT_EQ(code_of(texts), Errc::kInvalidArgument);
  texts.positions.pop_back();
  EXPECT_EQ(code_of(texts), Errc::kOk);
}

TEST_F(Positions, AGroupHoldsSoMany) {
  for (int t = 1; t <= 10; ++t) {
    scene.topic(t, kMaxPartitionsPerCommit);
    std::vector<std::pair<TopicPartition, int>> all;
    for (int p = 0; p < static_cast<int>(kMaxPartitionsPerCommit); ++p) {
      all.emplace_back(part(t, p), 1);
    }
    ASSERT_EQ(code_of(simple(all)), Errc::kOk);
  }
  scene.topic(11, 1);
  EXPECT_EQ(code_of(simple({{part(11, 0), 1}})), Errc::kOverloaded);
  EXPECT_EQ(code_of(reset({{part(11, 0), Offset(1)}})), Errc::kOverloaded);
  EXPECT_EQ(code_of(simple({{part(1, 0), 2}})), Errc::kOk) << "what is there may move";
}

}  // namespace
}  // namespace penstock::group
