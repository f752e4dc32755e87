#include "broker/controller/topic_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::broker {
namespace {

using testing::HasSubstr;

TEST(TopicSettings, EveryDefaultIsInItsOwnRange) {
  const auto defaults = resolve_settings({});
  ASSERT_TRUE(defaults) << defaults.error().to_string();
  EXPECT_EQ(defaults->max_batch_bytes, 1 << 20);
  EXPECT_EQ(defaults->retention_bytes, kUnlimited);
  EXPECT_EQ(defaults->durability_policy(), DurabilityPolicy::kFsynced);
  EXPECT_EQ(defaults->compression_policy(), CompressionPolicy::kProducer);
  EXPECT_EQ(defaults->timestamp_policy(), TimestampPolicy::kCreate);
}

TEST(TopicSettings, EveryRowReadsBackWhatItPrints) {
  const TopicSettings defaults = *resolve_settings({});
  SettingMap all;
  for (const SettingRow& row : topic_setting_table()) {
    all[std::string(row.name)] = format_setting(row, defaults);
    EXPECT_FALSE(row.meaning.empty()) << row.name;
  }
  EXPECT_EQ(canonical_settings(all), all);
  EXPECT_EQ(resolve_settings(all), defaults);
}

TEST(TopicSettings, BothEndsOfEveryRangeAreAllowedAndNothingBeyond) {
  for (const SettingRow& row : topic_setting_table()) {
    if (row.type == SettingType::kChoice) continue;
    const std::string name(row.name);
    for (const std::int64_t good : {row.min, row.max}) {
      EXPECT_TRUE(canonical_settings({{name, std::to_string(good)}})) << name << " " << good;
    }
    for (const std::int64_t bad : {row.min - 1, row.max + 1}) {
      EXPECT_FALSE(canonical_settings({{name, std::to_string(bad)}})) << name << " " << bad;
    }
    EXPECT_EQ(canonical_settings({{name, "unlimited"}}).has_value(), row.may_be_unlimited) << name;
  }
}

TEST(TopicSettings, WhatPeopleWriteIsStoredAsPlainNumbers) {
  EXPECT_EQ(canonical_settings({{"retention_ms", "7d"}, {"segment_bytes", "8MiB"}}),
            (SettingMap{{"retention_ms", "604800000"}, {"segment_bytes", "8388608"}}));
}

TEST(TopicSettings, ARecordOf8MiBIsPossibleBySetting) {
  EXPECT_TRUE(resolve_settings({{"max_record_bytes", "8MiB"}, {"max_batch_bytes", "9MiB"}}));
  const auto alone = resolve_settings({{"max_record_bytes", "8MiB"}});
  ASSERT_FALSE(alone);
  EXPECT_THAT(alone.error().message(), HasSubstr("raise max_batch_bytes"));
}

TEST(TopicSettings, CleanupSaysWhatBecomesOfOldRecords) {
  const auto cleanup = [](const char* text) { return *resolve_settings({{"cleanup", text}}); };
  EXPECT_FALSE(resolve_settings({})->is_compacted());
  EXPECT_TRUE(cleanup("delete").has_retention());
  EXPECT_TRUE(cleanup("compact").is_compacted());
  EXPECT_FALSE(cleanup("compact").has_retention());
  EXPECT_TRUE(cleanup("compact,delete").is_compacted());
  EXPECT_TRUE(cleanup("compact,delete").has_retention());
  EXPECT_THAT(canonical_settings({{"cleanup", "shrink"}}).error().message(),
              HasSubstr("delete, compact, 'compact,delete'"));
}

TEST(TopicSettings, TheLongestLagOfCompactionIsNotBelowTheShortest) {
  EXPECT_TRUE(resolve_settings({{"min_compaction_lag_ms", "7d"}}));
  const auto longer = resolve_settings({{"min_compaction_lag_ms", "8d"}});
  ASSERT_FALSE(longer);
  EXPECT_THAT(longer.error().message(), HasSubstr("max_compaction_lag_ms (7d)"));
  EXPECT_TRUE(
      resolve_settings({{"min_compaction_lag_ms", "8d"}, {"max_compaction_lag_ms", "unlimited"}}));
}

TEST(TopicSettings, ErrorsSayWhatIsAllowed) {
  EXPECT_THAT(canonical_settings({{"compression", "zip"}}).error().message(),
              HasSubstr("producer, none, gzip, snappy, lz4, zstd"));
  EXPECT_THAT(canonical_settings({{"max_batch_bytes", "1GiB"}}).error().message(),
              HasSubstr("1KiB to 9MiB"));
  EXPECT_THAT(canonical_settings({{"colour", "red"}}).error().message(), HasSubstr("retention_ms"));
  EXPECT_LT(
      canonical_settings({{"segment_ms", std::string(100'000, '9')}}).error().message().size(),
      500U);
}

}  // namespace
}  // namespace penstock::broker
