// penstockd: parses flags, starts a broker in the foreground, and stops it when asked to.
#include <gflags/gflags.h>
#include <malloc.h>
#include <pthread.h>

#include <csignal>
#include <cstdio>
#include <iostream>

#include "base/command_line.h"
#include "base/log.h"
#include "broker/server/broker.h"
#include "broker/server/broker_flags.h"

PENSTOCKD_FLAG_TABLE(PENSTOCK_DEFINE_FLAG)

namespace penstock::broker {
namespace {

// Arenas beyond these, one for each thread that ever allocates, would keep memory that others need.
constexpr int kAllocatorArenas = 2;
// Buffers of requests are reused instead of being mapped and faulted in anew for each one ...
constexpr int kMmapThresholdBytes = 32 << 20;
// ... and what is free at the top beyond this goes back to the system.
constexpr int kTrimThresholdBytes = 64 << 20;

void tune_allocator() {
  ::mallopt(M_ARENA_MAX, kAllocatorArenas);
  ::mallopt(M_MMAP_THRESHOLD, kMmapThresholdBytes);
  ::mallopt(M_TRIM_THRESHOLD, kTrimThresholdBytes);
}

int cannot_go_on(const Error& error) {
  const bool is_denied = error.code() == Errc::kPermissionDenied;
  std::fprintf(stderr, "penstockd: %s%s\n", error.message().c_str(),
               is_denied ? "; run as the user that owns it, or choose another --data_dir" : "");
  return kExitCannotStart;
}

FlagValues flag_values() {
  return {.data_dir = FLAGS_data_dir,
          .listen = FLAGS_listen,
          .metrics_listen = FLAGS_metrics_listen,
          .advertise = FLAGS_advertise,
          .cluster_seed = FLAGS_cluster_seed,
          .rack = FLAGS_rack,
          .shards = FLAGS_shards,
          .disk_threads = FLAGS_disk_threads,
          .memory_limit_mb = FLAGS_memory_limit_mb,
          .disk_reserve_mb = FLAGS_disk_reserve_mb,
          .catch_up_mb_per_s = FLAGS_catch_up_mb_per_s,
          .compaction_mb_per_s = FLAGS_compaction_mb_per_s,
          .compaction_memory_mb = FLAGS_compaction_memory_mb,
          .insecure_i_know = FLAGS_insecure_i_know};
}

// SIGTERM and SIGINT come to wait_for_signal() alone; every thread inherits the mask.
sigset_t block_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

int serve(const BrokerConfig& config) {
  const sigset_t signals = block_signals();
  auto broker = Broker::start(config);
  if (!broker) return cannot_go_on(broker.error());
  if (!FLAGS_port_file.empty()) {
    const std::string ports =
        std::to_string((*broker)->port()) + " " + std::to_string((*broker)->metrics_port()) + "\n";
    if (const Status written = posix_env().replace_file(FLAGS_port_file, as_bytes(ports));
        !written) {
      return cannot_go_on(Error(written.error()).context("--port_file"));
    }
  }
  int signal = 0;
  sigwait(&signals, &signal);
  // Once more, and the process ends at once.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  if (const Status stopped = (*broker)->stop(); !stopped) {
    return cannot_go_on(stopped.error());
  }
  return kExitStopped;
}

int refuse(const Error& error) {
  std::cerr << usage_failure(kBrokerProgram, error);
  return kExitUsage;
}

int run(int argc, char** argv) {
  if (const auto go = command_or_exit(kBrokerProgram, argc, argv, std::cout, std::cerr); !go) {
    return go.error();
  }
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  if (const Status level = set_log_level(FLAGS_log_level); !level) {
    return refuse(Error(level.error()).context("--log_level"));
  }
  const auto config = config_from(flag_values());
  return config ? serve(*config) : refuse(config.error());
}

}  // namespace
}  // namespace penstock::broker

int main(int argc, char** argv) {
  penstock::broker::tune_allocator();
  return penstock::broker::run(argc, argv);
}
