#include "client/partitioner.h"

#include "base/coding.h"

namespace penstock::client {

std::int32_t murmur2(ByteView bytes) {
  constexpr std::uint32_t kSeed = 0x9747b28c;
  constexpr std::uint32_t kMultiplier = 0x5bd1e995;
  constexpr int kShift = 24;

  std::uint32_t hash = kSeed ^ static_cast<std::uint32_t>(bytes.size());
  std::size_t at = 0;
  for (; at + 4 <= bytes.size(); at += 4) {
    std::uint32_t word = load_le<std::uint32_t>(bytes.data() + at);
    word *= kMultiplier;
    word ^= word >> kShift;
    word *= kMultiplier;
    hash = hash * kMultiplier ^ word;
  }
  const auto tail = [&](std::size_t i) { return std::to_integer<std::uint32_t>(bytes[at + i]); };
  switch (bytes.size() - at) {
    case 3:
      hash ^= tail(2) << 16;
      [[fallthrough]];
    case 2:
      hash ^= tail(1) << 8;
      [[fallthrough]];
    case 1:
      hash ^= tail(0);
      hash *= kMultiplier;
      break;
    default:
      break;
  }
  hash ^= hash >> 13;
  hash *= kMultiplier;
  hash ^= hash >> 15;
  return static_cast<std::int32_t>(hash);
}

PartitionId partition_of_key(ByteView key, std::uint32_t partitions) {
  const auto positive = static_cast<std::uint32_t>(murmur2(key)) & 0x7fffffffU;
  return PartitionId(static_cast<std::int32_t>(positive % partitions));
}

}  // namespace penstock::client
