#include "broker/partition/fetch_rules.h"

#include <algorithm>

#include "base/assert.h"
#include "protocol/record/batch.h"
#include "protocol/record/crc32c.h"

namespace penstock::broker {

FetchBudget::FetchBudget(std::uint64_t requested_bytes)
    : limit_(std::clamp<std::uint64_t>(requested_bytes, 1, kMaxAnswerBytes)) {}

std::uint64_t FetchBudget::allowance(std::uint64_t partition_bytes) const {
  if (taken_ >= limit_) return 0;
  return std::clamp<std::uint64_t>(partition_bytes, 1, limit_ - taken_);
}

bool FetchBudget::take(std::uint64_t part_bytes) {
  if (taken_ != 0 && part_bytes > limit_ - std::min(taken_, limit_)) return false;
  taken_ += part_bytes;
  return true;
}

std::uint32_t header_crc(ByteView batches) {
  std::uint32_t crc = 0;
  while (!batches.empty()) {
    const auto size = record::BatchView::total_size(batches);
    PENSTOCK_ASSERT(size && *size <= batches.size(), "storage returns whole, checked batches");
    crc = record::crc32c(batches.first(record::kUncheckedPrefixSize), crc);
    batches = batches.subspan(*size);
  }
  return crc;
}

}  // namespace penstock::broker
