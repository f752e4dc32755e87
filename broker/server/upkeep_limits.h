// Bounds and times of what brokers do by themselves to bring replicas where they are wanted, each
// with its reason.
//
// Threads: constants.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace penstock::broker {

// A shard looks after its replicas this often, and the controller after its brokers ...
inline constexpr std::chrono::milliseconds kUpkeepPeriod{500};
// ... and this often while a step was just taken: most changes need four, of milliseconds each.
inline constexpr std::chrono::milliseconds kBusyUpkeepPeriod{100};
// An election usually concerns many partitions: those of this time are told together.
inline constexpr std::chrono::milliseconds kLeadershipGatherTime{10};
// Leaders say who they are again this often, for whoever has missed it.
inline constexpr std::chrono::milliseconds kAnnouncePeriod{5'000};

// A follower that was heard within this time is live: two election timeouts and some.
inline constexpr std::int64_t kFollowerLiveMs = 2'000;
// One that is at most so many records behind has caught up (raft::Options::max_promotion_lag).
inline constexpr std::int64_t kCaughtUpRecords = 1'000;

// Groups of one shard that copy their log to a new member at a time. Each reads old segments beside
// the clients; moving a thousand replicas must not begin a thousand copies.
inline constexpr std::size_t kMaxCopiesUnderWay = 4;
// Handovers that one look at a shard's partitions begins: producers of each wait for an election.
inline constexpr std::size_t kMaxHandoversPerPass = 20;
// Leadership goes back to the head of the list when that one has been well for so long: in a
// rolling restart the next broker goes down sooner.
inline constexpr std::int64_t kHeadPatienceMs = 10'000;
// After a handover the next one of the same leader waits, each time twice as long: while one is
// tried nothing can be written.
inline constexpr std::int64_t kHandoverPauseMs = 5'000;
inline constexpr std::uint32_t kMaxHandoverDoublings = 6;

// Positions of a log's end that are kept to tell for how long a follower is behind; the older, the
// fewer. So many tell a lag of an hour within a quarter.
inline constexpr std::size_t kMaxEndSamples = 48;

// Every broker has that long to say how its partitions are; who says nothing is told as silent.
inline constexpr std::chrono::milliseconds kStatusTime{2'000};
// An operator's transfer is looked after that long, this often; consensus gives it up sooner.
inline constexpr std::chrono::milliseconds kTransferTime{2'000};
inline constexpr std::chrono::milliseconds kTransferLook{20};

// A voter of the metadata group that is missing for that long is replaced, if somebody can: longer
// than any restart.
inline constexpr std::int64_t kBrokerMissingMs = 30'000;
// Replicas of the whole cluster that are on their way from brokers that drain. The shards pace the
// copies; this keeps a drain that is called off from having moved everything.
inline constexpr std::size_t kMaxDrainMovesUnderWay = 64;
// Of them, begun in one pass: each is a decision on disk.
inline constexpr std::size_t kMaxDrainMovesPerPass = 16;

}  // namespace penstock::broker
