// Bounds of the cluster's metadata, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace penstock::broker {

// A request may address that many partitions at once, so a topic can always be fetched in one.
inline constexpr std::uint32_t kMaxPartitionsPerTopic = 2'000;
// A replica costs about five descriptors and a few KiB of memory: this keeps one broker within the
// usual limit of 65,536 descriptors.
inline constexpr std::uint64_t kMaxPartitionsPerBroker = 10'000;
// A snapshot of the metadata of that many, with three replicas each, is about five megabytes: far
// from the largest frame.
inline constexpr std::uint64_t kMaxPartitions = 100'000;
// A describe of everything still fits into one answer.
inline constexpr std::size_t kMaxTopics = 10'000;
// Deleted topics are remembered until every broker has removed their files. Bounds the metadata
// while a broker is away and topics come and go.
inline constexpr std::size_t kMaxDeletedTopics = 100'000;
// Every broker talks to every other one; beyond that many, heartbeats alone are a load. Dead ones
// count until they are removed.
inline constexpr std::size_t kMaxBrokers = 100;
// Brokers that vote about metadata; all others follow.
inline constexpr std::size_t kMaxMetadataVoters = 5;
// Three survive one failure and five survive two; more only cost.
inline constexpr std::uint32_t kMaxReplicationFactor = 7;
// What a topic gets that does not say, when the cluster has that many brokers.
inline constexpr std::uint32_t kDefaultReplicationFactor = 3;
// Longest host name of the domain name system.
inline constexpr std::size_t kMaxHostBytes = 255;
// A rack is a word or two.
inline constexpr std::size_t kMaxRackBytes = 64;
// No name in the settings table is nearly as long; bounds what an error message quotes.
inline constexpr std::size_t kMaxSettingTextBytes = 256;
// Numbers of producers that a broker takes at a time: a record of metadata for a million processes
// that begin to write, and what is lost when a broker is restarted does not matter among 2^63.
inline constexpr std::uint32_t kMaxProducerIdBlock = 1'000'000;
// A program and its number, or a host and a path.
inline constexpr std::size_t kMaxProducerNameBytes = 128;
// Named producers are remembered until they are forgotten on purpose: in a snapshot of the largest
// cluster there is room for that many.
inline constexpr std::size_t kMaxNamedProducers = 10'000;
// One decision is one batch in the metadata log; the largest places every partition of a topic.
inline constexpr std::size_t kMaxMetadataRecordBytes = 128U << 10;
static_assert(kMaxPartitionsPerTopic * (kMaxReplicationFactor + 2) * 5 < kMaxMetadataRecordBytes,
              "partition number, count and node numbers of at most five bytes");

}  // namespace penstock::broker
