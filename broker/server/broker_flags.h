// The flags of penstockd as one table: main() defines them from it, --help and
// docs/CONFIGURATION.md show it; and from their values to a config.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/command_line.h"
#include "base/result.h"
#include "broker/server/broker_config.h"

namespace penstock::broker {

// X(type, name, value, default, default as shown, meaning)
#define PENSTOCKD_FLAG_TABLE(X)                                                                    \
  X(string, data_dir, "DIR", "", "required",                                                       \
    "Folder that holds everything; created when it is missing.")                                   \
  X(string, listen, "HOST:PORT", "127.0.0.1:7333", "127.0.0.1:7333",                               \
    "Address for clients, host:port. Port 0 takes any free one.")                                  \
  X(string, metrics_listen, "HOST:PORT", "127.0.0.1:7334", "127.0.0.1:7334",                       \
    "Address of the HTTP port with /metrics and /health.")                                         \
  X(string, advertise, "HOST:PORT", "", "the address that the client used",                        \
    "Address that clients are told to reach this broker at, host:port.")                           \
  X(string, cluster_seed, "HOST:PORT,...", "", "none",                                             \
    "Brokers of the cluster to join, when the folder is empty. Without it an empty folder "        \
    "begins a cluster, and so it does when the first one named is this broker and no other "       \
    "one answers: the same flags may be given to all.")                                            \
  X(string, rack, "NAME", "", "none", "Where this broker stands; replicas are spread over racks.") \
  X(uint32, shards, "N", 0, "0",                                                                   \
    "Threads that serve partitions, each with its own event loop. 0: two, or one on up to 3 "      \
    "cores.")                                                                                      \
  X(uint32, disk_threads, "N", 4, "4",                                                             \
    "Threads that wait for the disk; half of them flush, half read and keep house.")               \
  X(uint32, memory_limit_mb, "MIB", 512, "512",                                                    \
    "Memory for requests and answers together, in MiB; further requests wait.")                    \
  X(uint32, disk_reserve_mb, "MIB", 256, "256",                                                    \
    "Free space, in MiB, below which producers are refused while everything else goes on. "        \
    "At most 5 % of the disk is used for it.")                                                     \
  X(uint32, catch_up_mb_per_s, "MIB", 16, "16",                                                    \
    "Pace, in MiB a second, at which replicas that are far behind are sent what they lack while "  \
    "producers write; twice the producers' own rate when that is more. 0: no limit.")              \
  X(uint32, compaction_mb_per_s, "MIB", 16, "16",                                                  \
    "Pace, in MiB a second read and written, at which topics with cleanup=compact are compacted.") \
  X(uint32, compaction_memory_mb, "MIB", 128, "128",                                               \
    "Memory, in MiB, for the keys of the records that passes of compaction look at; what does "    \
    "not fit waits for the next pass. 24 bytes a key, and a third more.")                          \
  X(string, log_level, "LEVEL", "info", "info", "trace, debug, info, warn, error or off.")         \
  X(string, port_file, "FILE", "", "none",                                                         \
    "File to write the ports into once they are open: \"CLIENT_PORT METRICS_PORT\".")              \
  X(bool, insecure_i_know, "", false, "false",                                                     \
    "Allow listening beyond this machine although there is no authentication yet.")

inline constexpr auto kBrokerFlags =
    std::to_array<ProgramFlag>({PENSTOCKD_FLAG_TABLE(PENSTOCK_FLAG_ROW)});

// Values of the flags as gflags read them.
struct FlagValues {
  std::string data_dir;
  std::string listen;
  std::string metrics_listen;
  std::string advertise;
  std::string cluster_seed;
  std::string rack;
  std::uint32_t shards = 0;
  std::uint32_t disk_threads = 0;
  std::uint32_t memory_limit_mb = 0;
  std::uint32_t disk_reserve_mb = 0;
  std::uint32_t catch_up_mb_per_s = 0;
  std::uint32_t compaction_mb_per_s = 0;
  std::uint32_t compaction_memory_mb = 0;
  bool insecure_i_know = false;
};

// kInvalidArgument names the flag.
Result<BrokerConfig> config_from(const FlagValues& flags);

inline constexpr int kExitStopped = 0;
inline constexpr int kExitCannotStart = 1;
inline constexpr int kExitDiskFailed = 3;
inline constexpr auto kBrokerExits = std::to_array<ProgramExit>({
    {kExitStopped, "stopped as asked, everything is on disk"},
    {kExitCannotStart, "could not start; the last line of the log says why and what to do"},
    {kExitUsage, "a flag is unknown or wrong"},
    {kExitDiskFailed,
     "a flush or a write to the disk failed; what was acknowledged is on disk, what was not is "
     "unknown. Check the disk, then start again: recovery reads what the disk really holds"},
});

inline constexpr Program kBrokerProgram{
    .name = "penstockd",
    .version = PENSTOCK_VERSION,
    .summary = "keeps topics of records in a data directory and serves them to clients",
    .usage = "--data_dir=DIR [--flag=value ...]",
    .flags = kBrokerFlags,
    .exits = kBrokerExits};

}  // namespace penstock::broker
