// Bounds of consumer groups, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace penstock::group {

// Of one coordinator, which is one partition of the topic that holds groups. A snapshot of that
// many is some megabytes.
inline constexpr std::size_t kMaxGroups = 10'000;
// Each sends a heartbeat every few seconds.
inline constexpr std::size_t kMaxMembers = 20'000;
inline constexpr std::size_t kMaxPositions = 200'000;

// A change of members makes a new target, whose record names each of them.
inline constexpr std::size_t kMaxMembersPerGroup = 1'000;
// Keeps the record of a target below kMaxGroupRecordBytes.
inline constexpr std::size_t kMaxPartitionsPerGroup = 10'000;
inline constexpr std::size_t kMaxPositionsPerGroup = 20'000;
inline constexpr std::size_t kMaxTopicsPerSubscription = 1'000;

// As many as a request may address.
inline constexpr std::size_t kMaxPartitionsPerCommit = 2'000;
// What is removed or set by one decision; the rest by the next one.
inline constexpr std::size_t kMaxPositionsPerStep = kMaxPartitionsPerCommit;
// A position with its text is a note, not a store.
inline constexpr std::size_t kMaxPositionTextBytes = 1'024;
inline constexpr std::size_t kMaxCommitTextBytes = 256U << 10;

// Names of groups and instances, as those of topics.
inline constexpr std::size_t kMaxNameBytes = 249;
inline constexpr std::size_t kMaxClientNameBytes = 256;
// Longest host name of the domain name system.
inline constexpr std::size_t kMaxHostBytes = 255;
inline constexpr std::size_t kMaxRackBytes = 64;
// It is matched against every topic's name.
inline constexpr std::size_t kMaxPatternBytes = 256;

// Shorter ones declare members dead whenever a disk is slow.
inline constexpr std::int32_t kMinSessionTimeoutMs = 1'000;
inline constexpr std::int32_t kMaxSessionTimeoutMs = 30 * 60'000;
// 0 is no limit at all; whoever needs more than a week needs none.
inline constexpr std::int32_t kMaxPollIntervalMs = 7 * 24 * 3'600'000;

// One decision is one batch, and a batch of the log's default size has to hold it.
inline constexpr std::size_t kMaxDecisionBytes = 1U << 20;
inline constexpr std::size_t kMaxGroupRecordBytes = 512U << 10;
static_assert(kMaxPartitionsPerCommit * (2 * 20 + kMaxNameBytes + 16 + 5 + 8 + 4 + 8) +
                      kMaxCommitTextBytes <
                  kMaxDecisionBytes,
              "a commit of everything is one batch: framing, keys, fields and texts");
static_assert(kMaxPartitionsPerGroup * (16 + 5 + 5) + kMaxMembersPerGroup * (16 + 5) <
                  kMaxGroupRecordBytes,
              "a target: every partition of a topic of its own, at worst");
static_assert(kMaxTopicsPerSubscription * (kMaxNameBytes + 2) < kMaxGroupRecordBytes,
              "a member with its topics");

}  // namespace penstock::group
