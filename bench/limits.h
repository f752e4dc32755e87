// Limits of the bench, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace penstock::bench {

// The broker refuses larger ones by default, and a load of a few records says nothing.
inline constexpr std::size_t kMaxRecordBytes = 8U << 20;
// A stamp (bench/load_stamp.h) stands in every record of an e2e load.
inline constexpr std::size_t kMinStampedRecordBytes = 24;
// Each producer or consumer brings its own client and two threads; more than this measures the
// scheduler.
inline constexpr std::uint32_t kMaxLoadThreads = 64;
inline constexpr std::uint32_t kMaxPartitions = 2'000;  // the protocol's limit for one topic
inline constexpr double kMaxSeconds = 24 * 3600;
inline constexpr double kMaxRate = 100e6;
// Larger than an L2 cache, so that contents come from memory as an application's would; small
// enough to be made in some milliseconds.
inline constexpr std::size_t kPayloadTextBytes = 8U << 20;

// Per file of the disk floors: enough for one second of the fastest disk that we have seen (1.8
// GB/s); a run ends when the file is full.
inline constexpr std::uint64_t kFloorFileBytes = 2ULL << 30;
// Never take more than this part of what is free on the disk that is measured.
inline constexpr std::uint64_t kFloorDiskShare = 4;
// One write call, as large as the batches that a producer sends by default.
inline constexpr std::size_t kFloorWriteBytes = 256U << 10;
// Buffers of the memory floors: beyond an L2 cache, small against the memory of a small host.
inline constexpr std::size_t kFloorMemoryBytes = 64U << 20;

// What we accept of /proc files and of the broker's metrics page.
inline constexpr std::size_t kMaxProcFileBytes = 4U << 20;
inline constexpr std::size_t kMaxMetricsBytes = 16U << 20;

}  // namespace penstock::bench
