#include "broker/controller/topic_settings.h"

#include <algorithm>
#include <array>

#include "broker/controller/limits.h"

namespace penstock::broker {
namespace {

constexpr std::int64_t kKiB = 1LL << 10;
constexpr std::int64_t kMiB = 1LL << 20;
constexpr std::int64_t kGiB = 1LL << 30;
constexpr std::int64_t kSecond = 1'000;
constexpr std::int64_t kDay = 86'400'000;

constexpr std::array<std::string_view, 3> kCleanups = {"delete", "compact", "compact,delete"};
constexpr std::array<std::string_view, 6> kCompressions = {"producer", "none", "gzip",
                                                           "snappy",   "lz4",  "zstd"};
constexpr std::array<std::string_view, 2> kTimestampTypes = {"create", "append"};
constexpr std::array<std::string_view, 2> kDurabilities = {"fsynced", "written"};

constexpr std::array kTable = {
    SettingRow{
        "cleanup", SettingType::kChoice, "delete", 0, 0, false, kCleanups,
        "What becomes of old records: `delete` removes them by age and size (`retention_ms`, "
        "`retention_bytes`), `compact` keeps the latest one of each key for ever, "
        "`compact,delete` does both. A compacted topic takes no records without a key.",
        &TopicSettings::cleanup},
    SettingRow{"retention_ms",
               SettingType::kDuration,
               "7d",
               kSecond,
               36'500 * kDay,
               true,
               {},
               "Records older than this are removed, by their timestamps and a segment at a time.",
               &TopicSettings::retention_ms},
    SettingRow{"retention_bytes",
               SettingType::kSize,
               "unlimited",
               kMiB,
               1024 * 1024 * kGiB,
               true,
               {},
               "Size of one partition above which its oldest segments are removed.",
               &TopicSettings::retention_bytes},
    SettingRow{"segment_bytes",
               SettingType::kSize,
               "256MiB",
               64 * kKiB,
               kGiB,
               false,
               {},
               "Size at which a partition begins a new file. Smaller ones let retention work in "
               "smaller steps.",
               &TopicSettings::segment_bytes},
    SettingRow{"segment_ms",
               SettingType::kDuration,
               "7d",
               kSecond,
               3'650 * kDay,
               false,
               {},
               "Age of a file's oldest record at which a partition begins a new one.",
               &TopicSettings::segment_ms},
    SettingRow{"min_compaction_lag_ms",
               SettingType::kDuration,
               "0",
               0,
               3'650 * kDay,
               false,
               {},
               "Compaction leaves a file alone for that long after its last record came.",
               &TopicSettings::min_compaction_lag_ms},
    SettingRow{"max_compaction_lag_ms",
               SettingType::kDuration,
               "7d",
               kSecond,
               3'650 * kDay,
               true,
               {},
               "A record that waits for compaction longer than this is compacted, however little "
               "there is to gain. Before that a pass begins when half of a partition's files are "
               "new.",
               &TopicSettings::max_compaction_lag_ms},
    SettingRow{"delete_retention_ms",
               SettingType::kDuration,
               "1d",
               kSecond,
               3'650 * kDay,
               true,
               {},
               "How long a tombstone (a key without a value) stays after everything older of its "
               "key was compacted on all replicas: the time that readers have to get past it.",
               &TopicSettings::delete_retention_ms},
    SettingRow{"max_batch_bytes",
               SettingType::kSize,
               "1MiB",
               kKiB,
               9 * kMiB,
               false,
               {},
               "Largest batch that a producer may send, as it travels (compressed).",
               &TopicSettings::max_batch_bytes},
    SettingRow{"max_record_bytes",
               SettingType::kSize,
               "1MiB",
               kKiB,
               8 * kMiB,
               false,
               {},
               "Largest record: key, value and headers.",
               &TopicSettings::max_record_bytes},
    SettingRow{"compression", SettingType::kChoice, "producer", 0, 0, false, kCompressions,
               "Codec that batches must have; `producer` takes any. The broker never recompresses.",
               &TopicSettings::compression},
    SettingRow{"timestamp_type", SettingType::kChoice, "create", 0, 0, false, kTimestampTypes,
               "Whose time records carry: the producer's (`create`) or the broker's at append.",
               &TopicSettings::timestamp_type},
    SettingRow{"durability", SettingType::kChoice, "fsynced", 0, 0, false, kDurabilities,
               "What an acknowledgement means when the producer does not say: `fsynced` on a "
               "majority of replicas, or `written` to their memory (lost by a power cut).",
               &TopicSettings::durability},
};

Error invalid(const SettingRow& row, std::string_view text, std::string_view why) {
  return {Errc::kInvalidSetting, std::string(row.name) + "=" + std::string(text) + ": " +
                                     std::string(why) + "; allowed: " + allowed_values(row)};
}

std::string format_number(const SettingRow& row, std::int64_t number) {
  return row.type == SettingType::kSize ? format_size(number) : format_duration_ms(number);
}

Result<std::int64_t> parse_value(const SettingRow& row, std::string_view text) {
  if (text.size() > kMaxSettingTextBytes) return fail(invalid(row, "...", "the text is too long"));
  if (row.type == SettingType::kChoice) {
    const auto found = std::ranges::find(row.choices, text);
    if (found == row.choices.end()) return fail(invalid(row, text, "no such choice"));
    return found - row.choices.begin();
  }
  auto number = row.type == SettingType::kSize ? parse_size(text) : parse_duration_ms(text);
  if (!number) return fail(invalid(row, text, number.error().message()));
  if (*number == kUnlimited && row.may_be_unlimited) return *number;
  if (*number < row.min || *number > row.max) return fail(invalid(row, text, "out of range"));
  return *number;
}

Error unknown_setting(std::string_view name) {
  std::string known;
  for (const SettingRow& row : kTable) known += (known.empty() ? "" : ", ") + std::string(row.name);
  return {Errc::kInvalidSetting, "unknown setting '" +
                                     std::string(name.substr(0, kMaxSettingTextBytes)) +
                                     "'; there are: " + known};
}

}  // namespace

std::span<const SettingRow> topic_setting_table() { return kTable; }

const SettingRow* find_setting(std::string_view name) {
  const auto row = std::ranges::find(kTable, name, &SettingRow::name);
  return row == kTable.end() ? nullptr : &*row;
}

std::string allowed_values(const SettingRow& row) {
  if (row.type == SettingType::kChoice) {
    std::string choices;
    for (const auto choice : row.choices) {
      const bool is_list = choice.contains(',');
      choices += (choices.empty() ? "" : ", ") +
                 (is_list ? "'" + std::string(choice) + "'" : std::string(choice));
    }
    return choices;
  }
  return format_number(row, row.min) + " to " + format_number(row, row.max) +
         (row.may_be_unlimited ? ", or unlimited" : "");
}

Result<SettingMap> canonical_settings(const SettingMap& set) {
  SettingMap canonical;
  for (const auto& [name, text] : set) {
    const SettingRow* row = find_setting(name);
    if (row == nullptr) return fail(unknown_setting(name));
    PENSTOCK_TRY_ASSIGN(const std::int64_t value, parse_value(*row, text));
    TopicSettings one;
    one.*(row->field) = value;
    canonical[name] = format_setting(*row, one);
  }
  return canonical;
}

Result<TopicSettings> resolve_settings(const SettingMap& set) {
  TopicSettings settings;
  for (const SettingRow& row : kTable) {
    const auto own = set.find(row.name);
    PENSTOCK_TRY_ASSIGN(settings.*(row.field),
                        parse_value(row, own == set.end() ? row.default_text : own->second));
  }
  if (settings.max_record_bytes > settings.max_batch_bytes) {
    if (set.contains("max_record_bytes")) {
      return fail(Errc::kInvalidSetting,
                  "max_record_bytes=" + format_size(settings.max_record_bytes) +
                      ": a record cannot be larger than its batch; raise max_batch_bytes (" +
                      format_size(settings.max_batch_bytes) + ") as well");
    }
    settings.max_record_bytes = settings.max_batch_bytes;
  }
  const bool has_longest = settings.max_compaction_lag_ms != kUnlimited;
  if (has_longest && settings.min_compaction_lag_ms > settings.max_compaction_lag_ms) {
    return fail(Errc::kInvalidSetting,
                "min_compaction_lag_ms=" + format_duration_ms(settings.min_compaction_lag_ms) +
                    ": compaction would have to wait longer than max_compaction_lag_ms (" +
                    format_duration_ms(settings.max_compaction_lag_ms) + ") allows");
  }
  return settings;
}

std::string format_setting(const SettingRow& row, const TopicSettings& settings) {
  const std::int64_t value = settings.*(row.field);
  if (row.type == SettingType::kChoice) {
    return std::string(row.choices[static_cast<std::size_t>(value)]);
  }
  return value == kUnlimited ? "unlimited" : std::to_string(value);
}

}  // namespace penstock::broker
