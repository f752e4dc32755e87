// The flags of penstock-worker as one table: main() defines them from it, --help and
// docs/CONFIGURATION.md show it.
#pragma once

#include <array>

#include "base/command_line.h"

namespace penstock::archiver {

// X(type, name, value, default, default as shown, meaning)
#define PENSTOCK_WORKER_FLAG_TABLE(X)                                                           \
  X(string, archive_dir, "DIR", "", "required",                                                 \
    "Folder of the archive; created when it is missing.")                                       \
  X(string, bootstrap, "HOST:PORT", "127.0.0.1:7333", "127.0.0.1:7333",                         \
    "Brokers to begin with, separated by commas. One that is not there yet is waited for.")     \
  X(string, topics, "NAMES", "", "all, also those to come",                                     \
    "Topics to archive, separated by commas.")                                                  \
  X(bool, once, "", false, "false",                                                             \
    "Archive what the log holds now, then end; exit code 1 when a partition could not be.")     \
  X(uint64, archive_chunk_mb, "MIB", 64, "64",                                                  \
    "Size of a partition's batches, in MiB, at which an object is closed.")                     \
  X(uint64, archive_chunk_records, "N", 1'000'000, "1000000",                                   \
    "Number of records at which an object is closed.")                                          \
  X(uint64, archive_interval_s, "S", 60, "60",                                                  \
    "Seconds that a record waits at most until its object is closed, however quiet its topic.") \
  X(uint64, memory_limit_mb, "MIB", 512, "512",                                                 \
    "Memory for fetching and for writing Parquet, in MiB.")                                     \
  X(uint64, spool_limit_mb, "MIB", 2048, "2048",                                                \
    "Disk, in MiB, for records that wait for their object; beyond it the largest is closed.")   \
  X(string, work_dir, "DIR", "", "inside the archive", "Folder for files under way.")           \
  X(bool, flush_on_shutdown, "", false, "false",                                                \
    "On SIGTERM, archive what waits; otherwise it is read again after the next start.")         \
  X(string, log_level, "LEVEL", "info", "info", "trace, debug, info, warn, error or off.")

inline constexpr auto kWorkerFlags =
    std::to_array<ProgramFlag>({PENSTOCK_WORKER_FLAG_TABLE(PENSTOCK_FLAG_ROW)});

inline constexpr int kExitStopped = 0;
inline constexpr int kExitFailed = 1;
inline constexpr auto kWorkerExits = std::to_array<ProgramExit>({
    {kExitStopped, "stopped as asked, or --once is done; the archive is whole either way"},
    {kExitFailed,
     "could not start or go on, or --once could not archive everything; the last lines say why"},
    {kExitUsage, "the command or a flag is unknown or wrong"},
});

inline constexpr auto kWorkerCommands = std::to_array<ProgramCommand>(
    {{"archive", "keep the archive of topics up with their logs, until SIGTERM"}});

inline constexpr Program kWorkerProgram{
    .name = "penstock-worker",
    .version = PENSTOCK_VERSION,
    .summary = "the pipeline's worker: copies topics into an archive of Parquet files",
    .usage = "archive --archive_dir=DIR [--flag=value ...]",
    .flags = kWorkerFlags,
    .exits = kWorkerExits,
    .commands = kWorkerCommands};

}  // namespace penstock::archiver
