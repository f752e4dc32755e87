// The bytes of every metadata record: a change here is a change of what is on people's disks.
#include <gtest/gtest.h>

#include <map>

#include "broker/controller/metadata_record.h"

namespace penstock::broker {
namespace {

Uuid id_of(std::uint8_t first) {
  Uuid id;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = std::byte(first + i);
  return id;
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
  for (const auto& [type, version] : std::map<int, int>{{6, 1}, {200, 1}, {0, 1}, {2, 2}}) {
    const Bytes bytes{std::byte(type), std::byte(version), std::byte{1}};
    EXPECT_EQ(decode_metadata_record(bytes).error().code(), Errc::kUnsupportedVersion)
        << type << " " << version;
  }
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
