// What every assignor promises, on random groups; and small groups that show how each one thinks.
#include "broker/group/assign.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "base/random.h"

namespace penstock::group {
namespace {

Uuid id_of(std::size_t n) {
  Uuid id;
  id.bytes[14] = std::byte(n >> 8);
  id.bytes[15] = std::byte(n & 255);
  return id;
}

AssignmentTask::Topic topic(std::size_t n, std::uint32_t partitions) {
  return {.id = id_of(n), .partitions = partitions};
}

AssignmentTask::Member reader(std::size_t n, std::vector<std::size_t> topics,
                              std::string rack = "") {
  return {.id = id_of(n), .rack = std::move(rack), .topics = std::move(topics)};
}

// "1: 0/0,1 1/0 | 2: ..." with topics and members by number.
std::string drawn(const Shares& shares) {
  std::string text;
  for (const auto& [member, share] : shares) {
    text += (text.empty() ? "" : " | ") + std::to_string(std::to_integer<int>(member.bytes[15]));
    text += ":";
    for (const TopicPartition& one : share) {
      text += " " + std::to_string(std::to_integer<int>(one.topic.bytes[15])) + "/" +
              std::to_string(one.partition.value());
    }
  }
  return text;
}

constexpr Assignor kAll[] = {Assignor::kBalancedSticky, Assignor::kRange, Assignor::kRackAware};

void expect_each_partition_once(const AssignmentTask& task, const Shares& shares) {
  ASSERT_EQ(shares.size(), task.members.size());
  std::set<TopicPartition> given;
  std::set<std::size_t> wanted;
  for (const AssignmentTask::Member& member : task.members) {
    const PartitionSet& share = shares.at(member.id);
    ASSERT_TRUE(is_partition_set(share));
    wanted.insert(member.topics.begin(), member.topics.end());
    for (const TopicPartition& one : share) {
      ASSERT_TRUE(given.insert(one).second) << "twice: " << drawn(shares);
      ASSERT_TRUE(std::ranges::any_of(member.topics,
                                      [&](std::size_t t) {
                                        return task.topics[t].id == one.topic &&
                                               one.partition.value() <
                                                   static_cast<int>(task.topics[t].partitions);
                                      }))
          << "not subscribed: " << drawn(shares);
    }
  }
  std::size_t all = 0;
  for (const std::size_t t : wanted) all += task.topics[t].partitions;
  ASSERT_EQ(given.size(), all) << drawn(shares);
}

// Whether one partition less for some member and one more for another, with two less than that,
// could be had: found by trying all ways, slowly.
bool could_be_more_even(const AssignmentTask& task, const Shares& shares) {
  const std::size_t n = task.members.size();
  for (std::size_t from = 0; from < n; ++from) {
    std::vector<bool> reached(n);
    reached[from] = true;
    for (bool more = true; more;) {
      more = false;
      for (std::size_t a = 0; a < n; ++a) {
        if (!reached[a]) continue;
        for (const TopicPartition& one : shares.at(task.members[a].id)) {
          for (std::size_t b = 0; b < n; ++b) {
            if (reached[b] || !std::ranges::any_of(task.members[b].topics, [&](std::size_t t) {
                  return task.topics[t].id == one.topic;
                })) {
              continue;
            }
            reached[b] = more = true;
            if (shares.at(task.members[b].id).size() + 2 <=
                shares.at(task.members[from].id).size()) {
              return true;
            }
          }
        }
      }
    }
  }
  return false;
}

// When all subscribe to everything: how many must move so that loads are even.
std::size_t fewest_moves(const AssignmentTask& task) {
  std::size_t all = 0;
  for (const AssignmentTask::Topic& one : task.topics) all += one.partitions;
  const std::size_t floor = all / task.members.size();
  std::size_t with_one_more = all % task.members.size();
  std::size_t moves = 0;
  for (const AssignmentTask::Member& member : task.members) {
    const auto before = task.previous.find(member.id);
    std::size_t kept = 0;
    if (before != task.previous.end()) {
      kept = static_cast<std::size_t>(
          std::ranges::count_if(before->second, [&](const TopicPartition& one) {
            return std::ranges::any_of(task.topics, [&](const AssignmentTask::Topic& t) {
              return t.id == one.topic && one.partition.value() < static_cast<int>(t.partitions);
            });
          }));
    }
    if (kept <= floor) continue;
    moves += kept - floor;
    if (with_one_more > 0) {
      --with_one_more;
      --moves;
    }
  }
  return moves;
}

// Some members and topics, subscriptions, and what was before: of other members, of topics with
// other sizes.
AssignmentTask random_task(Rng& rng, bool same_subscriptions) {
  static const std::string kRacks[] = {"a", "b", "c"};
  AssignmentTask task;
  const std::size_t topics = 1 + rng.below(4);
  for (std::size_t t = 0; t < topics; ++t) {
    task.topics.push_back(topic(t, static_cast<std::uint32_t>(rng.below(13))));
    for (std::uint32_t p = 0; p < task.topics[t].partitions; ++p) {
      const std::size_t first = rng.below(3);
      task.topics[t].racks.push_back({kRacks[first], kRacks[(first + 1) % 3]});
    }
  }
  const std::size_t members = 1 + rng.below(9);
  for (std::size_t m = 0; m < members; ++m) {
    std::vector<std::size_t> wanted;
    for (std::size_t t = 0; t < topics; ++t) {
      if (same_subscriptions || rng.one_in(2)) wanted.push_back(t);
    }
    task.members.push_back(reader(m, std::move(wanted), kRacks[rng.below(3)]));
  }
  for (std::size_t t = 0; t < topics + 1; ++t) {
    for (std::int32_t p = 0; p < 14; ++p) {
      if (!rng.one_in(4)) {
        const std::size_t owner = rng.one_in(2) ? rng.below(12) : rng.below(2);
        task.previous[id_of(owner)].push_back({id_of(t), PartitionId(p)});
      }
    }
  }
  return task;
}

TEST(Assign, RangesAreRunsOfEachTopic) {
  const AssignmentTask task{.topics = {topic(0, 5), topic(1, 3)},
                            .members = {reader(1, {0, 1}), reader(2, {0, 1}), reader(3, {0})},
                            .previous = {}};
  EXPECT_EQ(drawn(assign(Assignor::kRange, task)), "1: 0/0 1/0 | 2: 0/1 0/2 1/1 1/2 | 3: 0/3 0/4");
}

TEST(Assign, ANewMemberTakesOnlyItsShare) {
  const AssignmentTask task{
      .topics = {topic(0, 6)},
      .members = {reader(1, {0}), reader(2, {0}), reader(3, {0})},
      .previous = {
          {id_of(1),
           {{id_of(0), PartitionId(0)}, {id_of(0), PartitionId(1)}, {id_of(0), PartitionId(2)}}},
          {id_of(2),
           {{id_of(0), PartitionId(3)}, {id_of(0), PartitionId(4)}, {id_of(0), PartitionId(5)}}}}};
  EXPECT_EQ(drawn(assign(Assignor::kBalancedSticky, task)), "1: 0/0 0/1 | 2: 0/3 0/4 | 3: 0/2 0/5");
}

TEST(Assign, WhatADeadMemberHadGoesToWhoHasLeast) {
  const AssignmentTask task{
      .topics = {topic(0, 4)},
      .members = {reader(1, {0}), reader(2, {0})},
      .previous = {{id_of(1), {{id_of(0), PartitionId(0)}, {id_of(0), PartitionId(1)}}},
                   {id_of(9), {{id_of(0), PartitionId(2)}, {id_of(0), PartitionId(3)}}}}};
  EXPECT_EQ(drawn(assign(Assignor::kBalancedSticky, task)), "1: 0/0 0/1 | 2: 0/2 0/3");
}

TEST(Assign, AMemberPassesOnWhatItGetsFromAnother) {
  // 1 reads topic 0 alone with 2, and 3 cannot read it: it becomes even only through 2.
  const AssignmentTask task{
      .topics = {topic(0, 4), topic(1, 2)},
      .members = {reader(1, {0}), reader(2, {0, 1}), reader(3, {1})},
      .previous = {{id_of(1),
                    {{id_of(0), PartitionId(0)},
                     {id_of(0), PartitionId(1)},
                     {id_of(0), PartitionId(2)},
                     {id_of(0), PartitionId(3)}}},
                   {id_of(2), {{id_of(1), PartitionId(0)}, {id_of(1), PartitionId(1)}}}}};
  EXPECT_EQ(drawn(assign(Assignor::kBalancedSticky, task)), "1: 0/0 0/1 | 2: 0/2 0/3 | 3: 1/0 1/1");
}

TEST(Assign, InEqualRacksEverythingIsReadNearby) {
  AssignmentTask task{.topics = {topic(0, 6)},
                      .members = {reader(1, {0}, "a"), reader(2, {0}, "b"), reader(3, {0}, "c")},
                      .previous = {}};
  for (const char* rack : {"c", "b", "a", "c", "b", "a"}) task.topics[0].racks.push_back({rack});
  EXPECT_EQ(drawn(assign(Assignor::kRackAware, task)), "1: 0/2 0/5 | 2: 0/1 0/4 | 3: 0/0 0/3");
}

TEST(Assign, ARackIsNoReasonToBeUneven) {
  AssignmentTask task{.topics = {topic(0, 4)},
                      .members = {reader(1, {0}, "a"), reader(2, {0}, "b")},
                      .previous = {}};
  for (int p = 0; p < 4; ++p) task.topics[0].racks.push_back({"a"});
  const Shares shares = assign(Assignor::kRackAware, task);
  EXPECT_EQ(shares.at(id_of(1)).size(), 2U);
  EXPECT_EQ(in_rack(task, shares), 2U);
}

TEST(Assign, NobodySubscribesAndNothingIsThere) {
  for (const Assignor assignor : kAll) {
    EXPECT_TRUE(assign(assignor, {}).empty());
    const AssignmentTask idle{.topics = {topic(0, 3)}, .members = {reader(1, {})}, .previous = {}};
    EXPECT_EQ(drawn(assign(assignor, idle)), "1:");
    const AssignmentTask empty{
        .topics = {topic(0, 0)}, .members = {reader(1, {0})}, .previous = {}};
    EXPECT_EQ(drawn(assign(assignor, empty)), "1:");
  }
}

TEST(Assign, PromisesHoldForRandomGroups) {
  constexpr int kSeeds = 4'000;
  std::size_t moves = 0;
  std::size_t near = 0;
  std::size_t near_without = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const bool same = rng.one_in(2);
    const AssignmentTask task = random_task(rng, same);
    for (const Assignor assignor : kAll) {
      const Shares shares = assign(assignor, task);
      expect_each_partition_once(task, shares);
      EXPECT_EQ(shares, assign(assignor, task)) << "not determined";
      if (assignor == Assignor::kRange) continue;
      EXPECT_FALSE(could_be_more_even(task, shares)) << drawn(shares);
      if (same) {
        EXPECT_EQ(moved(task, shares), fewest_moves(task)) << drawn(shares);
        moves += moved(task, shares);
      }
      // What is even stays where it is.
      AssignmentTask again = task;
      again.previous = shares;
      EXPECT_EQ(assign(assignor, again), shares);
    }
    const Shares plain = assign(Assignor::kBalancedSticky, task);
    const Shares aware = assign(Assignor::kRackAware, task);
    EXPECT_LE(moved(task, aware), moved(task, plain));
    if (moved(task, aware) == moved(task, plain)) {
      EXPECT_GE(in_rack(task, aware), in_rack(task, plain));
    }
    near += in_rack(task, aware);
    near_without += in_rack(task, plain);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(near, near_without);
  std::printf("ASSIGN seeds=%d moves=%zu in_rack=%zu in_rack_without=%zu\n", kSeeds, moves, near,
              near_without);
}

TEST(Assign, AHundredMembersAndAThousandPartitions) {
  AssignmentTask task;
  for (std::size_t t = 0; t < 10; ++t) task.topics.push_back(topic(t, 100));
  for (std::size_t m = 0; m < 100; ++m) {
    task.members.push_back(reader(m, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  }
  // One after the other joins, then all but one leave: never more moves than it takes.
  std::vector<AssignmentTask::Member> all;
  std::swap(all, task.members);
  for (const AssignmentTask::Member& member : all) {
    task.members.push_back(member);
    const Shares shares = assign(Assignor::kBalancedSticky, task);
    ASSERT_EQ(moved(task, shares), fewest_moves(task));
    task.previous = shares;
  }
  for (const auto& [member, share] : task.previous) EXPECT_EQ(share.size(), 10U);
  while (task.members.size() > 1) {
    task.members.pop_back();
    task.previous = assign(Assignor::kBalancedSticky, task);
  }
  EXPECT_EQ(task.previous.at(id_of(0)).size(), 1'000U);
}

TEST(Assign, TheLargestGroup) {
  AssignmentTask task;
  for (std::size_t t = 0; t < 100; ++t) task.topics.push_back(topic(t, 100));
  for (std::size_t m = 0; m < 1'000; ++m) {
    std::vector<std::size_t> wanted;
    for (std::size_t t = m % 7; t < 100; t += 1 + m % 3) wanted.push_back(t);
    task.members.push_back(reader(m, std::move(wanted)));
  }
  const Shares shares = assign(Assignor::kBalancedSticky, task);
  expect_each_partition_once(task, shares);
  task.members.erase(task.members.begin() + 500);
  task.previous = shares;
  const Shares next = assign(Assignor::kBalancedSticky, task);
  expect_each_partition_once(task, next);
  EXPECT_LE(moved(task, next), shares.at(id_of(500)).size()) << "what one leaves displaces little";
}

}  // namespace
}  // namespace penstock::group
