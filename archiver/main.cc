// penstock-worker: the pipeline's worker. `penstock-worker archive` keeps the archive of topics up
// with their logs.
#include <gflags/gflags.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "archiver/archive_worker.h"
#include "archiver/client_source.h"
#include "archiver/object_store.h"
#include "archiver/worker_config.h"
#include "archiver/worker_flags.h"
#include "base/clock.h"
#include "base/command_line.h"
#include "base/log.h"
#include "client/client.h"

PENSTOCK_WORKER_FLAG_TABLE(PENSTOCK_DEFINE_FLAG)

namespace penstock::archiver {
namespace {

constexpr std::chrono::milliseconds kPauseSlice{100};
constexpr std::chrono::milliseconds kConnectRetry{1'000};

std::atomic<bool> stop_asked{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set in a signal handler");

void ask_to_stop(int) { stop_asked.store(true); }

void pause(std::chrono::milliseconds left) {
  for (; left.count() > 0 && !stop_asked.load(); left -= kPauseSlice) {
    std::this_thread::sleep_for(std::min(left, kPauseSlice));
  }
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

WorkerFlags flag_values() {
  return {.archive_dir = FLAGS_archive_dir,
          .bootstrap = FLAGS_bootstrap,
          .topics = FLAGS_topics,
          .once = FLAGS_once,
          .archive_chunk_mb = FLAGS_archive_chunk_mb,
          .archive_chunk_records = FLAGS_archive_chunk_records,
          .archive_interval_s = FLAGS_archive_interval_s,
          .memory_limit_mb = FLAGS_memory_limit_mb,
          .spool_limit_mb = FLAGS_spool_limit_mb,
          .work_dir = FLAGS_work_dir,
          .flush_on_shutdown = FLAGS_flush_on_shutdown};
}

Result<WorkerSummary> archive(WorkerConfig config) {
  PENSTOCK_TRY_ASSIGN(const auto store, LocalObjectStore::open(posix_env(), config.archive_dir));
  PENSTOCK_TRY_ASSIGN(const auto lock, store->lock_for_writing());
  if (config.worker.work_dir.empty()) config.worker.work_dir = store->temporary_dir();
  PENSTOCK_TRY(posix_env().create_dirs(config.worker.work_dir));
  PENSTOCK_TRY_ASSIGN(const auto client, connect(config.client));
  PENSTOCK_TRY_ASSIGN(const auto source, ClientSource::open(*client, config.consumer));
  PENSTOCK_TRY_ASSIGN(const auto worker, ArchiveWorker::open({.source = *source,
                                                              .store = *store,
                                                              .env = posix_env(),
                                                              .clock = system_clock(),
                                                              .pause = pause,
                                                              .observer = nullptr},
                                                             config.worker));
  while (!stop_asked.load() && !worker->finished()) PENSTOCK_TRY(worker->step());
  worker->stop();
  return worker->run();
}

// What to do about it, behind the message.
std::string_view advice(Errc code) {
  switch (code) {
    case Errc::kLocked:
      return "; another penstock-worker is at work there: stop it, or choose another --archive_dir";
    case Errc::kPermissionDenied:
      return "; run as the user that owns it, or choose another --archive_dir";
    default:
      return "";
  }
}

int refuse(const Error& error) {
  std::cerr << usage_failure(kWorkerProgram, error);
  return kExitUsage;
}

int run(int argc, char** argv) {
  if (const auto go = command_or_exit(kWorkerProgram, argc, argv, std::cout, std::cerr); !go) {
    return go.error();
  }
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  std::signal(SIGTERM, ask_to_stop);
  std::signal(SIGINT, ask_to_stop);
  if (const Status level = set_log_level(FLAGS_log_level); !level) {
    return refuse(Error(level.error()).context("--log_level"));
  }
  auto config = config_from(flag_values());
  if (!config) return refuse(config.error());
  const auto summary = archive(*std::move(config));
  if (!summary) {
    if (stop_asked.load()) return kExitStopped;
    std::cerr << "penstock-worker: " << summary.error().to_string()
              << advice(summary.error().code()) << "\n";
    return kExitFailed;
  }
  std::cout << "ARCHIVE chunks=" << summary->chunks << " records=" << summary->records
            << " refused=" << summary->refused.size() << std::endl;
  for (const auto& [where, error] : summary->refused) {
    std::cerr << "penstock-worker: " << where << " is not archived: " << error.to_string() << "\n";
  }
  return FLAGS_once && !summary->refused.empty() ? kExitFailed : kExitStopped;
}

}  // namespace
}  // namespace penstock::archiver

int main(int argc, char** argv) { return penstock::archiver::run(argc, argv); }
