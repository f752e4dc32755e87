// What a remembered producer costs, counted where memory comes from.
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <new>

#include "tests/broker/producers/batches.h"

namespace {
std::int64_t live_bytes = 0;
}  // namespace

void* operator new(std::size_t size) {
  void* const memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  live_bytes += static_cast<std::int64_t>(malloc_usable_size(memory)) + 8;  // and the allocator's
  return memory;
}
void operator delete(void* memory) noexcept {
  if (memory == nullptr) return;
  live_bytes -= static_cast<std::int64_t>(malloc_usable_size(memory)) + 8;
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

namespace penstock::broker {
namespace {

// `batches` of each producer, none beside another one of the same.
std::int64_t bytes_per_producer(std::int64_t producers, std::int32_t batches) {
  const std::int64_t before = live_bytes;
  TestLog log;
  for (std::int32_t batch = 0; batch < batches; ++batch) {
    for (std::int64_t id = 0; id < producers; ++id) log.append({id, 0, 10 * batch, 10});
    log.commit();
  }
  EXPECT_EQ(log.table.producers().size(), static_cast<std::size_t>(producers));
  return (live_bytes - before) / producers;
}

TEST(ProducerMemory, IsAsSmallAsDocumented) {
  const std::int64_t one = bytes_per_producer(kMaxProducersPerPartition, 1);
  const std::int64_t most = bytes_per_producer(kMaxProducersPerPartition, 40);
  TestLog log;
  for (std::int32_t batch = 0; batch < 40; ++batch) {
    for (std::int64_t id = 0; id < std::int64_t{kMaxProducersPerPartition}; ++id) {
      log.append({id, 0, 10 * batch, 10});
    }
    log.commit();
  }
  const std::size_t snapshot = log.table.snapshot(kPartition).size();
  std::printf(
      "PRODUCERMEMORY producers=%zu bytes_each_one_run=%ld bytes_each_most_runs=%ld "
      "largest_snapshot_bytes=%zu\n",
      kMaxProducersPerPartition, one, most, snapshot);
  EXPECT_LT(one, 200);
  EXPECT_LT(most, 480);
  EXPECT_LE(snapshot, kMaxProducerSnapshotBytes);
  EXPECT_TRUE(ProducerTable::restore(log.table.snapshot(kPartition), kPartition));
}

}  // namespace
}  // namespace penstock::broker
