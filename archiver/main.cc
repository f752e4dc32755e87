// penstock-worker: the pipeline's worker. `penstock-worker archive` keeps the archive of topics up
// with their logs.
#include <gflags/gflags.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "archiver/archive_worker.h"
#include "archiver/client_source.h"
#include "archiver/limits.h"
#include "archiver/object_store.h"
#include "base/clock.h"
#include "base/log.h"
#include "client/client.h"

DEFINE_string(bootstrap, "127.0.0.1:7333", "brokers to begin with, comma-separated host:port");
DEFINE_string(archive_dir, "", "folder of the archive; created if need be");
DEFINE_string(topics, "", "topics to archive, comma-separated; empty: all, also those to come");
DEFINE_bool(once, false, "archive what the log holds now, then end");
DEFINE_uint64(archive_chunk_mb, 64, "close an object when it holds that many MiB of batches");
DEFINE_uint64(archive_chunk_records, 1'000'000, "close an object when it holds that many records");
DEFINE_uint64(archive_interval_s, 60, "close an object when its first record waits that long");
DEFINE_uint64(memory_limit_mb, 512, "memory for fetching and for writing Parquet");
DEFINE_uint64(spool_limit_mb, 2048, "disk for records that wait for their object");
DEFINE_string(work_dir, "", "folder for files under way; empty: inside the archive");
DEFINE_bool(flush_on_shutdown, false,
            "on SIGTERM, archive what waits; otherwise it is read again after the next start");
DEFINE_string(log_level, "info", "trace, debug, info, warn, error or off");

namespace GFLAGS_NAMESPACE {
// Exported by the library to be set, but declared in none of its headers.
extern void (*gflags_exitfunc)(int);
}  // namespace GFLAGS_NAMESPACE

namespace penstock::archiver {
namespace {

// Share of the memory limit that goes to fetching; the rest is the SQL engine's.
constexpr std::uint64_t kFetchShare = 4;
constexpr std::uint64_t kMinMemoryMb = kMinWorkerSqlMb * kFetchShare / (kFetchShare - 1) + 1;
// A longer interval is out of range all the same.
constexpr std::uint64_t kOverMaxAgeMs = kMaxChunkAgeMs + 1;
constexpr std::chrono::milliseconds kPauseSlice{100};
constexpr std::chrono::milliseconds kConnectRetry{1'000};
constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;
constexpr const char* kUsage =
    "usage: penstock-worker archive --archive_dir=DIR [--bootstrap=HOST:PORT] [--topics=a,b] "
    "[--once]\nRun with --help for all flags.\n";

std::atomic<bool> stop_asked{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set in a signal handler");

void ask_to_stop(int) { stop_asked.store(true); }

void pause(std::chrono::milliseconds left) {
  for (; left.count() > 0 && !stop_asked.load(); left -= kPauseSlice) {
    std::this_thread::sleep_for(std::min(left, kPauseSlice));
  }
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  std::istringstream in(list);
  for (std::string part; std::getline(in, part, ',');) {
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

Result<client::ClientConfig> client_config() {
  client::ClientConfig config;
  config.client_name = "penstock-worker";
  config.bootstrap.clear();
  for (const std::string& address : split(FLAGS_bootstrap)) {
    PENSTOCK_TRY_ASSIGN(auto endpoint, rpc::Endpoint::parse(address));
    config.bootstrap.push_back(std::move(endpoint));
  }
  if (config.bootstrap.empty()) return fail(Errc::kInvalidArgument, "--bootstrap names no broker");
  return config;
}

WorkerOptions worker_options(const std::string& work_dir) {
  WorkerOptions options;
  options.topics = split(FLAGS_topics);
  options.roll = {.max_bytes = FLAGS_archive_chunk_mb << 20,
                  .max_records = FLAGS_archive_chunk_records,
                  .max_age_ms = static_cast<std::int64_t>(
                      std::min(FLAGS_archive_interval_s * 1000, kOverMaxAgeMs))};
  options.mode = FLAGS_once ? RunMode::kOnce : RunMode::kContinuous;
  options.on_stop =
      FLAGS_flush_on_shutdown ? OnStop::kArchiveOpenChunks : OnStop::kAbandonOpenChunks;
  options.work_dir = work_dir;
  options.sql_memory_limit_mb = FLAGS_memory_limit_mb - FLAGS_memory_limit_mb / kFetchShare;
  options.max_spool_bytes = FLAGS_spool_limit_mb << 20;
  return options;
}

// The broker may start after the worker.
Result<std::unique_ptr<client::Client>> connect(const client::ClientConfig& config) {
  std::string told;
  while (!stop_asked.load()) {
    auto client = client::Client::open(config);
    if (client || !client.error().retriable()) return client;
    if (client.error().message() != told) {
      told = client.error().message();
      logger("archiver").warn("waiting for a broker: {}", told);
    }
    pause(kConnectRetry);
  }
  return fail(Errc::kCancelled, "stopped before a broker answered");
}

Result<WorkerSummary> archive() {
  if (FLAGS_archive_dir.empty()) {
    return fail(Errc::kInvalidArgument, "--archive_dir is needed");
  }
  if (FLAGS_memory_limit_mb < kMinMemoryMb) {
    return fail(Errc::kInvalidArgument,
                "--memory_limit_mb must be at least " + std::to_string(kMinMemoryMb));
  }
  PENSTOCK_TRY_ASSIGN(const auto config, client_config());
  PENSTOCK_TRY_ASSIGN(const auto store, LocalObjectStore::open(posix_env(), FLAGS_archive_dir));
  PENSTOCK_TRY_ASSIGN(const auto lock, store->lock_for_writing());
  const std::string work_dir = FLAGS_work_dir.empty() ? store->temporary_dir() : FLAGS_work_dir;
  PENSTOCK_TRY(posix_env().create_dirs(work_dir));
  PENSTOCK_TRY_ASSIGN(const auto client, connect(config));
  client::ConsumerConfig consumer;
  consumer.memory_limit_bytes = (FLAGS_memory_limit_mb / kFetchShare) << 20;
  PENSTOCK_TRY_ASSIGN(const auto source, ClientSource::open(*client, consumer));
  PENSTOCK_TRY_ASSIGN(const auto worker, ArchiveWorker::open({.source = *source,
                                                              .store = *store,
                                                              .env = posix_env(),
                                                              .clock = system_clock(),
                                                              .pause = pause,
                                                              .observer = nullptr},
                                                             worker_options(work_dir)));
  while (!stop_asked.load() && !worker->finished()) PENSTOCK_TRY(worker->step());
  worker->stop();
  return worker->run();
}

bool asks_for_help(int argc, char** argv) {
  return std::any_of(argv + 1, argv + argc, [](const char* argument) {
    const std::string_view text = argument;
    return text == "--help" || text == "-help" || text == "-h";
  });
}

int run(int argc, char** argv) {
  if (argc != 2 || std::string(argv[1]) != "archive") {
    std::fputs(kUsage, stderr);
    return kExitUsage;
  }
  std::signal(SIGTERM, ask_to_stop);
  std::signal(SIGINT, ask_to_stop);
  if (const Status level = set_log_level(FLAGS_log_level); !level) {
    std::cerr << "penstock-worker: " << level.error().message() << "\n";
    return kExitUsage;
  }
  const auto summary = archive();
  if (!summary) {
    if (stop_asked.load()) return 0;
    std::cerr << "penstock-worker: " << summary.error().to_string() << "\n";
    return summary.error().code() == Errc::kInvalidArgument ? kExitUsage : kExitFailure;
  }
  std::cout << "ARCHIVE chunks=" << summary->chunks << " records=" << summary->records
            << " refused=" << summary->refused.size() << std::endl;
  for (const auto& [where, error] : summary->refused) {
    std::cerr << "penstock-worker: " << where << " is not archived: " << error.to_string() << "\n";
  }
  return FLAGS_once && !summary->refused.empty() ? kExitFailure : 0;
}

}  // namespace
}  // namespace penstock::archiver

int main(int argc, char** argv) {
  gflags::SetUsageMessage(penstock::archiver::kUsage);
  gflags::SetVersionString(PENSTOCK_VERSION);
  if (penstock::archiver::asks_for_help(argc, argv)) {
    gflags::ShowUsageWithFlagsRestrict(argv[0], "archiver/main");
    return 0;
  }
  // Values of the wrong type and unknown flags are misuse like any other.
  GFLAGS_NAMESPACE::gflags_exitfunc = [](int code) {
    std::exit(code == 0 ? 0 : penstock::archiver::kExitUsage);
  };
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  return penstock::archiver::run(argc, argv);
}
