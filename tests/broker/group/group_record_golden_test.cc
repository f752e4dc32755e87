// The bytes of every record about groups: a change here is a change of what is on people's disks.
#include <gtest/gtest.h>

#include <map>

#include "broker/group/group_record.h"
#include "broker/group/limits.h"

namespace penstock::group {
namespace {

Uuid id_of(std::uint8_t first) {
  Uuid id;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = std::byte(first + i);
  return id;
}

TopicPartition at(std::uint8_t topic, int partition) {
  return {id_of(topic), PartitionId(partition)};
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
  GroupRecord record;
  std::string key;
  std::string value;
};

MemberFacts member() {
  return {.profile = {.instance = "i1",
                      .client = "c",
                      .host = "h.x",
                      .rack = "r1",
                      .subscription = {.pattern = "o.*", .topics = {"oa", "ob"}},
                      .session_timeout_ms = 10'000,
                      .poll_interval_ms = 300'000},
          .joined = Epoch(9),
          .presence = Presence::kAway};
}

std::vector<Golden> goldens() {
  return {
      {PositionRecord{{"etl", at(0, 300)}, Position{Offset(7), Term(2), "at", Timestamp(0x0102)}},
       "01"
       "0365746c"                          // group
       "000102030405060708090a0b0c0d0e0f"  // topic
       "ac02",                             // partition (varint)
       "01"                                // version
       "0700000000000000"                  // offset
       "02000000"                          // leader epoch
       "026174"                            // text
       "0201000000000000"},                // committed at
      {GroupFactsRecord{{"etl"}, GroupFacts{Epoch(5), Assignor::kRange, Timestamp(2), Offset(3)}},
       "02"
       "0365746c",
       "01"
       "0500000000000000"    // epoch
       "01"                  // assignor
       "0200000000000000"    // created at
       "0300000000000000"},  // topics at
      {MemberRecord{{"etl", id_of(0x10)}, member()},
       "03"
       "0365746c"
       "101112131415161718191a1b1c1d1e1f",  // member
       "01"
       "0900000000000000"  // joined
       "01"                // presence
       "026931"            // instance
       "0163"              // client
       "03682e78"          // host
       "027231"            // rack
       "10270000"          // session timeout
       "e0930400"          // poll interval
       "036f2e2a"          // pattern
       "02"                // number of topics
       "026f61"
       "026f62"},
      {TargetRecord{
           {"etl"},
           Target{Epoch(5), {{id_of(0x10), {at(0, 0), at(0, 2), at(1, 1)}}, {id_of(0x20), {}}}}},
       "04"
       "0365746c",
       "01"
       "0500000000000000"                  // epoch
       "02"                                // number of members
       "101112131415161718191a1b1c1d1e1f"  // member
       "02"                                // of two topics:
       "000102030405060708090a0b0c0d0e0f"
       "020002"  // partitions 0 and 2
       "0102030405060708090a0b0c0d0e0f10"
       "0101"  // partition 1
       "202122232425262728292a2b2c2d2e2f"
       "00"},  // nothing
      {HoldingRecord{{"etl", id_of(0x10)}, Holding{Epoch(6), {at(0, 1)}, {at(0, 2)}}},
       "05"
       "0365746c"
       "101112131415161718191a1b1c1d1e1f",
       "01"
       "0600000000000000"  // member epoch
       "01"                // owned: of one topic
       "000102030405060708090a0b0c0d0e0f"
       "0101"  // partition 1
       "01"    // revoking
       "000102030405060708090a0b0c0d0e0f"
       "0102"},
  };
}

Errc code_of(ByteView key, std::optional<ByteView> value) {
  const auto decoded = decode_group_record(key, value);
  return decoded ? Errc::kOk : decoded.error().code();
}

TEST(GroupRecordGolden, BytesAreAsTheyAlwaysWere) {
  for (const Golden& golden : goldens()) {
    const KeyedBytes bytes = encode(golden.record);
    EXPECT_EQ(hex(bytes.key), golden.key) << to_string(golden.record);
    ASSERT_TRUE(bytes.value);
    EXPECT_EQ(hex(*bytes.value), golden.value) << to_string(golden.record);
    const auto decoded = decode_group_record(bytes.key, *bytes.value);
    ASSERT_TRUE(decoded) << decoded.error().to_string();
    EXPECT_EQ(*decoded, golden.record);
  }
}

TEST(GroupRecordGolden, ATombstoneIsTheKeyWithoutAValue) {
  for (Golden& golden : goldens()) {
    std::visit([](auto& record) { record.value.reset(); }, golden.record);
    const KeyedBytes bytes = encode(golden.record);
    EXPECT_EQ(hex(bytes.key), golden.key);
    EXPECT_FALSE(bytes.value);
    const auto decoded = decode_group_record(bytes.key, std::nullopt);
    ASSERT_TRUE(decoded) << decoded.error().to_string();
    EXPECT_EQ(*decoded, golden.record);
    EXPECT_TRUE(to_string(golden.record).ends_with(" removed"));
  }
}

TEST(GroupRecordGolden, EveryTruncationAndEveryExtensionIsRefused) {
  for (const Golden& golden : goldens()) {
    KeyedBytes bytes = encode(golden.record);
    for (std::size_t size = 0; size < bytes.key.size(); ++size) {
      EXPECT_EQ(code_of(ByteView(bytes.key).first(size), *bytes.value), Errc::kCorrupt) << size;
    }
    for (std::size_t size = 0; size < bytes.value->size(); ++size) {
      EXPECT_EQ(code_of(bytes.key, ByteView(*bytes.value).first(size)), Errc::kCorrupt) << size;
    }
    KeyedBytes longer = bytes;
    longer.key.push_back(std::byte{0});
    EXPECT_EQ(code_of(longer.key, *bytes.value), Errc::kCorrupt);
    longer.value->push_back(std::byte{0});
    EXPECT_EQ(code_of(bytes.key, *longer.value), Errc::kCorrupt);
  }
}

TEST(GroupRecordGolden, WhatANewerReleaseWroteIsNotSkipped) {
  const KeyedBytes good = encode(goldens()[1].record);
  for (const int type : {0, 6, 200}) {
    Bytes key = good.key;
    key[0] = std::byte(type);
    EXPECT_EQ(code_of(key, *good.value), Errc::kUnsupportedVersion) << type;
    EXPECT_EQ(code_of(key, std::nullopt), Errc::kUnsupportedVersion) << type;
  }
  for (const int version : {0, 2, 255}) {
    Bytes value = *good.value;
    value[0] = std::byte(version);
    EXPECT_EQ(code_of(good.key, value), Errc::kUnsupportedVersion) << version;
  }
}

TEST(GroupRecordGolden, OnlyTheBytesOfAWriterAreARecord) {
  // An assignor and a presence that there is not, partitions out of order and twice, members out of
  // order, a number in more bytes than it needs, a group's name that nobody may have.
  Bytes assignor = *encode(goldens()[1].record).value;
  assignor[9] = std::byte{3};
  EXPECT_EQ(code_of(encode(goldens()[1].record).key, assignor), Errc::kCorrupt);

  Bytes presence = *encode(goldens()[2].record).value;
  presence[9] = std::byte{2};
  EXPECT_EQ(code_of(encode(goldens()[2].record).key, presence), Errc::kCorrupt);

  const Holding swapped{Epoch(6), {at(0, 2), at(0, 1)}, {}};
  const KeyedBytes out_of_order = encode(HoldingRecord{{"etl", id_of(1)}, swapped});
  EXPECT_EQ(code_of(out_of_order.key, *out_of_order.value), Errc::kCorrupt);
  const Holding twice{Epoch(6), {at(0, 2), at(0, 2)}, {}};
  const KeyedBytes repeated = encode(HoldingRecord{{"etl", id_of(1)}, twice});
  EXPECT_EQ(code_of(repeated.key, *repeated.value), Errc::kCorrupt);

  const KeyedBytes target =
      encode(TargetRecord{{"etl"}, Target{Epoch(5), {{id_of(1), {}}, {id_of(2), {}}}}});
  Bytes members = *target.value;
  std::swap_ranges(members.begin() + 10, members.begin() + 27, members.begin() + 27);
  EXPECT_EQ(code_of(target.key, members), Errc::kCorrupt);

  const KeyedBytes position = encode(PositionRecord{{"etl", at(0, 2)}, std::nullopt});
  Bytes longer = position.key;
  longer.back() = std::byte{0x82};
  longer.push_back(std::byte{0});
  EXPECT_EQ(code_of(longer, std::nullopt), Errc::kCorrupt);

  const KeyedBytes slash = encode(GroupFactsRecord{{"a/b"}, std::nullopt});
  EXPECT_EQ(code_of(slash.key, std::nullopt), Errc::kCorrupt);
}

TEST(GroupRecordGolden, AHugeLengthCostsNothing) {
  // A target of 2^60 members, a position whose text claims as much.
  Bytes huge;
  for (int i = 0; i < 8; ++i) huge.push_back(std::byte{0xff});
  huge.push_back(std::byte{0x0f});
  const KeyedBytes target = encode(TargetRecord{{"etl"}, Target{Epoch(5), {}}});
  Bytes members = *target.value;
  members.pop_back();
  members.insert(members.end(), huge.begin(), huge.end());
  EXPECT_EQ(code_of(target.key, members), Errc::kCorrupt);

  const KeyedBytes position = encode(goldens()[0].record);
  Bytes text(position.value->begin(), position.value->begin() + 13);
  text.insert(text.end(), huge.begin(), huge.end());
  EXPECT_EQ(code_of(position.key, text), Errc::kCorrupt);
}

TEST(GroupRecordGolden, TheLargestTargetFitsIntoARecord) {
  Target target{Epoch(1), {}};
  for (std::size_t p = 0; p < kMaxPartitionsPerGroup; ++p) {
    Uuid topic;
    topic.bytes[0] = std::byte(p >> 8);
    topic.bytes[1] = std::byte(p & 255);
    Uuid reader;
    reader.bytes[0] = std::byte((p % kMaxMembersPerGroup) >> 8);
    reader.bytes[1] = std::byte((p % kMaxMembersPerGroup) & 255);
    target.shares[reader].push_back({topic, PartitionId(0x7ffffffe)});
  }
  EXPECT_EQ(target.shares.size(), kMaxMembersPerGroup);
  const KeyedBytes bytes = encode(TargetRecord{{std::string(kMaxNameBytes, 'g')}, target});
  EXPECT_LE(bytes.key.size() + bytes.value->size(), kMaxGroupRecordBytes);
}

}  // namespace
}  // namespace penstock::group
