// Bounds of the broker process, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "broker/controller/limits.h"

namespace penstock::broker {

// Partitions, queries or ranges that one request may name (docs/protocol.md).
inline constexpr int kMaxPartitionsPerRequest = 2'000;
// Names that one DescribeTopics may ask for (docs/protocol.md).
inline constexpr int kMaxTopicsPerRequest = 1'000;
// Settings in one CreateTopic or AlterTopic: far more than there are.
inline constexpr int kMaxSettingsPerRequest = 100;

// Partitions of the topic that holds consumer groups: that many coordinators, which share the work
// and the brokers. It never changes, because a group's name is hashed to one of them.
inline constexpr std::uint32_t kOffsetsPartitions = 8;
// Its replicas, where there are as many brokers when it is made.
inline constexpr std::uint32_t kOffsetsReplicas = 3;
// Its segments: many small records, of which there are few per second.
inline constexpr std::uint64_t kOffsetsSegmentBytes = 64U << 20;
// Heartbeats and commits that wait for the one that is on its way to a majority; members send one
// at a time, so that is a few thousand members in the moment after a new leader was elected.
inline constexpr std::size_t kMaxQueuedGroupCommands = 4'096;
// Dead members and changed topics are looked for this often while there are members: short beside
// the shortest session.
inline constexpr std::chrono::milliseconds kGroupTickPeriod{200};
// Patterns of topics whose matches are kept; with more, they are looked for again.
inline constexpr std::size_t kMaxPatternsKept = 256;
// What one answer tells of a log's end when a group is explained.
inline constexpr int kMaxLogEndsPerRequest = 10'000;

// Largest frame of a client: the largest batch (9 MiB) with room for several smaller ones.
inline constexpr std::uint64_t kMaxFrameBytes = 16U << 20;

// Shards beyond the cores of any machine this is meant for would only cost memory.
inline constexpr std::uint32_t kMaxShards = 64;
inline constexpr std::uint32_t kMaxDiskThreads = 64;
// A quarter of the memory limit must hold at least one largest frame on every shard of a small
// machine.
inline constexpr std::uint64_t kMinMemoryLimitBytes = 256U << 20;

// Of the descriptors that the process may have, connections get one in so many: however many
// clients come, the logs can still open their next segments.
inline constexpr std::uint64_t kConnectionDescriptorsDivisor = 2;
// Connections of one shard, however many descriptors there are: 16 KiB of buffer each.
inline constexpr std::uint64_t kMaxConnectionsPerShard = 10'000;

// Segments of the metadata log: small, because its snapshots keep it short.
inline constexpr std::uint64_t kMetadataSegmentBytes = 16U << 20;

// One question to a seed while joining, and the pause before all are asked again.
inline constexpr std::chrono::milliseconds kJoinTime{3'000};
inline constexpr std::chrono::milliseconds kJoinPause{300};
// A broker that finds no cluster says so this often.
inline constexpr std::chrono::milliseconds kJoinWordPeriod{5'000};
// A broker whose registration is not answered asks again.
inline constexpr std::chrono::milliseconds kRegisterPause{500};
// Seeds in the flag: a few brokers are enough to find all.
inline constexpr std::size_t kMaxSeeds = 16;
// All brokers are asked within that time whether they know of idempotent producers.
inline constexpr std::chrono::milliseconds kAskReleaseTime{2'000};
// Numbers that a controller takes at a time: a record of metadata for that many processes.
inline constexpr std::uint32_t kProducerIdBlock = 1'000;
static_assert(kProducerIdBlock <= kMaxProducerIdBlock);
// A request that needs the controller waits that long for there to be one: some elections.
inline constexpr std::chrono::milliseconds kControllerTime{5'000};
// ... and looks that often whether there is.
inline constexpr std::chrono::milliseconds kControllerPause{50};
// A request that was handed on: longer than the controller waits for its own disk and majority.
inline constexpr std::chrono::milliseconds kForwardTime{60'000};
// Opening a topic's two thousand partitions on a slow disk.
inline constexpr std::chrono::milliseconds kPlacingTime{50'000};
// The broker that handed a request on waits at most that long until it has heard the outcome.
inline constexpr std::chrono::milliseconds kHearOutcomeTime{3'000};
// A broker that has removed what it had of a deleted topic tells the controller until it is heard.
inline constexpr std::chrono::milliseconds kForgetPause{2'000};
// What a start may have to write: a few small files, and some room in the metadata log, which
// begins with 64 KiB (storage/limits.h).
inline constexpr std::uint64_t kStartReserveBytes = 1U << 20;
inline constexpr std::uint64_t kLeastStartReserveBytes = 64U << 10;
// On a full disk, a broker tries that often to note what was placed.
inline constexpr std::chrono::milliseconds kMarkPause{5'000};
// A replica that was placed elsewhere stays in trash that long, unless the disk is full: time to
// notice that something was moved by mistake.
inline constexpr std::chrono::milliseconds kTrashTime = std::chrono::hours(1);
// Leadership is handed over when a broker stops; what is not taken within that time is elected.
inline constexpr std::chrono::milliseconds kHandOverTime{2'000};
inline constexpr std::chrono::milliseconds kHandOverPause{5};

// Share of the memory limit that requests may hold while they are read and carried out; the rest is
// for answers on their way out, indexes and everything small.
inline constexpr std::uint64_t kRequestMemoryDivisor = 4;

// Longest time a fetch may wait for records: well below the time after which middleboxes and
// clients take a silent connection for dead.
inline constexpr std::chrono::milliseconds kMaxFetchWait{60'000};

// A produce request that does not say how long it may wait for its durability.
inline constexpr std::chrono::milliseconds kDefaultProduceTimeout{30'000};
// Produce requests over their time are looked for this often, while there are any under way.
inline constexpr std::chrono::milliseconds kProduceTimeoutPeriod{1'000};

// Retention, disk space and memory are looked after this often. Nothing that a request waits for.
inline constexpr std::chrono::milliseconds kHousekeepingPeriod{5'000};

// Time that requests under way get when the broker is told to stop.
inline constexpr std::chrono::milliseconds kDrainTime{10'000};

// Threads that open partitions, at start or of a new topic: they mostly wait for the disk.
inline constexpr std::size_t kOpeningThreads = 4;

// Metrics listener: a scrape is one small request; anything else is not for us.
inline constexpr std::size_t kMaxHttpRequestBytes = 8U << 10;
inline constexpr std::size_t kMaxHttpConnections = 32;
inline constexpr std::chrono::milliseconds kHttpTimeout{5'000};

}  // namespace penstock::broker
