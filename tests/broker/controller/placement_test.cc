#include "broker/controller/placement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "broker/controller/limits.h"

namespace penstock::broker {
namespace {

// "a a b -": four brokers 1..4, the first two in rack a, the last one in none; "!c": not open.
std::vector<PlacementBroker> brokers(const std::string& racks) {
  std::vector<PlacementBroker> list;
  std::string rack;
  for (const char c : racks + " ") {
    if (c != ' ') {
      rack += c;
      continue;
    }
    PlacementBroker broker{.id = raft::NodeId(static_cast<std::int32_t>(list.size()) + 1)};
    broker.open = !rack.starts_with('!');
    if (!broker.open) rack.erase(0, 1);
    broker.rack = rack == "-" ? "" : rack;
    list.push_back(broker);
    rack.clear();
  }
  return list;
}

ReplicaList nodes(std::initializer_list<int> numbers) {
  ReplicaList list;
  for (const int number : numbers) list.emplace_back(number);
  return list;
}

struct Spread {
  std::uint64_t least = UINT64_MAX;
  std::uint64_t most = 0;
  void add(std::uint64_t value) {
    least = std::min(least, value);
    most = std::max(most, value);
  }
  std::uint64_t width() const { return most - least; }
};

std::string rack_name(const PlacementBroker& broker) {
  return broker.rack.empty() ? "broker " + std::to_string(broker.id.value()) : broker.rack;
}

// No rack holds two more replicas than another one that still has a free broker.
void expect_racks_even(const ReplicaList& list, const std::vector<PlacementBroker>& all) {
  std::map<std::string, std::size_t> used;
  std::set<std::string> free;
  for (const PlacementBroker& broker : all) {
    used[rack_name(broker)] += contains(list, broker.id) ? 1 : 0;
    if (broker.open && !contains(list, broker.id)) free.insert(rack_name(broker));
  }
  for (const auto& [rack, count] : used) {
    for (const std::string& other : free) {
      EXPECT_LE(count, used[other] + 1) << to_string(list) << " rack " << rack << " and " << other;
    }
  }
}

void expect_sound(const ReplicaList& list, std::size_t size) {
  EXPECT_EQ(list.size(), size) << to_string(list);
  EXPECT_EQ(std::set(list.begin(), list.end()).size(), size) << to_string(list);
}

TEST(Placement, OneReplicaPerRackWhenThereAreEnoughRacks) {
  Placer placer(brokers("a a b b c c"), 1);
  const auto lists = placer.place(30, 3);
  ASSERT_TRUE(lists);
  for (const ReplicaList& list : *lists) {
    expect_sound(list, 3);
    std::set<int> racks;
    for (const raft::NodeId broker : list) racks.insert((broker.value() - 1) / 2);
    EXPECT_EQ(racks.size(), 3U) << to_string(list);
  }
}

TEST(Placement, TheSameSeedGivesTheSamePlan) {
  const auto plan = [](std::uint64_t seed) {
    return *Placer(brokers("- - - - -"), seed).place(20, 3);
  };
  EXPECT_EQ(plan(7), plan(7));
  EXPECT_NE(plan(7), plan(8));
}

TEST(Placement, ItRefusesWhatTheClusterCannotHold) {
  EXPECT_EQ(Placer(brokers("- -"), 1).place(1, 3).error().code(), Errc::kNotEnoughBrokers);
  EXPECT_EQ(Placer(brokers("- - !-"), 1).place(1, 3).error().code(), Errc::kNotEnoughBrokers);
  EXPECT_EQ(Placer({}, 1).place(1, 1).error().code(), Errc::kNotEnoughBrokers);
  auto full = brokers("- - -");
  full[1].replicas = kMaxPartitionsPerBroker;
  EXPECT_TRUE(Placer(full, 1).place(1, 2));
  EXPECT_EQ(Placer(full, 1).place(1, 3).error().code(), Errc::kOverloaded);
}

TEST(Placement, NewPartitionsGoWhereThereIsLeast) {
  auto list = brokers("- - -");
  list[0].replicas = list[0].leaders = 10;
  list[1].replicas = list[1].leaders = 10;
  Placer placer(list, 1);
  const auto lists = placer.place(10, 1);
  ASSERT_TRUE(lists);
  for (const ReplicaList& one : *lists) EXPECT_EQ(one, nodes({3}));
}

// Random clusters of equal racks, from nothing: as even as can be, whatever the seed.
TEST(PlacementProperty, ReplicasAndHeadsAreEven) {
  Spread worst_replicas;
  Spread worst_heads;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Rng rng(seed);
    const std::size_t racks = 1 + rng.below(5);
    const std::size_t each = 1 + rng.below(4);
    std::string text;
    for (std::size_t i = 0; i < racks * each; ++i) {
      text += (i == 0 ? "" : " ") +
              (rng.one_in(8) && each == 1 ? "-" : "r" + std::to_string(i % racks));
    }
    const auto all = brokers(text);
    const auto factor =
        static_cast<std::uint32_t>(1 + rng.below(std::min<std::uint64_t>(all.size(), 5)));
    const auto partitions = static_cast<std::uint32_t>(1 + rng.below(120));
    Placer placer(all, seed);
    const auto lists = placer.place(partitions, factor);
    ASSERT_TRUE(lists) << lists.error().to_string();
    std::map<raft::NodeId, std::uint64_t> replicas, heads;
    for (const ReplicaList& list : *lists) {
      expect_sound(list, factor);
      expect_racks_even(list, all);
      for (const raft::NodeId broker : list) ++replicas[broker];
      ++heads[list.front()];
    }
    Spread replica_spread, head_spread;
    for (const PlacementBroker& broker : all) {
      replica_spread.add(replicas[broker.id]);
      head_spread.add(heads[broker.id]);
      EXPECT_EQ(placer.brokers().at(broker.id).replicas, replicas[broker.id])
          << "what is planned counts";
      EXPECT_EQ(placer.brokers().at(broker.id).leaders, heads[broker.id]);
    }
    EXPECT_LE(replica_spread.width(), 2U)
        << "seed " << seed << " racks " << text << " factor " << factor;
    EXPECT_LE(head_spread.width(), 2U)
        << "seed " << seed << " racks " << text << " factor " << factor;
    worst_replicas.add(replica_spread.width());
    worst_heads.add(head_spread.width());
  }
  std::printf("PLACEMENT clusters=400 worst_replica_spread=%lu worst_head_spread=%lu\n",
              static_cast<unsigned long>(worst_replicas.most),
              static_cast<unsigned long>(worst_heads.most));
}

// Unequal racks, brokers that are not open, load from before: the rules that must hold, hold.
TEST(PlacementProperty, RacksComeFirstAndNobodyTakesTwo) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Rng rng(seed);
    std::string text = "r0";
    for (std::uint64_t i = 1 + rng.below(11); i > 0; --i) {
      text += (rng.one_in(5) ? " !r" : " r") + std::to_string(rng.below(4));
    }
    auto all = brokers(text);
    for (PlacementBroker& broker : all) broker.replicas = rng.below(30);
    const auto open =
        static_cast<std::uint32_t>(std::ranges::count(all, true, &PlacementBroker::open));
    const auto factor = static_cast<std::uint32_t>(1 + rng.below(std::min(open, 7U)));
    Placer placer(all, seed);
    const auto lists = placer.place(20, factor);
    ASSERT_TRUE(lists) << lists.error().to_string();
    for (const ReplicaList& list : *lists) {
      expect_sound(list, factor);
      expect_racks_even(list, all);
      for (const raft::NodeId broker : list) {
        EXPECT_TRUE(all[static_cast<std::size_t>(broker.value()) - 1].open) << to_string(list);
      }
    }
  }
}

TEST(Placement, AReplacementKeepsTheOthersAndTheRacks) {
  Placer placer(brokers("a a b b c c"), 1);
  for (int turn = 0; turn < 20; ++turn) {
    const auto list = placer.replace(nodes({1, 3, 5}), raft::NodeId(3));
    ASSERT_TRUE(list);
    EXPECT_EQ(*list, nodes({1, 5, 4})) << "the head stays, and rack b has one other broker";
  }
}

TEST(Placement, WhenTheHeadLeavesTheOneWithFewestLeadersTakesOver) {
  auto list = brokers("- - - -");
  list[1].leaders = 5;
  list[2].leaders = 2;
  list[3].leaders = 9;
  EXPECT_EQ(*Placer(list, 1).replace(nodes({1, 2, 3}), raft::NodeId(1)), nodes({3, 2, 4}));
}

TEST(Placement, ReplacingWhoIsNotThereChangesNothing) {
  EXPECT_EQ(*Placer(brokers("- - -"), 1).replace(nodes({1, 2}), raft::NodeId(3)), nodes({1, 2}));
}

TEST(Placement, MoreReplicasGoToOtherRacksAndTheHeadStays) {
  const auto list = Placer(brokers("a a a b c"), 1).resize(nodes({2}), 3);
  ASSERT_TRUE(list);
  EXPECT_EQ(list->front(), raft::NodeId(2));
  expect_racks_even(*list, brokers("a a a b c"));
}

TEST(Placement, FewerReplicasLeaveBrokersThatGoThenCrowdedRacks) {
  EXPECT_EQ(*Placer(brokers("a !b c"), 1).resize(nodes({1, 2, 3}), 2), nodes({1, 3}));
  EXPECT_EQ(*Placer(brokers("a b b c"), 1).resize(nodes({1, 2, 4, 3}), 3).value().begin(),
            raft::NodeId(1));
  auto crowded = brokers("a b b");
  crowded[1].replicas = 5;
  EXPECT_EQ(*Placer(crowded, 1).resize(nodes({1, 2, 3}), 2), nodes({1, 3}));
  EXPECT_EQ(*Placer(brokers("a b c"), 1).resize(nodes({2, 1, 3}), 1), nodes({2}));
}

}  // namespace
}  // namespace penstock::broker
