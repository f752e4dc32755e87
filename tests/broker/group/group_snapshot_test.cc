// Random histories of groups: compaction, snapshots, and bytes that are no snapshot.
#include <gtest/gtest.h>
#include <xxhash.h>

#include <cstdio>
#include <deque>

#include "base/coding.h"
#include "base/random.h"
#include "tests/broker/group/compaction.h"
#include "tests/broker/group/group_scene.h"

namespace penstock::group {
namespace {

// Members that come, go and commit, in good order.
void live(GroupScene& scene, Rng& rng, int events) {
  std::deque<TestMember> members;
  for (int topic = 1; topic <= 3; ++topic) {
    scene.topic(topic, 1 + static_cast<std::uint32_t>(rng.below(5)));
  }
  int next_id = 100;
  for (int event = 0; event < events; ++event) {
    scene.now_ms += 10;
    if (members.size() < 5 && rng.one_in(3)) {
      members.emplace_back(scene, next_id++,
                           scene.profile({1, static_cast<int>(2 + rng.below(2))}));
      if (rng.one_in(2)) members.back().profile.instance = "i" + std::to_string(rng.below(3));
    }
    if (members.empty()) continue;
    TestMember& one = members[rng.below(members.size())];
    switch (rng.below(9)) {
      case 0:
        one.leave(rng.one_in(2) ? Departure::kMayReturn : Departure::kForGood);
        break;
      case 1:
        scene.carry_out(ExpireMembers{GroupScene::kGroup, {one.id()}, scene.topics(), scene.now()});
        break;
      case 2: {
        const int topic = 1 + static_cast<int>(rng.below(3));
        scene.topic(topic, scene.topics_.find(id_of(topic))->partitions + 1);
        const std::vector<Uuid> deleted = {id_of(1 + static_cast<int>(rng.below(3)))};
        scene.carry_out(TopicsChanged{.group = GroupScene::kGroup,
                                      .topics = scene.topics(),
                                      .deleted = deleted,
                                      .matches = {},
                                      .now = scene.now()});
        break;
      }
      case 3:
        scene.carry_out(DeleteGroup{GroupScene::kGroup});
        break;
      case 4:
      case 5:
        if (!one.owned.empty()) {
          one.commit({{one.owned[rng.below(one.owned.size())], static_cast<int>(rng.below(99))}});
        }
        break;
      default:
        one.beat();
    }
  }
}

GroupState replay(const std::vector<GroupRecord>& log, GroupState state = {}) {
  for (const GroupRecord& record : log) {
    EXPECT_TRUE(state.apply(state.applied(), record)) << to_string(record);
  }
  return state;
}

TEST(GroupSnapshot, ACompactedLogIsWorthAllOfIt) {
  constexpr int kLives = 400;
  std::size_t records = 0;
  std::size_t kept = 0;
  for (std::uint64_t life = 1; life <= kLives; ++life) {
    SCOPED_TRACE("life " + std::to_string(life));
    GroupScene scene;
    Rng rng(life);
    live(scene, rng, 80);
    const std::vector<GroupRecord> left = compacted(scene.log, rng);
    GroupState state = replay(left);
    EXPECT_EQ(state.groups(), scene.state.groups());
    state.skip_to(scene.state.applied());
    EXPECT_TRUE(equal(state.snapshot(), scene.state.snapshot()));

    const auto cut = static_cast<std::ptrdiff_t>(rng.below(scene.log.size() + 1));
    const GroupState before = replay({scene.log.begin(), scene.log.begin() + cut});
    auto restored = GroupState::restore(before.snapshot());
    ASSERT_TRUE(restored) << restored.error().to_string();
    EXPECT_EQ(restored->applied(), before.applied());
    const GroupState after =
        replay({scene.log.begin() + cut, scene.log.end()}, *std::move(restored));
    EXPECT_TRUE(equal(after.snapshot(), scene.state.snapshot()));
    records += scene.log.size();
    kept += left.size();
    if (testing::Test::HasFailure()) return;
  }
  std::printf("GROUPCOMPACTION lives=%d records=%zu kept=%zu\n", kLives, records, kept);
  EXPECT_LT(kept, records);
}

GroupState example() {
  GroupScene scene;
  scene.topic(1, 3);
  TestMember a(scene, 11, scene.profile({1}));
  a.beat();
  a.commit({{part(1, 0), 4}, {part(1, 2), 5}}, "text");
  return scene.state;
}

Errc code_of(ByteView bytes) {
  const auto restored = GroupState::restore(bytes);
  return restored ? Errc::kOk : restored.error().code();
}

Bytes sealed(Bytes bytes) {
  bytes.resize(bytes.size() - 8);
  std::byte sum[8];
  store_le(sum, std::uint64_t{XXH3_64bits(bytes.data(), bytes.size())});
  bytes.insert(bytes.end(), sum, sum + 8);
  return bytes;
}

TEST(GroupSnapshot, AnEmptyStateHasOne) {
  const auto restored = GroupState::restore(GroupState().snapshot());
  ASSERT_TRUE(restored);
  EXPECT_TRUE(restored->groups().empty());
}

TEST(GroupSnapshot, EveryFlippedBitAndEveryTruncationIsSeen) {
  const Bytes whole = example().snapshot();
  ASSERT_EQ(code_of(whole), Errc::kOk);
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    Bytes bad = whole;
    bad[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_EQ(code_of(bad), Errc::kCorrupt) << "bit " << bit;
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(code_of(ByteView(whole).first(size)), Errc::kCorrupt) << size;
  }
}

// With a checksum that fits: nothing that is read may be taken for something else.
TEST(GroupSnapshot, OnlyTheBytesOfAWriterAreASnapshot) {
  const Bytes whole = example().snapshot();
  for (std::size_t at = 0; at + 8 < whole.size(); ++at) {
    Bytes bad = whole;
    bad[at] ^= std::byte{0x81};
    const auto restored = GroupState::restore(sealed(bad));
    if (restored) EXPECT_TRUE(equal(restored->snapshot(), sealed(bad))) << at;
  }
  Bytes newer = whole;
  newer[8] = std::byte{2};
  EXPECT_EQ(code_of(sealed(newer)), Errc::kUnsupportedVersion);
  Bytes longer = whole;
  longer.insert(longer.end() - 8, std::byte{0});
  EXPECT_EQ(code_of(sealed(longer)), Errc::kCorrupt);
}

}  // namespace
}  // namespace penstock::group
