// The archiver's decisions as pure values: when a chunk is closed, and what its object is called.
//
// Units: steady_ns is Clock::steady_ns(); sizes count batches as they came, compressed. Worked
// example: positioned at 100, after batches up to offset 149 were added, the chunk is [100, 150)
// and its object's name ends in "/00000000000000000149.parquet".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "archiver/limits.h"
#include "base/result.h"
#include "base/types.h"

namespace penstock::archiver {

struct RollPolicy {
  std::uint64_t max_bytes = 64ULL << 20;
  std::uint64_t max_records = 1'000'000;
  std::int64_t max_age_ms = 300'000;  // from the first batch of the chunk, busy topic or quiet

  // kInvalidArgument names the setting.
  Status check() const;
};

enum class RollReason { kNone, kBytes, kRecords, kAge };
std::string_view name(RollReason reason);

// The chunk of one partition that is being collected.
class OpenChunk {
 public:
  explicit OpenChunk(Offset position) : base_(position), end_(position) {}

  // Batches that end before `next` have come. Precondition: next > end().
  void add(Offset next, std::uint64_t bytes, std::uint64_t records, std::int64_t steady_ns);
  RollReason due(const RollPolicy& policy, std::int64_t steady_ns) const;

  bool empty() const { return end_ == base_; }
  Offset base() const { return base_; }
  Offset end() const { return end_; }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t records() const { return records_; }

 private:
  Offset base_;
  Offset end_;
  std::uint64_t bytes_ = 0;
  std::uint64_t records_ = 0;
  std::int64_t first_at_ns_ = 0;
};

// "orders/3/2024/05/17/09/00000000000000000149.parquet": the UTC hour of `closed_at`, and the last
// offset of [.., end).
std::string chunk_object_name(const std::string& topic, PartitionId partition, Timestamp closed_at,
                              Offset end);
// The last offset in such a name; none for any other object.
std::optional<Offset> last_offset_of(const std::string& topic, PartitionId partition,
                                     std::string_view object);

// Pauses between attempts: kFirstRetryMs, doubling up to kMaxRetryMs.
class Backoff {
 public:
  std::int64_t next_ms() {
    const std::int64_t pause = pause_ms_;
    pause_ms_ = std::min(pause_ms_ * 2, kMaxRetryMs);
    return pause;
  }
  void reset() { pause_ms_ = kFirstRetryMs; }

 private:
  std::int64_t pause_ms_ = kFirstRetryMs;
};

}  // namespace penstock::archiver
