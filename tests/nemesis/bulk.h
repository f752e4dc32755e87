// The records of a bulk writer: so many that a line for each would be too much. They are called
// "bulk-i", i from 0 on without a gap, and number i is in partition i modulo their number.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::nemesis {

inline constexpr std::string_view kBulkPrefix = "bulk-";

inline std::string bulk_name(std::uint64_t number) {
  return std::string(kBulkPrefix) + std::to_string(number);
}

// None: somebody else's record.
inline std::optional<std::uint64_t> bulk_number_of(std::string_view name) {
  if (!name.starts_with(kBulkPrefix)) return std::nullopt;
  const std::string_view digits = name.substr(kBulkPrefix.size());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), number);
  if (error != std::errc() || end != digits.end()) return std::nullopt;
  return number;
}

// What one reader, from the beginning on, found of them in one partition.
class BulkTally {
 public:
  BulkTally(std::int32_t partition, std::int32_t partitions)
      : next_(static_cast<std::uint64_t>(partition)),
        step_(static_cast<std::uint64_t>(partitions)) {}

  void add(std::uint64_t number) {
    seen_ = true;
    if (number < next_) {
      ++repeated_;
      return;
    }
    missing_ += (number - next_) / step_;
    next_ = number + step_;
  }

  bool has_seen_any() const { return seen_; }
  std::uint64_t next() const { return next_; }  // the number that would have come next
  std::uint64_t missing() const { return missing_; }
  std::uint64_t repeated() const { return repeated_; }

 private:
  std::uint64_t next_;
  std::uint64_t step_;
  std::uint64_t missing_ = 0;
  std::uint64_t repeated_ = 0;
  bool seen_ = false;
};

}  // namespace penstock::nemesis
