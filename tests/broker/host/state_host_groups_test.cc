// Stories of consumer groups on a replicated log: records have keys, and the log stays readable.
#include "broker/group/group_state.h"
#include "protocol/record/record.h"
#include "tests/broker/group/group_scene.h"
#include "tests/broker/host/state_host_story.h"

namespace penstock::broker {
namespace {

using fakes::Survives;
using group::GroupState;
using testing::IsEmpty;

using GroupMachine = StateOf<GroupState, &group::decode_group_record>;

constexpr auto kGroup = "etl";

struct KeyedRecord {
  std::optional<Bytes> key;
  std::optional<Bytes> value;
};

std::vector<KeyedRecord> records_in(StateNode& node) {
  std::vector<KeyedRecord> all;
  for (Offset at = node.replica->log_start(); at < node.replica->committed();) {
    auto read = node.replica->read(at, 1U << 20, node.replica->committed(), /*cached_only=*/false);
    if (!read) {
      ADD_FAILURE() << read.error().to_string();
      break;
    }
    for (ByteView rest = read->batches.view(); !rest.empty();) {
      const auto batch = record::BatchView::parse(rest);
      rest = rest.subspan(batch->size());
      if (batch->is_control()) continue;
      auto records = record::Records::open(*batch);
      while (auto record = *records->next()) {
        KeyedRecord& one = all.emplace_back();
        if (record->key) one.key.emplace(record->key->begin(), record->key->end());
        if (record->value) one.value.emplace(record->value->begin(), record->value->end());
      }
    }
    at = read->next;
  }
  return all;
}

class GroupsOnALog : public testing::Test {
 protected:
  GroupsOnALog() : world_(nodes({1, 2, 3}), [] { return std::make_unique<GroupMachine>(); }) {
    world_.old_records = OldRecords::kStay;
    topics_.put("t1", {group::id_of(1), 4});
    world_.start_everyone();
  }
  ~GroupsOnALog() override { EXPECT_THAT(world_.violations(), IsEmpty()); }

  Errc commit(std::int32_t partition, std::int64_t offset) {
    group::CommitOffsets command;
    command.group = kGroup;
    command.topics = std::make_shared<group::ListedTopics>(topics_);
    command.now = Timestamp(1'000);
    command.positions.push_back({.partition = {group::id_of(1), PartitionId(partition)},
                                 .offset = Offset(offset),
                                 .leader_epoch = Term(1),
                                 .text = "note"});
    const auto told = send<group::Committed, GroupMachine>(world_, world_.elect(), command);
    EXPECT_TRUE(world_.run_until([&] { return told->has_value(); }));
    return code_of(told);
  }

  StateWorld world_;
  group::ListedTopics topics_;
};

TEST_F(GroupsOnALog, PositionsOutliveEveryBroker) {
  for (int i = 0; i < 40; ++i) ASSERT_EQ(commit(i % 4, i), Errc::kOk);
  EXPECT_EQ(commit(4, 1), Errc::kUnknownPartition);
  for (auto& [id, node] : world_.nodes()) world_.crash(node, Survives::kNothingUnsynced);
  world_.start_everyone();
  world_.elect();
  ASSERT_TRUE(world_.run_until([&] { return world_.differences().empty(); }));
  for (auto& [id, node] : world_.nodes()) {
    const group::Group* const group = node.as<GroupMachine>().state().find(kGroup);
    ASSERT_NE(group, nullptr);
    ASSERT_EQ(group->positions.size(), 4U);
    const TopicPartition last{group::id_of(1), PartitionId(3)};
    EXPECT_EQ(group->positions.at(last).offset, Offset(39));
  }
}

TEST_F(GroupsOnALog, WhoReadsTheTopicHasTheStateAlthoughThereAreSnapshots) {
  for (int i = 0; world_.node(1).snapshots_made < 3; ++i) {
    ASSERT_EQ(commit(i % 4, i), Errc::kOk);
    ASSERT_LT(i, 1'000);
  }
  world_.run(100);
  for (auto& [id, node] : world_.nodes()) {
    EXPECT_EQ(node.replica->log_start(), Offset(0)) << "what is in snapshots stays in the log";
    GroupState read;
    std::int64_t at = 0;
    for (const KeyedRecord& one : records_in(node)) {
      ASSERT_TRUE(one.key);
      const auto record = group::decode_group_record(
          *one.key, one.value ? std::optional<ByteView>(*one.value) : std::nullopt);
      ASSERT_OK(record);
      ASSERT_OK(read.apply(Offset(at++), *record));
    }
    EXPECT_EQ(read.groups(), node.as<GroupMachine>().state().groups());
  }
}

}  // namespace
}  // namespace penstock::broker
