#include "broker/server/partition_rules.h"

#include <gtest/gtest.h>

#include <limits>

#include "broker/partition/limits.h"

namespace penstock::broker {
namespace {

PartitionRules rules_of(const SettingMap& settings) {
  return partition_rules(resolve_settings(settings).value());
}

TEST(PartitionRules, DefaultsAreTheTopicsDefaults) {
  const PartitionRules rules = rules_of({});
  EXPECT_EQ(rules.append.max_batch_bytes, 1U << 20);
  EXPECT_EQ(rules.append.required_codec, std::nullopt);
  EXPECT_EQ(rules.append.timestamp_type, record::TimestampType::kCreateTime);
  EXPECT_EQ(rules.default_durability, Durability::kFsynced);
  EXPECT_EQ(rules.log.segment_bytes, 256U << 20);
  EXPECT_EQ(rules.log.retention_ms, 7LL * 86'400'000);
  EXPECT_EQ(rules.log.retention_bytes, std::nullopt);
}

TEST(PartitionRules, UnlimitedIsNoLimit) {
  const PartitionRules rules =
      rules_of({{"retention_ms", "unlimited"}, {"retention_bytes", "5MiB"}});
  EXPECT_EQ(rules.log.retention_ms, std::nullopt);
  EXPECT_EQ(rules.log.retention_bytes, 5U << 20);
}

TEST(PartitionRules, EveryCompressionChoiceMeansItsCodec) {
  const SettingRow& row = *find_setting("compression");
  for (const std::string_view choice : row.choices) {
    const auto codec = rules_of({{"compression", std::string(choice)}}).append.required_codec;
    if (choice == "producer") {
      EXPECT_EQ(codec, std::nullopt);
    } else {
      EXPECT_EQ(codec, record::codec_from_name(choice).value());
    }
  }
}

TEST(PartitionRules, TimeAndDurabilityAreTheTopics) {
  const PartitionRules rules = rules_of({{"timestamp_type", "append"}, {"durability", "written"}});
  EXPECT_EQ(rules.append.timestamp_type, record::TimestampType::kLogAppendTime);
  EXPECT_EQ(rules.default_durability, Durability::kWritten);
}

TEST(PartitionRules, OnlyCompactedTopicsInsistOnKeysAndAreCompacted) {
  const PartitionRules usual = rules_of({});
  EXPECT_FALSE(usual.append.requires_keys);
  EXPECT_FALSE(usual.compaction);
  const PartitionRules compacted = rules_of({{"cleanup", "compact"},
                                             {"retention_bytes", "5MiB"},
                                             {"min_compaction_lag_ms", "1s"},
                                             {"max_compaction_lag_ms", "2s"},
                                             {"delete_retention_ms", "3s"}});
  EXPECT_TRUE(compacted.append.requires_keys);
  ASSERT_TRUE(compacted.compaction);
  EXPECT_EQ(compacted.compaction->min_lag_ms, 1'000);
  EXPECT_EQ(compacted.compaction->max_lag_ms, 2'000);
  EXPECT_EQ(compacted.compaction->tombstone_delay_ms, 3'000);
  EXPECT_EQ(compacted.log.retention_ms, std::nullopt) << "what is latest stays for ever";
  EXPECT_EQ(compacted.log.retention_bytes, std::nullopt);
  const PartitionRules both = rules_of({{"cleanup", "compact,delete"},
                                        {"max_compaction_lag_ms", "unlimited"},
                                        {"delete_retention_ms", "unlimited"}});
  EXPECT_EQ(both.compaction->tombstone_delay_ms, std::numeric_limits<std::int64_t>::max());
  ASSERT_TRUE(both.compaction);
  EXPECT_EQ(both.compaction->max_lag_ms, std::nullopt);
  EXPECT_EQ(both.log.retention_ms, 7LL * 86'400'000);
}

TEST(PartitionRules, WhatASettingAllowsTheLayersBelowCanCarry) {
  EXPECT_EQ(static_cast<std::uint64_t>(find_setting("max_batch_bytes")->max), kLargestBatchBytes);
}

}  // namespace
}  // namespace penstock::broker
