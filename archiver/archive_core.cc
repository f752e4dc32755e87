#include "archiver/archive_core.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "base/assert.h"

namespace penstock::archiver {
namespace {

constexpr std::size_t kOffsetDigits = 20;
constexpr std::string_view kSuffix = ".parquet";

std::string folder_of(const std::string& topic, PartitionId partition) {
  return topic + "/" + std::to_string(partition.value()) + "/";
}

bool matches(std::string_view text, std::string_view pattern) {
  return text.size() == pattern.size() &&
         std::equal(text.begin(), text.end(), pattern.begin(),
                    [](char c, char p) { return p == '#' ? c >= '0' && c <= '9' : c == p; });
}

}  // namespace

Status RollPolicy::check() const {
  if (max_bytes == 0) return fail(Errc::kInvalidArgument, "chunk bytes must be at least 1");
  if (max_records == 0 || max_records > kMaxChunkRecords) {
    return fail(Errc::kInvalidArgument,
                fmt::format("chunk records must be 1 to {}", kMaxChunkRecords));
  }
  if (max_age_ms <= 0 || max_age_ms > kMaxChunkAgeMs) {
    return fail(Errc::kInvalidArgument,
                fmt::format("chunk age must be 1 to {} ms", kMaxChunkAgeMs));
  }
  return {};
}

std::string_view name(RollReason reason) {
  switch (reason) {
    case RollReason::kNone:
      return "asked";
    case RollReason::kBytes:
      return "bytes";
    case RollReason::kRecords:
      return "records";
    case RollReason::kAge:
      return "age";
  }
  return "unknown";
}

void OpenChunk::add(Offset next, std::uint64_t bytes, std::uint64_t records,
                    std::int64_t steady_ns) {
  PENSTOCK_ASSERT(next > end_, "batches come in offset order");
  if (empty()) first_at_ns_ = steady_ns;
  end_ = next;
  bytes_ += bytes;
  records_ += records;
}

RollReason OpenChunk::due(const RollPolicy& policy, std::int64_t steady_ns) const {
  if (empty()) return RollReason::kNone;
  if (bytes_ >= policy.max_bytes) return RollReason::kBytes;
  if (records_ >= policy.max_records) return RollReason::kRecords;
  if (steady_ns - first_at_ns_ >= policy.max_age_ms * 1'000'000) return RollReason::kAge;
  return RollReason::kNone;
}

std::string chunk_object_name(const std::string& topic, PartitionId partition, Timestamp closed_at,
                              Offset end) {
  using std::chrono::floor;
  const std::chrono::sys_time<std::chrono::milliseconds> time{
      std::chrono::milliseconds(closed_at.ms())};
  const auto day = floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const auto hour = floor<std::chrono::hours>(time - day).count();
  return folder_of(topic, partition) +
         fmt::format("{:04}/{:02}/{:02}/{:02}/{:020}{}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), hour,
                     end.value() - 1, kSuffix);
}

std::optional<Offset> last_offset_of(const std::string& topic, PartitionId partition,
                                     std::string_view object) {
  const std::string folder = folder_of(topic, partition);
  if (!object.starts_with(folder)) return std::nullopt;
  object.remove_prefix(folder.size());
  if (!matches(object, "####/##/##/##/####################.parquet")) return std::nullopt;
  const std::string_view digits =
      object.substr(object.size() - kSuffix.size() - kOffsetDigits, kOffsetDigits);
  std::int64_t last = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), last);
  if (error != std::errc()) return std::nullopt;
  return Offset(last);
}

}  // namespace penstock::archiver
