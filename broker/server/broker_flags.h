// The flags of penstockd as one table: main() defines them from it, --help and
// docs/CONFIGURATION.md show it.
#pragma once

#include <array>
#include <string_view>

namespace penstock::broker {

// X(type, name, default, default as shown, meaning)
#define PENSTOCKD_FLAG_TABLE(X)                                                                    \
  X(string, data_dir, "", "required", "Folder that holds everything; created when it is missing.") \
  X(string, listen, "127.0.0.1:7333", "127.0.0.1:7333",                                            \
    "Address for clients, host:port. Port 0 takes any free one.")                                  \
  X(string, metrics_listen, "127.0.0.1:7334", "127.0.0.1:7334",                                    \
    "Address of the HTTP port with /metrics and /health.")                                         \
  X(string, advertise, "", "the address that the client used",                                     \
    "Address that clients are told to reach this broker at, host:port.")                           \
  X(uint32, shards, 0, "0",                                                                        \
    "Threads that serve partitions, each with its own event loop. 0: two, or one on up to 3 "      \
    "cores.")                                                                                      \
  X(uint32, disk_threads, 4, "4",                                                                  \
    "Threads that wait for the disk; half of them flush, half read and keep house.")               \
  X(uint32, memory_limit_mb, 512, "512",                                                           \
    "Memory for requests and answers together, in MiB; further requests wait.")                    \
  X(uint32, disk_reserve_mb, 256, "256",                                                           \
    "Free space, in MiB, below which producers are refused while everything else goes on. At "     \
    "most "                                                                                        \
    "5 % of the disk is used for it.")                                                             \
  X(string, log_level, "info", "info", "trace, debug, info, warn, error or off.")                  \
  X(string, port_file, "", "none",                                                                 \
    "File to write the ports into once they are open: \"CLIENT_PORT METRICS_PORT\".")              \
  X(bool, insecure_i_know, false, "false",                                                         \
    "Allow listening beyond this machine although there is no authentication yet.")

struct BrokerFlag {
  std::string_view name;
  std::string_view default_text;
  std::string_view meaning;
};

inline constexpr auto kBrokerFlags = std::to_array<BrokerFlag>({
#define PENSTOCKD_FLAG_ROW(type, name, value, shown, meaning) BrokerFlag{#name, shown, meaning},
    PENSTOCKD_FLAG_TABLE(PENSTOCKD_FLAG_ROW)
#undef PENSTOCKD_FLAG_ROW
});

// Exit codes of penstockd.
struct ExitCode {
  int code;
  std::string_view meaning;
};
inline constexpr int kExitStopped = 0;
inline constexpr int kExitCannotStart = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitDiskFailed = 3;
inline constexpr auto kExitCodes = std::to_array<ExitCode>({
    {kExitStopped, "stopped as asked, everything is on disk"},
    {kExitCannotStart, "could not start; the last line of the log says why and what to do"},
    {kExitUsage, "a flag is unknown or wrong"},
    {kExitDiskFailed,
     "a flush or a write to the disk failed; what was acknowledged is on disk, what was not is "
     "unknown. Check the disk, then start again: recovery reads what the disk really holds"},
});

}  // namespace penstock::broker
