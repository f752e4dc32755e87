// The memory floors.
#include <cstring>

#include "base/clock.h"
#include "bench/floor.h"
#include "bench/limits.h"
#include "protocol/record/crc32c.h"

namespace penstock::bench {
namespace {

// Makes the compiler believe that someone reads the memory, so that no work is left out.
void keep(const void* memory) { asm volatile("" : : "g"(memory) : "memory"); }

template <typename Work>
ThroughputFloor repeat(double seconds, std::uint64_t bytes_each, std::uint64_t operations_each,
                       Work work) {
  work();  // page faults and cold code are not the floor
  ThroughputFloor floor;
  const std::int64_t start = system_clock().steady_ns();
  const auto limit_ns = static_cast<std::int64_t>(seconds * 1e9);
  std::int64_t now = start;
  while (now - start < limit_ns) {
    work();
    floor.bytes += bytes_each;
    floor.operations += operations_each;
    now = system_clock().steady_ns();
  }
  floor.seconds = static_cast<double>(now - start) / 1e9;
  return floor;
}

}  // namespace

ThroughputFloor memory_copy_floor(const FloorOptions& options) {
  const Bytes from(kFloorMemoryBytes, std::byte{1});
  Bytes to(kFloorMemoryBytes);
  return repeat(options.seconds, from.size(), 1, [&] {
    std::memcpy(to.data(), from.data(), from.size());
    keep(to.data());
  });
}

ThroughputFloor crc32c_floor(const FloorOptions& options, std::size_t block_bytes) {
  const Bytes from(kFloorMemoryBytes / block_bytes * block_bytes, std::byte{1});
  return repeat(options.seconds, from.size(), from.size() / block_bytes, [&] {
    std::uint32_t sum = 0;
    for (std::size_t at = 0; at < from.size(); at += block_bytes) {
      sum ^= record::crc32c(ByteView(from).subspan(at, block_bytes));
    }
    keep(&sum);
  });
}

}  // namespace penstock::bench
