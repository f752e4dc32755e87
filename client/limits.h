// Every fixed limit of the client, with its reason. What users tune is in config.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace penstock::client {

// A protocol limit: partitions named by one produce or fetch request, queries of one ListOffsets.
inline constexpr std::size_t kMaxPartitionsPerRequest = 2'000;

// A protocol limit: names in one DescribeTopics request.
inline constexpr std::size_t kMaxTopicsPerRequest = 1'000;

// Parts of requests that a numbered producer has under way for one partition: enough to fill a
// round trip; the broker sorts out what comes in the wrong order.
inline constexpr std::size_t kMaxPartsInFlight = 5;

// Frame header and protobuf header of a produce request, at most 2,000 partitions of less than 64
// bytes each: what is subtracted from the broker's largest frame to know what batches may weigh.
inline constexpr std::size_t kRequestOverheadBytes = 160U << 10;

// Fetches under way to one broker. More than one, so that a long poll for partitions that are at
// their end does not hold up partitions that became ready for fetching meanwhile; few, because each
// one holds a part of the memory limit.
inline constexpr std::size_t kMaxFetchesPerBroker = 4;

// A fetch asks for at least this much of a partition: below it, requests cost more than bytes.
inline constexpr std::size_t kMinFetchBytes = 64U << 10;

// Pause before asking again for partitions of which the broker said "nothing new" without waiting
// as long as it was asked to: a broker that cannot wait must not turn into a loop.
inline constexpr std::chrono::milliseconds kEmptyFetchPause{10};

// Fetches of the same bytes that fail their checksums before the partition is given up: damage on
// the way heals, damage on disk does not.
inline constexpr std::uint32_t kMaxChecksumRetries = 2;

// What one poll() returns at most: the application holds that much beyond the consumer's memory
// limit, while the prefetch goes on behind it.
inline constexpr std::size_t kMaxPollBytes = 16U << 20;

// Assigned partitions of one consumer: bounds what one consumer's bookkeeping costs (about 300
// bytes each).
inline constexpr std::size_t kMaxAssignedPartitions = 100'000;

// Each open batch costs this much beyond its records: the builder, the ledger and the queue.
inline constexpr std::size_t kBatchOverheadBytes = 512;

// A record that waits for its outcome costs this much beside its bytes: its tag.
inline constexpr std::size_t kRecordOverheadBytes = sizeof(std::uint64_t);

// Longest time that a setting may name (a year): sums of points in time and settings stay far from
// the end of the clock.
inline constexpr std::chrono::milliseconds kMaxSettingTime = std::chrono::hours(24 * 365);

// With several addresses to begin with, each gets that much of a head start before the next is
// tried too: a machine that hangs must not cost the whole connect_timeout.
inline constexpr std::chrono::milliseconds kBootstrapHeadStart{500};

// A broker that does not answer a question which any broker can answer is left for the next one
// after that long: longer than a busy broker takes, shorter than anybody likes to wait.
inline constexpr std::chrono::milliseconds kAskPatience{1'000};
// The same when the others are only asked whether they know a topic that one does not know.
inline constexpr std::chrono::milliseconds kConfirmPatience{500};

// A broker that is asked for a producer's number waits for the controller; one that takes longer
// than most elections is left for the next one.
inline constexpr std::chrono::milliseconds kIdentityPatience{3'000};

// A leader that lets a request wait for that long may be gone, whatever its connection says: other
// brokers are asked who leads now. Elections take about that long, so asking earlier is of no use.
inline constexpr std::chrono::milliseconds kSilencePatience{1'000};

// Longest pause between two questions for a leader while something waits for one: a cluster elects
// within a second or two, and what waits should go on soon afterwards.
inline constexpr std::chrono::milliseconds kMaxLeaderSearchPause{250};

// A request to one leader that shall be tried again elsewhere within the same call (offsets, delete
// records) takes at most this part of request_timeout.
inline constexpr int kAttemptsPerCall = 4;

// A replica that failed is left alone for that long; the leader is read instead.
inline constexpr std::chrono::milliseconds kReplicaPenalty{30'000};
// A replica that has nothing new for that long may be cut off: the leader is asked once.
inline constexpr std::chrono::milliseconds kReplicaQuietTime{5'000};

// A position that reading has reached lies behind the end of the log that a new leader knows, for
// as long as it takes that to learn what is committed. Beyond this, it is told as an error.
inline constexpr std::chrono::milliseconds kBehindEndPatience{10'000};

// What the coordinator takes for a session and for the time between two polls (broker/group).
inline constexpr std::chrono::milliseconds kMinSessionTimeout{1'000};
inline constexpr std::chrono::milliseconds kMaxSessionTimeout = std::chrono::minutes(30);
inline constexpr std::chrono::milliseconds kMaxPollInterval = std::chrono::hours(24 * 7);
// Heartbeats of a member within its session: some may be lost, or wait for a new coordinator.
inline constexpr int kHeartbeatsPerSession = 6;
// ... and while partitions are on their way between members, who wait for each other.
inline constexpr std::chrono::milliseconds kMovingHeartbeatInterval{250};
// Longest pause after heartbeats that failed: a new coordinator is elected within seconds.
inline constexpr std::chrono::milliseconds kMaxHeartbeatPause{500};
// A partition whose topic is not known (yet) is looked up again after that long.
inline constexpr std::chrono::milliseconds kPreparePause{250};
// Who closes tells the coordinator for that long; later its session ends by itself.
inline constexpr std::chrono::milliseconds kLeaveTime{5'000};

// A protocol limit: ends of logs that one DescribeGroup may tell.
inline constexpr int kMaxLogEndsPerRequest = 10'000;

// close() waits that long for connections to end in good order; the peer may be gone.
inline constexpr std::chrono::milliseconds kCloseGrace{1'000};

}  // namespace penstock::client
