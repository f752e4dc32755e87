// The command line's named limits and their reasons.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace penstock::tools {

// One line, CSV row or value that `produce` reads; the producer's own limit of a record, so that
// nothing is read that could never be sent.
inline constexpr std::size_t kMaxInputRecordBytes = 8U << 20;
// What is read from the input at once: large enough that the system call does not show.
inline constexpr std::size_t kInputBlockBytes = 256U << 10;
// What `consume` collects before it writes: as above; flushed early whenever no record is waiting.
inline constexpr std::size_t kOutputBlockBytes = 256U << 10;
// Columns of a table are cut there, so that one long value does not make every row unreadable.
inline constexpr std::size_t kMaxCellWidth = 60;
// A redrawn progress line costs a terminal write; ten a second look smooth.
inline constexpr std::chrono::milliseconds kProgressInterval{100};
// While the input is idle, `produce` looks that often for records that were refused meanwhile.
inline constexpr std::chrono::milliseconds kIdleCheckInterval{250};
// Longest --delivery_timeout_s: an hour of a broker away; beyond it, start again with --from_line.
inline constexpr std::int64_t kMaxDeliveryTimeoutS = 3600;
// How long `produce` waits for the outcome of what it has sent after Ctrl-C: somebody is waiting in
// front of the terminal.
inline constexpr std::chrono::seconds kInterruptedFlushTimeout{10};
// One wait for records; Ctrl-C is looked at in between.
inline constexpr std::chrono::milliseconds kConsumeWait{200};
// `up`: how long a broker may take until it answers (recovery of a large log included).
inline constexpr std::chrono::seconds kBrokerStartTimeout{60};
// `up` and `down`: how long a process may take to drain before it is killed.
inline constexpr std::chrono::seconds kDrainTimeout{30};
// `up`: pause before a worker that died is started again; doubles up to the second figure.
inline constexpr std::chrono::milliseconds kRestartBackoff{500};
inline constexpr std::chrono::milliseconds kRestartBackoffMax{30'000};
// A log file of `up` that is larger than this is put aside at the next start.
inline constexpr std::uintmax_t kMaxLogBytes = 64U << 20;
// Bad lines of an input that are shown; more would only scroll the first one away.
inline constexpr std::uint64_t kMaxReportedBadLines = 5;
// `cluster health`: findings of one kind that are shown; a thousand lines say no more than twenty.
inline constexpr std::size_t kMaxFindingsOfAKind = 20;
// `cluster ... --wait`: how often brokers are asked how far they are; each is asked for all it
// leads.
inline constexpr std::chrono::milliseconds kClusterPollInterval{500};
// `cluster status --watch`: as fast as eyes compare.
inline constexpr std::chrono::milliseconds kWatchInterval{2'000};
// `group describe`: partitions whose first unread record is looked at, to say how old it is; one
// batch of each is fetched.
inline constexpr std::size_t kMaxAgesLookedUp = 1'000;
// ... and for how long; what has not come by then is not told.
inline constexpr std::chrono::milliseconds kAgeLookupTime{3'000};
inline constexpr std::chrono::milliseconds kAgeLookupPoll{100};
// `up --brokers`: more on one machine is a test of the machine.
inline constexpr std::int64_t kMaxLocalBrokers = 15;

}  // namespace penstock::tools
