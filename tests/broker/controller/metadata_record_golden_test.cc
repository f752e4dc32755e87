// The bytes of every metadata record: a change here is a change of what is on people's disks.
#include <gtest/gtest.h>

#include <map>

#include "broker/controller/limits.h"
#include "broker/controller/metadata_record.h"

namespace penstock::broker {
namespace {

Uuid id_of(std::uint8_t first) {
  Uuid id;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = std::byte(first + i);
  return id;
}

ReplicaList nodes(std::initializer_list<int> numbers) {
  ReplicaList list;
  for (const int number : numbers) list.emplace_back(number);
  return list;
}

std::string hex(ByteView bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::byte b : bytes) {
    text += kDigits[std::to_integer<unsigned>(b) >> 4];
    text += kDigits[std::to_integer<unsigned>(b) & 15];
  }
  return text;
}

struct Golden {
  MetadataRecord record;
  std::string bytes;
};

std::vector<Golden> goldens() {
  return {
      {ProducerIdsAllocated{raft::NodeId(300), 5, 1'000},
       "0a01"
       "ac02"              // broker
       "0500000000000000"  // first
       "e8030000"},        // count
      {ProducerRegistered{"ab", {7, 2}, id_of(0), Timestamp(3)},
       "0b01"
       "026162"                            // name
       "0700000000000000"                  // number
       "0200"                              // epoch
       "000102030405060708090a0b0c0d0e0f"  // instance
       "0300000000000000"},                // at
      {ProducerForgotten{"ab"},
       "0c01"
       "026162"},  // name

      {BrokerStarted{1, id_of(0x10), Term(7), Timestamp(0x0102030405)},
       "0101"                              // type, version
       "01000000"                          // broker
       "101112131415161718191a1b1c1d1e1f"  // directory
       "07000000"                          // leader epoch
       "0504030201000000"},                // at
      {TopicCreated{id_of(0), "ab", 3, 1, Timestamp(2), {{"durability", "written"}}},
       "0201"
       "000102030405060708090a0b0c0d0e0f"  // id
       "026162"                            // name
       "03000000"                          // partitions
       "01000000"                          // replication factor
       "0200000000000000"                  // at
       "01"                                // number of settings
       "0a6475726162696c697479"            // name
       "077772697474656e"},                // value
      {TopicAltered{id_of(0), 4, {}},
       "0301"
       "000102030405060708090a0b0c0d0e0f"
       "04000000"  // partitions
       "00"},      // number of settings
      {TopicDeleted{id_of(0), Timestamp(2)},
       "0401"
       "000102030405060708090a0b0c0d0e0f"
       "0200000000000000"},  // at
      {TopicForgotten{id_of(0)},
       "0501"
       "000102030405060708090a0b0c0d0e0f"},

      // Versions 2: what a cluster adds. What says nothing of it is written as before.
      {
          TopicCreated{.id = id_of(0),
                       .name = "ab",
                       .partitions = 2,
                       .replication_factor = 2,
                       .at = Timestamp(2),
                       .settings = {},
                       .placement = {nodes({1, 2}), nodes({300, 1})}},
          "0202"
          "000102030405060708090a0b0c0d0e0f"
          "026162"
          "02000000"
          "02000000"
          "0200000000000000"
          "00"
          "02"        // number of partitions
          "020102"    // two replicas: brokers 1 and 2
          "02ac0201"  // two replicas: brokers 300 (varint) and 1
      },
      {TopicAltered{.id = id_of(0), .partitions = 3, .settings = {}, .placement = {nodes({7})}},
       "0302"
       "000102030405060708090a0b0c0d0e0f"
       "03000000"
       "00"
       "01"      // one new partition
       "0107"},  // one replica: broker 7
      {TopicForgotten{id_of(0), raft::NodeId(3)},
       "0502"
       "000102030405060708090a0b0c0d0e0f"
       "03"},  // broker

      {BrokerRegistered{.broker = raft::NodeId(2),
                        .directory = id_of(0x10),
                        .host = "h.x",
                        .port = 7333,
                        .rack = "r1",
                        .started_at = Timestamp(5)},
       "0601"
       "02"                                // broker
       "101112131415161718191a1b1c1d1e1f"  // directory
       "03682e78"                          // host
       "a51c"                              // port
       "027231"                            // rack
       "0500000000000000"},                // started at
      {BrokerModeChanged{raft::NodeId(2), BrokerMode::kDecommissioning, Timestamp(6)},
       "0701"
       "02"                  // broker
       "03"                  // mode
       "0600000000000000"},  // at
      {BrokerRemoved{raft::NodeId(2), Timestamp(6)},
       "0801"
       "02"
       "0600000000000000"},
      {ReplicasPlaced{
           .topic = id_of(0),
           .replication_factor = 2,
           .partitions = {{PartitionId(0), nodes({2, 3})}, {PartitionId(5), nodes({3, 2})}}},
       "0901"
       "000102030405060708090a0b0c0d0e0f"
       "02000000"    // replication factor
       "02"          // number of partitions
       "00020203"    // partition 0 on brokers 2 and 3
       "05020302"},  // partition 5 on brokers 3 and 2
  };
}

TEST(MetadataRecordGolden, BytesAreAsTheyAlwaysWere) {
  for (const Golden& golden : goldens()) {
    EXPECT_EQ(hex(encode(golden.record)), golden.bytes) << to_string(golden.record);
    const auto decoded = decode_metadata_record(encode(golden.record));
    ASSERT_TRUE(decoded) << decoded.error().to_string();
    EXPECT_EQ(*decoded, golden.record);
  }
}

TEST(MetadataRecordGolden, EveryTruncationAndEveryExtensionIsRefused) {
  for (const Golden& golden : goldens()) {
    Bytes bytes = encode(golden.record);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(decode_metadata_record(ByteView(bytes).first(size))) << size;
    }
    bytes.push_back(std::byte{0});
    EXPECT_EQ(decode_metadata_record(bytes).error().code(), Errc::kCorrupt);
  }
}

TEST(MetadataRecordGolden, WhatANewerReleaseWroteIsNotSkipped) {
  for (const auto& [type, version] : std::map<int, int>{
           {13, 1}, {200, 1}, {10, 2}, {11, 0}, {0, 1}, {2, 3}, {4, 2}, {6, 2}, {9, 0}}) {
    const Bytes bytes{std::byte(type), std::byte(version), std::byte{1}};
    EXPECT_EQ(decode_metadata_record(bytes).error().code(), Errc::kUnsupportedVersion)
        << type << " " << version;
  }
}

TEST(MetadataRecordGolden, OnlyTheBytesOfAWriterAreARecord) {
  // A mode that there is not; a count and a number in more bytes than they need; version 2 for what
  // version 1 says.
  Bytes mode = encode(BrokerModeChanged{raft::NodeId(2), BrokerMode::kActive, Timestamp(6)});
  mode[3] = std::byte{5};
  Bytes number = encode(BrokerRemoved{raft::NodeId(2), Timestamp(6)});
  number[2] = std::byte{0x82};
  number.insert(number.begin() + 3, std::byte{0});
  Bytes version = encode(TopicAltered{id_of(0), 4, {}});
  version[1] = std::byte{2};
  version.push_back(std::byte{0});
  for (const Bytes& bytes : {mode, number, version}) {
    const auto decoded = decode_metadata_record(bytes);
    ASSERT_FALSE(decoded) << hex(bytes);
    EXPECT_EQ(decoded.error().code(), Errc::kCorrupt) << hex(bytes);
  }
}

TEST(MetadataRecordGolden, TheLargestPlacementFitsIntoARecord) {
  ReplicasPlaced placed{
      .topic = id_of(0), .replication_factor = kMaxReplicationFactor, .partitions = {}};
  for (std::uint32_t p = 0; p < kMaxPartitionsPerTopic; ++p) {
    placed.partitions.push_back({PartitionId(static_cast<std::int32_t>(p)),
                                 ReplicaList(kMaxReplicationFactor, raft::NodeId(0x7ffffffe))});
  }
  EXPECT_LE(encode(placed).size(), kMaxMetadataRecordBytes);
}

TEST(MetadataRecordGolden, AHugeLengthCostsNothing) {
  // A topic whose name claims 2^60 bytes.
  Bytes bytes = encode(TopicCreated{id_of(0), "ab", 3, 1, Timestamp(2), {}});
  bytes.resize(2 + 16);
  for (int i = 0; i < 8; ++i) bytes.push_back(std::byte{0xff});
  bytes.push_back(std::byte{0x0f});
  EXPECT_EQ(decode_metadata_record(bytes).error().code(), Errc::kCorrupt);
}

}  // namespace
}  // namespace penstock::broker
