// Snapshots of the metadata: their bytes, what is refused, and that a snapshot with the records
// behind it is worth all records.
#include <gtest/gtest.h>
#include <xxhash.h>

#include <cstdio>

#include "base/coding.h"
#include "base/random.h"
#include "broker/controller/cluster_state.h"
#include "broker/controller/limits.h"

namespace penstock::broker {
namespace {

std::string hex(ByteView bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::byte b : bytes) {
    text += kDigits[std::to_integer<unsigned>(b) >> 4];
    text += kDigits[std::to_integer<unsigned>(b) & 15];
  }
  return text;
}

Uuid id_of(std::uint8_t first) {
  Uuid id;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = std::byte(first + i);
  return id;
}

// A cluster that lives through random commands, and the records that came of them.
class RandomLife {
 public:
  explicit RandomLife(std::uint64_t seed) : rng_(seed) { carry_out(start()); }

  void live_on() {
    switch (rng_.below(15)) {
      case 12:
        return carry_out(AllocateProducerIds{broker(), 1 + number(1'000)});
      case 13:
        return register_producer();
      case 14:
        return rng_.one_in(3) ? carry_out(ForgetProducer{producer()}) : register_producer();
      case 0:
        return carry_out(rng_.one_in(4)
                             ? RegisterBroker{rng_.uuid(), {}, "h", 1, rack(), now()}
                             : RegisterBroker{known_directory(), {}, "h2", 2, rack(), now()});
      case 1:
        return carry_out(RegisterBroker{rng_.uuid(), {}, "h", 1, rack(), now()});
      case 2:
      case 3:
        return carry_out(
            CreateTopic{topic(), number(5), number(4), settings(), rng_.uuid(), now()});
      case 4:
        return carry_out(AlterTopic{topic(), settings(), {}, number(9)});
      case 5:
        return carry_out(DeleteTopic{topic(), now()});
      case 6:
        return forget();
      case 7:
        return move();
      case 8:
        return carry_out(ChangeReplicationFactor{topic(), number(4)});
      case 9:
        return carry_out(DrainBroker{broker(), now()});
      case 10:
        return rng_.one_in(2) ? carry_out(ResumeBroker{broker(), now()})
                              : carry_out(DecommissionBroker{broker(), now()});
      default:
        return rng_.one_in(2) ? carry_out(FinishDrain{broker(), now()})
                              : carry_out(RemoveBroker{broker(), now()});
    }
  }

  ClusterState state;
  std::vector<MetadataRecord> log;

 private:
  template <typename Command>
  void carry_out(const Command& command) {
    const auto decision = state.handle(command);
    if (!decision) return;
    for (const MetadataRecord& record : decision->records) {
      const Status applied = state.apply(Offset(static_cast<std::int64_t>(log.size())), record);
      ASSERT_TRUE(applied) << applied.error().to_string() << "\n" << to_string(record);
      log.push_back(record);
    }
  }
  StartBroker start() { return {1, id_of(0x80), now()}; }
  Timestamp now() { return Timestamp(++clock_); }
  std::uint32_t number(std::uint64_t below) {
    return static_cast<std::uint32_t>(rng_.below(below));
  }
  std::string topic() { return "t" + std::to_string(rng_.below(6)); }
  std::string rack() { return rng_.one_in(3) ? "" : "r" + std::to_string(rng_.below(3)); }
  raft::NodeId broker() { return raft::NodeId(static_cast<std::int32_t>(1 + rng_.below(8))); }
  Uuid known_directory() {
    const auto& all = state.brokers().all();
    return std::next(all.begin(), static_cast<std::ptrdiff_t>(rng_.below(all.size())))
        ->second.directory;
  }
  SettingMap settings() {
    if (rng_.one_in(2)) return {};
    return {{"retention_ms", std::to_string(1'000 + rng_.below(9'000))}};
  }
  std::string producer() { return "p" + std::to_string(rng_.below(5)); }
  void register_producer() {
    RegisterProducer command{.name = producer(), .instance = rng_.uuid(), .now = now()};
    const auto known = state.producers().find(command.name);
    if (known && rng_.one_in(2)) {
      command.instance = known->instance;
      if (rng_.one_in(2)) command.known = known->identity;
    }
    carry_out(command);
  }
  void forget() {
    if (state.deleted().empty()) return;
    const auto& [id, deleted] = *state.deleted().begin();
    carry_out(ForgetTopic{id, rng_.one_in(4) ? raft::kNobody : deleted.awaited.front()});
  }
  void move() {
    const TopicPtr found = state.image()->find(topic());
    if (!found) return;
    ReplicaList to;
    while (to.size() < found->replication_factor) {
      if (const raft::NodeId one = broker(); !contains(to, one)) to.push_back(one);
    }
    carry_out(MoveReplicas{found->name,
                           PartitionId(static_cast<std::int32_t>(number(found->partitions))), to});
  }

  Rng rng_;
  std::int64_t clock_ = 0;
};

// Two brokers, one topic that was moved, one that was deleted.
ClusterState small_cluster() {
  ClusterState state;
  const raft::NodeId one(1), two(2);
  const std::vector<MetadataRecord> log = {
      BrokerStarted{1, id_of(0x10), Term(1), Timestamp(1)},
      BrokerRegistered{two, id_of(0x20), "b", 7333, "r", Timestamp(2)},
      TopicCreated{id_of(0x30), "ab", 1, 1, Timestamp(3), {{"durability", "written"}}, {{one}}},
      TopicCreated{id_of(0x40), "cd", 1, 1, Timestamp(4), {}},
      TopicDeleted{id_of(0x40), Timestamp(5)},
      ReplicasPlaced{id_of(0x30), 2, {{PartitionId(0), {two, one}}}},
      BrokerModeChanged{one, BrokerMode::kDraining, Timestamp(6)}};
  Offset offset;
  for (const MetadataRecord& record : log) {
    EXPECT_TRUE(state.apply(offset, record)) << to_string(record);
    offset = offset + 1;
  }
  return state;
}

// docs/metadata.md shows these bytes.
constexpr std::string_view kGolden =
    "5053544b4d455441"  // PSTKMETA
    "0100"              // version
    "0700000000000000"  // applied
    "01000000"          // leader epoch
    "03"                // next broker number
    "02"                // 1 + last broker that started
    "02"                // brokers
    "01"
    "101112131415161718191a1b1c1d1e1f"
    "00"
    "0000"
    "00"
    "0100000000000000"
    "01"
    "02"
    "202122232425262728292a2b2c2d2e2f"
    "0162"
    "a51c"
    "0172"
    "0200000000000000"
    "00"
    "01"  // topics
    "303132333435363738393a3b3c3d3e3f"
    "026162"            // name
    "02000000"          // replication factor
    "0300000000000000"  // created at
    "01"
    "0a6475726162696c697479"
    "077772697474656e"
    "01"
    "00"
    "0200000000000000"  // growth: partitions from 0 on, made at offset 2
    "01"                // partitions
    "0500000000000000"  // placement epoch
    "01"
    "01"  // founders: 1
    "02"  // replicas
    "02"
    "0500000000000000"  // 2, since offset 5
    "01"
    "0200000000000000"  // 1, since offset 2
    "01"                // deleted topics
    "404142434445464748494a4b4c4d4e4f"
    "026364"
    "02"
    "0102";  // brokers 1 and 2 are awaited

TEST(MetadataSnapshot, BytesAreAsTheyAlwaysWere) {
  const Bytes snapshot = small_cluster().snapshot();
  ASSERT_GT(snapshot.size(), 8U);
  const ByteView summed = ByteView(snapshot).first(snapshot.size() - 8);
  EXPECT_EQ(hex(summed), kGolden);
  EXPECT_EQ(load_le<std::uint64_t>(snapshot.data() + summed.size()),
            XXH3_64bits(summed.data(), summed.size()));
}

// The same cluster, and producers: what the second version adds stands behind the first one.
constexpr std::string_view kProducersGolden =
    "1300000000000000"  // next number: 19
    "01"                // names
    "026162"
    "1200000000000000"                  // number 18 ...
    "0100"                              // ... in epoch 1
    "505152535455565758595a5b5c5d5e5f"  // instance
    "0800000000000000";                 // registered at

ClusterState small_cluster_with_producers() {
  ClusterState state = small_cluster();
  EXPECT_TRUE(state.apply(Offset(7), ProducerIdsAllocated{raft::NodeId(2), 1, 17}));
  EXPECT_TRUE(state.apply(Offset(8), ProducerRegistered{"ab", {18, 0}, id_of(0x60), Timestamp(7)}));
  EXPECT_TRUE(state.apply(Offset(9), ProducerRegistered{"ab", {18, 1}, id_of(0x50), Timestamp(8)}));
  return state;
}

TEST(MetadataSnapshot, ProducersStandBehindWhatTheFirstVersionHolds) {
  const Bytes snapshot = small_cluster_with_producers().snapshot();
  std::string expected(kGolden);
  expected.replace(16, 4, "0200");               // version
  expected.replace(20, 16, "0a00000000000000");  // applied
  EXPECT_EQ(hex(ByteView(snapshot).first(snapshot.size() - 8)),
            expected + std::string(kProducersGolden));
  const auto restored = ClusterState::restore(snapshot);
  ASSERT_TRUE(restored) << restored.error().to_string();
  EXPECT_EQ(restored->producers().next_id(), 19);
  EXPECT_EQ(restored->producers().named(), small_cluster_with_producers().producers().named());
}

// An older release can read it, should one be started again.
TEST(MetadataSnapshot, WithoutProducersItIsAsBefore) {
  const Bytes snapshot = small_cluster().snapshot();
  EXPECT_EQ(load_le<std::uint16_t>(snapshot.data() + 8), 1);
}

// The number of a name that was forgotten is not given again.
TEST(MetadataSnapshot, NumbersThatWereGivenAreRememberedWithoutAName) {
  ClusterState state = small_cluster_with_producers();
  ASSERT_TRUE(state.apply(Offset(10), ProducerForgotten{"ab"}));
  const auto restored = ClusterState::restore(state.snapshot());
  ASSERT_TRUE(restored) << restored.error().to_string();
  EXPECT_EQ(restored->producers().next_id(), 19);
  EXPECT_TRUE(restored->producers().named().empty());
}

TEST(MetadataSnapshot, ARestoredStateIsTheSameToItsReaders) {
  const ClusterState before = small_cluster();
  const auto after = ClusterState::restore(before.snapshot());
  ASSERT_TRUE(after) << after.error().to_string();
  EXPECT_TRUE(equal(after->snapshot(), before.snapshot()));
  const ImagePtr image = after->image();
  EXPECT_EQ(image->applied(), Offset(7));
  EXPECT_EQ(image->brokers(), before.image()->brokers());
  EXPECT_EQ(image->deleted(), before.image()->deleted());
  const TopicPtr topic = image->find("ab");
  ASSERT_NE(topic, nullptr);
  EXPECT_EQ(image->find(id_of(0x30)), topic);
  EXPECT_EQ(topic->settings, before.image()->find("ab")->settings);
  EXPECT_EQ(topic->partition(PartitionId(0)),
            before.image()->find("ab")->partition(PartitionId(0)));
  EXPECT_EQ(after->partition_count(), before.partition_count());
}

TEST(MetadataSnapshot, EveryTruncationAndEveryFlippedBitIsRefused) {
  Bytes snapshot = small_cluster_with_producers().snapshot();
  for (std::size_t size = 0; size < snapshot.size(); ++size) {
    const auto restored = ClusterState::restore(ByteView(snapshot).first(size));
    ASSERT_FALSE(restored) << size;
    EXPECT_EQ(restored.error().code(), Errc::kCorrupt);
  }
  for (std::size_t bit = 0; bit < snapshot.size() * 8; ++bit) {
    snapshot[bit / 8] ^= std::byte(1 << bit % 8);
    const auto restored = ClusterState::restore(snapshot);
    ASSERT_FALSE(restored) << bit;
    EXPECT_EQ(restored.error().code(), Errc::kCorrupt) << bit;
    snapshot[bit / 8] ^= std::byte(1 << bit % 8);
  }
  snapshot.push_back(std::byte{0});
  EXPECT_FALSE(ClusterState::restore(snapshot));
}

// The checksum is in order, and what it covers is nonsense: refused, never believed, never a crash.
TEST(MetadataSnapshot, ARightChecksumOverNonsenseIsRefused) {
  const Bytes good = small_cluster_with_producers().snapshot();
  Rng rng(1);
  int survived = 0;
  for (std::size_t at = 0; at < good.size() - 8; ++at) {
    for (int turn = 0; turn < 8; ++turn) {
      Bytes bad = good;
      bad[at] = std::byte(rng.below(256));
      if (rng.one_in(8)) bad.resize(std::max<std::size_t>(at + 8, 18));
      const std::size_t size = bad.size() - 8;
      store_le(bad.data() + size, std::uint64_t{XXH3_64bits(bad.data(), size)});
      const auto restored = ClusterState::restore(bad);
      if (!restored) continue;
      EXPECT_TRUE(equal(restored->snapshot(), bad));
      for (const auto& [name, topic] : restored->image()->topics()) {
        for (std::uint32_t p = 0; p < topic->partitions; ++p) {
          const PartitionId partition(static_cast<std::int32_t>(p));
          topic->first_voters(partition, raft::NodeId(1));
        }
      }
      ++survived;
    }
  }
  EXPECT_GT(survived, 0) << "another host name is another valid snapshot";
}

// The last field before the checksum, a broker's number, in more bytes than it needs.
TEST(MetadataSnapshot, OnlyTheBytesOfAWriterAreASnapshot) {
  Bytes snapshot = small_cluster().snapshot();
  const std::size_t last = snapshot.size() - 9;
  ASSERT_EQ(snapshot[last], std::byte{2});
  snapshot[last] = std::byte{0x82};
  snapshot.insert(snapshot.begin() + static_cast<std::ptrdiff_t>(last) + 1, std::byte{0});
  const std::size_t size = snapshot.size() - 8;
  store_le(snapshot.data() + size, std::uint64_t{XXH3_64bits(snapshot.data(), size)});
  EXPECT_EQ(ClusterState::restore(snapshot).error().code(), Errc::kCorrupt);
}

TEST(MetadataSnapshot, WhatANewerReleaseWroteIsNotGuessed) {
  Bytes snapshot = small_cluster().snapshot();
  snapshot[8] = std::byte{3};
  const std::size_t size = snapshot.size() - 8;
  store_le(snapshot.data() + size, std::uint64_t{XXH3_64bits(snapshot.data(), size)});
  EXPECT_EQ(ClusterState::restore(snapshot).error().code(), Errc::kUnsupportedVersion);
}

TEST(MetadataSnapshot, AnEmptyStateHasOneToo) {
  const auto restored = ClusterState::restore(ClusterState().snapshot());
  ASSERT_TRUE(restored) << restored.error().to_string();
  EXPECT_TRUE(restored->image()->topics().empty());
  EXPECT_EQ(restored->brokers().last_started(), raft::kNobody);
}

// It travels as one attachment to a broker that is far behind.
TEST(MetadataSnapshot, OfTheLargestClusterFitsIntoAFrame) {
  constexpr std::size_t kFrameBytes = 8U << 20;
  ClusterState state;
  Offset offset;
  const auto apply = [&](const MetadataRecord& record) {
    ASSERT_TRUE(state.apply(offset, record)) << to_string(record);
    offset = offset + 1;
  };
  Rng rng(1);
  const int brokers = kMaxBrokers;
  for (int b = 1; b <= brokers; ++b) {
    apply(BrokerRegistered{raft::NodeId(b), rng.uuid(), "a-host.example.org", 7333, "rack", {}});
  }
  for (std::uint64_t t = 0; t < kMaxPartitions / kMaxPartitionsPerTopic; ++t) {
    TopicCreated topic{rng.uuid(), "topic-" + std::to_string(t), kMaxPartitionsPerTopic, 3, {}, {}};
    for (std::uint32_t p = 0; p < kMaxPartitionsPerTopic; ++p) {
      const int first = static_cast<int>(p) % (brokers - 2) + 1;
      topic.placement.push_back(
          {raft::NodeId(first), raft::NodeId(first + 1), raft::NodeId(first + 2)});
    }
    apply(topic);
  }
  for (std::size_t p = 0; p < kMaxNamedProducers; ++p) {
    const auto id = static_cast<std::int64_t>(p) + 1;
    std::string name = std::to_string(p);
    name.resize(kMaxProducerNameBytes, 'x');
    apply(ProducerRegistered{std::move(name), {id, 0}, rng.uuid(), {}});
  }
  const Bytes snapshot = state.snapshot();
  std::printf("METADATA_SIZE brokers=%d partitions=%lu snapshot_bytes=%zu\n", brokers,
              static_cast<unsigned long>(state.partition_count()), snapshot.size());
  EXPECT_LT(snapshot.size(), kFrameBytes);
  EXPECT_TRUE(ClusterState::restore(snapshot));
}

// Whatever a cluster lives through: its records, decoded again, give the same state; and so does a
// snapshot taken anywhere with the records behind it.
TEST(MetadataSnapshotProperty, ASnapshotAndTheRestAreWorthAllRecords) {
  std::size_t records = 0;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomLife life(seed);
    for (int i = 0; i < 120; ++i) life.live_on();
    ASSERT_FALSE(HasFatalFailure());
    records += life.log.size();
    const Bytes all = life.state.snapshot();
    Rng rng(seed);
    for (const std::size_t cut :
         {std::size_t{0}, std::size_t(rng.below(life.log.size())), life.log.size()}) {
      ClusterState state;
      for (std::size_t i = 0; i < life.log.size(); ++i) {
        if (i == cut) {
          auto restored = ClusterState::restore(state.snapshot());
          ASSERT_TRUE(restored) << restored.error().to_string();
          state = *std::move(restored);
        }
        const auto decoded = decode_metadata_record(encode(life.log[i]));
        ASSERT_TRUE(decoded) << decoded.error().to_string();
        ASSERT_EQ(*decoded, life.log[i]);
        ASSERT_TRUE(state.apply(Offset(static_cast<std::int64_t>(i)), *decoded));
      }
      ASSERT_TRUE(equal(state.snapshot(), all)) << "cut at " << cut;
    }
  }
  std::printf("METADATA_SNAPSHOT lives=150 records=%zu\n", records);
  EXPECT_GT(records, 5'000U) << "the lives must be eventful";
}

}  // namespace
}  // namespace penstock::broker
