// Bounds of the cluster's metadata, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace penstock::broker {

// A request may address that many partitions at once, so a topic can always be fetched in one.
inline constexpr std::uint32_t kMaxPartitionsPerTopic = 2'000;
// A partition costs about five descriptors and a few KiB of memory: this keeps one broker within
// the usual limit of 65,536 descriptors.
inline constexpr std::uint64_t kMaxPartitionsPerBroker = 10'000;
// A describe of everything still fits into one answer.
inline constexpr std::size_t kMaxTopics = 10'000;
// No name in the settings table is nearly as long; bounds what an error message quotes.
inline constexpr std::size_t kMaxSettingTextBytes = 256;
// One decision is one batch in the metadata log; the largest is a topic with every setting set.
inline constexpr std::size_t kMaxMetadataRecordBytes = 64U << 10;

}  // namespace penstock::broker
