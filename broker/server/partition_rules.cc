#include "broker/server/partition_rules.h"

#include <limits>
#include <utility>

namespace penstock::broker {
namespace {

std::optional<record::Codec> required_codec(CompressionPolicy policy) {
  switch (policy) {
    case CompressionPolicy::kProducer:
      return std::nullopt;
    case CompressionPolicy::kNone:
      return record::Codec::kNone;
    case CompressionPolicy::kGzip:
      return record::Codec::kGzip;
    case CompressionPolicy::kSnappy:
      return record::Codec::kSnappy;
    case CompressionPolicy::kLz4:
      return record::Codec::kLz4;
    case CompressionPolicy::kZstd:
      return record::Codec::kZstd;
  }
  std::unreachable();  // the settings table holds no other choice
}

}  // namespace

PartitionRules partition_rules(const TopicSettings& settings) {
  PartitionRules rules;
  rules.append.max_batch_bytes = static_cast<std::uint64_t>(settings.max_batch_bytes);
  rules.append.max_record_bytes = static_cast<std::uint64_t>(settings.max_record_bytes);
  rules.append.required_codec = required_codec(settings.compression_policy());
  rules.append.timestamp_type = settings.timestamp_policy() == TimestampPolicy::kAppend
                                    ? record::TimestampType::kLogAppendTime
                                    : record::TimestampType::kCreateTime;
  rules.default_durability = settings.durability_policy() == DurabilityPolicy::kFsynced
                                 ? Durability::kFsynced
                                 : Durability::kWritten;
  rules.log.segment_bytes = static_cast<std::uint64_t>(settings.segment_bytes);
  rules.log.segment_ms = settings.segment_ms;
  const bool expires = settings.has_retention();
  rules.log.retention_ms = std::nullopt;
  if (expires && settings.retention_ms != kUnlimited)
    rules.log.retention_ms = settings.retention_ms;
  rules.log.retention_bytes = std::nullopt;
  if (expires && settings.retention_bytes != kUnlimited) {
    rules.log.retention_bytes = static_cast<std::uint64_t>(settings.retention_bytes);
  }
  if (!settings.is_compacted()) return rules;
  rules.append.requires_keys = true;
  rules.compaction = CompactionRules{.min_lag_ms = settings.min_compaction_lag_ms,
                                     .max_lag_ms = std::nullopt,
                                     .tombstone_delay_ms = settings.delete_retention_ms};
  if (settings.delete_retention_ms == kUnlimited) {
    rules.compaction->tombstone_delay_ms = std::numeric_limits<std::int64_t>::max();
  }
  if (settings.max_compaction_lag_ms != kUnlimited) {
    rules.compaction->max_lag_ms = settings.max_compaction_lag_ms;
  }
  return rules;
}

}  // namespace penstock::broker
