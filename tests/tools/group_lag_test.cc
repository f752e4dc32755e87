// How far groups are behind, and what is said of them.
#include "tools/group_lag.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::tools {
namespace {

using client::GroupDescription;
using client::GroupMemberDescription;
using client::GroupReason;
using client::NamedPartition;
using client::PartitionDescription;
using client::TopicDescription;
using testing::ElementsAre;
using testing::HasSubstr;

Uuid id_of(int n) {
  Uuid id;
  id.bytes[0] = std::byte(0xa0 + n);
  return id;
}

NamedPartition orders(int partition) { return {{id_of(1), PartitionId(partition)}, "orders"}; }

PartitionDescription partition(int number, std::int64_t log_start, std::int64_t high_watermark) {
  PartitionDescription partition;
  partition.partition = PartitionId(number);
  partition.log_start = Offset(log_start);
  partition.high_watermark = Offset(high_watermark);
  return partition;
}

// Partition 0: records 100 to 300; 1: none left; 2: never had any.
std::vector<TopicDescription> topics() {
  TopicDescription topic{.name = "orders", .id = id_of(1), .partitions = {}, .settings = {}};
  topic.partitions.push_back(partition(0, 100, 300));
  topic.partitions.back().size_bytes = 20'000;
  topic.partitions.push_back(partition(1, 50, 50));
  topic.partitions.push_back(partition(2, 0, 0));
  return {topic};
}

GroupMemberDescription member(int id, std::vector<NamedPartition> owned) {
  GroupMemberDescription member;
  member.id = id_of(id);
  member.owned = owned;
  member.share = std::move(owned);
  return member;
}

GroupDescription group(std::int64_t position) {
  GroupDescription group;
  group.name = "billing";
  group.positions.push_back({.partition = orders(0),
                             .offset = Offset(position),
                             .text = "note",
                             .committed_at = Timestamp(5'000)});
  group.members.push_back(member(7, {orders(0), orders(2)}));
  return group;
}

TEST(GroupLag, CountsWhatIsNotRead) {
  const auto rows = lag_of(group(250), topics());
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].topic, "orders");
  EXPECT_EQ(rows[0].records, 50U);
  EXPECT_EQ(rows[0].bytes, 5'000U) << "a quarter of the log";
  EXPECT_EQ(rows[0].removed, 0U);
  EXPECT_EQ(rows[0].owner, "a7000000");
  EXPECT_EQ(rows[0].note, "note");
  EXPECT_FALSE(rows[0].seconds) << "not known yet";
  EXPECT_EQ(rows[1].owner, "") << "nobody's";
  EXPECT_EQ(rows[1].records, 0U);
  EXPECT_EQ(rows[1].seconds, 0.0);
  EXPECT_FALSE(rows[1].position) << "never committed";
}

TEST(GroupLag, WhatWentUnreadIsToldApart) {
  const auto rows = lag_of(group(60), topics());
  EXPECT_EQ(rows[0].removed, 40U);
  EXPECT_EQ(rows[0].records, 200U) << "of what is still there";
}

TEST(GroupLag, WhereNothingWasCommittedEverythingIsUnread) {
  GroupDescription one = group(250);
  one.positions.clear();
  EXPECT_EQ(lag_of(one, topics())[0].records, 200U);
  EXPECT_EQ(lag_of(one, topics())[0].removed, 0U) << "nobody says that it would have been read";
}

TEST(GroupLag, WithoutALeaderNothingIsClaimed) {
  auto described = topics();
  described[0].partitions[0].error = Error(Errc::kNotLeader);
  const auto rows = lag_of(group(250), described);
  EXPECT_FALSE(rows[0].records);
  EXPECT_FALSE(rows[0].log_end);
  EXPECT_EQ(rows[0].position, Offset(250));
}

TEST(GroupLag, AgesAreThoseOfTheFirstUnreadRecords) {
  auto rows = lag_of(group(250), topics());
  set_ages(rows, {{orders(0).id, Timestamp(10'000)}, {orders(2).id, Timestamp(1)}},
           Timestamp(12'500));
  EXPECT_EQ(rows[0].seconds, 2.5);
  EXPECT_EQ(rows[2].seconds, 0.0) << "there is none";
  rows = lag_of(group(250), topics());
  set_ages(rows, {{orders(0).id, Timestamp(20'000)}}, Timestamp(12'500));
  EXPECT_EQ(rows[0].seconds, 0.0) << "a clock that runs ahead";
}

TEST(GroupLag, TopicsAndEndsAreThoseThatTheGroupReads) {
  EXPECT_THAT(topics_of(group(1)), ElementsAre("orders"));
  const auto ends = log_ends_of(topics());
  EXPECT_EQ(ends.at(orders(0).id), Offset(300));
  EXPECT_EQ(ends.size(), 3U);
}

TEST(GroupState, IsOneWord) {
  GroupDescription one = group(1);
  EXPECT_EQ(state_of(one), "stable");
  one.members[0].share.pop_back();
  EXPECT_EQ(state_of(one), "moving");
  one.members[0].away = true;
  EXPECT_EQ(state_of(one), "away");
  one.members.clear();
  EXPECT_EQ(state_of(one), "empty");
}

TEST(GroupReasons, AreSentences) {
  GroupDescription one = group(1);
  one.members[0].instance = "desk-1";
  GroupReason reason{.cause = "behind",
                     .member = id_of(7),
                     .other = std::nullopt,
                     .partition = orders(0),
                     .topic = "orders",
                     .amount = 1'200};
  EXPECT_EQ(reason_text(reason, one), "orders/0 is 1,200 records behind (member desk-1)");
  reason.cause = "held-back";
  reason.other = id_of(9);
  reason.amount = 3'000;
  EXPECT_THAT(reason_text(reason, one), HasSubstr("from member a9000000 to member desk-1"));
  for (const std::string cause :
       {"no-members", "no-such-topic", "not-dealt", "idle-member", "away", "not-fetched", "silent",
        "processing", "never-committed", "at-end"}) {
    reason.cause = cause;
    EXPECT_THAT(reason_text(reason, one), testing::Not(testing::StartsWith(cause)))
        << "words, no codes";
  }
  reason.cause = "of-the-future";
  EXPECT_THAT(reason_text(reason, one), HasSubstr("of-the-future"));
}

}  // namespace
}  // namespace penstock::tools
