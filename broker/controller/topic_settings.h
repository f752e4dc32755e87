// TopicSettings: what can be set for a topic, as one table from which parsing, checking, describing
// and docs/CONFIGURATION.md follow.
//
// Invariants: a TopicSettings that came out of resolve_settings() satisfies every range in the
// table and the rules between settings. Only what a topic sets itself is stored; a changed default
// reaches every topic that does not. Failure: kInvalidSetting names the setting, the value and what
// is allowed.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "broker/controller/setting_value.h"

namespace penstock::broker {

// Order as in the table's choices.
enum class CompressionPolicy : std::int64_t { kProducer, kNone, kGzip, kSnappy, kLz4, kZstd };
enum class TimestampPolicy : std::int64_t { kCreate, kAppend };
enum class DurabilityPolicy : std::int64_t { kFsynced, kWritten };
enum class CleanupPolicy : std::int64_t { kDelete, kCompact, kCompactAndDelete };

struct TopicSettings {
  std::int64_t cleanup = 0;  // a CleanupPolicy
  std::int64_t retention_ms = 0;
  std::int64_t retention_bytes = 0;
  std::int64_t segment_bytes = 0;
  std::int64_t segment_ms = 0;
  std::int64_t min_compaction_lag_ms = 0;
  std::int64_t max_compaction_lag_ms = 0;
  std::int64_t delete_retention_ms = 0;
  std::int64_t max_batch_bytes = 0;
  std::int64_t max_record_bytes = 0;
  std::int64_t compression = 0;     // a CompressionPolicy
  std::int64_t timestamp_type = 0;  // a TimestampPolicy
  std::int64_t durability = 0;      // a DurabilityPolicy

  bool is_compacted() const { return CleanupPolicy{cleanup} != CleanupPolicy::kDelete; }
  bool has_retention() const { return CleanupPolicy{cleanup} != CleanupPolicy::kCompact; }
  CompressionPolicy compression_policy() const { return CompressionPolicy{compression}; }
  TimestampPolicy timestamp_policy() const { return TimestampPolicy{timestamp_type}; }
  DurabilityPolicy durability_policy() const { return DurabilityPolicy{durability}; }
  friend bool operator==(const TopicSettings&, const TopicSettings&) = default;
};

struct SettingRow {
  std::string_view name;
  SettingType type;
  std::string_view default_text;
  std::int64_t min;  // of kSize and kDuration, inclusive
  std::int64_t max;  // inclusive
  bool may_be_unlimited;
  std::span<const std::string_view> choices;  // of kChoice
  std::string_view meaning;
  std::int64_t TopicSettings::* field;
};

std::span<const SettingRow> topic_setting_table();
const SettingRow* find_setting(std::string_view name);  // null: unknown

// What is allowed, for people: "1KiB to 9MiB", "producer, none, gzip".
std::string allowed_values(const SettingRow& row);

// Name to value. Canonical text: plain numbers in the unit of the setting's name, "unlimited", or
// the choice; people may also write "8MiB" or "7d".
using SettingMap = std::map<std::string, std::string, std::less<>>;

// `set` with each value checked by itself and in its canonical form.
Result<SettingMap> canonical_settings(const SettingMap& set);

// Defaults overlaid by `set`; also checks the rules between settings.
Result<TopicSettings> resolve_settings(const SettingMap& set);

// The value in canonical text.
std::string format_setting(const SettingRow& row, const TopicSettings& settings);

}  // namespace penstock::broker
