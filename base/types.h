// The field's quantities as types, so that an offset is never mistaken for a count or an epoch.
//
// Units: an Offset counts records in one partition; a Timestamp is milliseconds since 1970-01-01
// UTC. Worked example: a log that holds offsets 5, 6 and 7 has log start 5 and log end 8; [5, 8) is
// its range.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace penstock {

// A position in a partition's log. Offset + n is the offset n records later; a - b is that
// distance.
class Offset {
 public:
  constexpr Offset() = default;
  constexpr explicit Offset(std::int64_t value) : value_(value) {}
  constexpr std::int64_t value() const { return value_; }

  friend constexpr auto operator<=>(Offset, Offset) = default;
  friend constexpr Offset operator+(Offset a, std::int64_t n) { return Offset(a.value_ + n); }
  friend constexpr Offset operator-(Offset a, std::int64_t n) { return Offset(a.value_ - n); }
  friend constexpr std::int64_t operator-(Offset a, Offset b) { return a.value_ - b.value_; }

 private:
  std::int64_t value_ = 0;
};

// Raft term of the leader that appended a batch; also called leader epoch. -1: not yet assigned.
class Term {
 public:
  constexpr Term() = default;
  constexpr explicit Term(std::int32_t value) : value_(value) {}
  constexpr std::int32_t value() const { return value_; }
  friend constexpr auto operator<=>(Term, Term) = default;

 private:
  std::int32_t value_ = -1;
};

// Wall-clock instant in milliseconds; stamps records, decides nothing else.
class Timestamp {
 public:
  constexpr Timestamp() = default;
  constexpr explicit Timestamp(std::int64_t ms) : ms_(ms) {}
  constexpr std::int64_t ms() const { return ms_; }
  friend constexpr auto operator<=>(Timestamp, Timestamp) = default;

 private:
  std::int64_t ms_ = -1;
};

// Number of a partition within its topic, from 0.
class PartitionId {
 public:
  constexpr PartitionId() = default;
  constexpr explicit PartitionId(std::int32_t value) : value_(value) {}
  constexpr std::int32_t value() const { return value_; }
  friend constexpr auto operator<=>(PartitionId, PartitionId) = default;

 private:
  std::int32_t value_ = 0;
};

// 128 random bits: names a topic for its whole life (a recreated topic gets another), a node's data
// directory, a cluster. Text form: 32 lower-case hex digits.
struct Uuid {
  std::array<std::byte, 16> bytes{};

  std::string to_string() const;
  static std::optional<Uuid> parse(std::string_view hex);
  bool is_nil() const { return *this == Uuid{}; }
  friend constexpr auto operator<=>(const Uuid&, const Uuid&) = default;
};

// A partition wherever it is addressed: topic identity and number.
struct TopicPartition {
  Uuid topic;
  PartitionId partition;
  friend constexpr auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
};

// 1 to 249 of [a-zA-Z0-9._-], neither "." nor "..": safe as a path component.
bool is_valid_topic_name(std::string_view name);

}  // namespace penstock

template <>
struct std::hash<penstock::Uuid> {
  std::size_t operator()(const penstock::Uuid& id) const noexcept;
};
template <>
struct std::hash<penstock::TopicPartition> {
  std::size_t operator()(const penstock::TopicPartition& tp) const noexcept;
};
