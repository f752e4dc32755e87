#include "storage/segment_name.h"

#include <charconv>
#include <cstdint>

namespace penstock::storage {
namespace {

constexpr std::size_t kDigits = 20;
constexpr std::size_t kSuffixSize = 4;

}  // namespace

std::string segment_file_name(Offset base, SegmentFile kind) {
  std::string digits = std::to_string(base.value());
  digits.insert(0, kDigits - digits.size(), '0');
  return digits + (kind == SegmentFile::kLog ? ".log" : ".idx");
}

bool is_beside_segments(std::string_view name) {
  constexpr std::string_view kTemporary = ".tmp";
  if (name.ends_with(kTemporary)) name.remove_suffix(kTemporary.size());
  if (parse_compacted_name(name)) return true;
  return name == kCheckpointName || name == kReplicaStateName || name == kProducersName;
}

std::optional<SegmentName> parse_segment_name(std::string_view name) {
  if (name.size() != kDigits + kSuffixSize) return std::nullopt;
  const std::string_view suffix = name.substr(kDigits);
  if (suffix != ".log" && suffix != ".idx") return std::nullopt;
  std::int64_t base = 0;
  const char* const end = name.data() + kDigits;
  const auto [stop, error] = std::from_chars(name.data(), end, base);
  if (error != std::errc() || stop != end || base < 0) return std::nullopt;
  return SegmentName{Offset(base), suffix == ".log" ? SegmentFile::kLog : SegmentFile::kIndex};
}

std::optional<SegmentName> parse_compacted_name(std::string_view name) {
  if (!name.ends_with(kCompactedSuffix)) return std::nullopt;
  name.remove_suffix(kCompactedSuffix.size());
  return parse_segment_name(name);
}

}  // namespace penstock::storage
