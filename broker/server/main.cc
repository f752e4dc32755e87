// penstockd: parses flags, starts a broker in the foreground, and stops it when asked to.
#include <gflags/gflags.h>
#include <malloc.h>
#include <pthread.h>

#include <csignal>
#include <cstdio>

#include "base/log.h"
#include "broker/server/broker.h"
#include "broker/server/broker_flags.h"
#include "broker/server/command_line.h"

#define DEFINE_FLAG(type, name, value, shown, meaning) DEFINE_##type(name, value, meaning);
PENSTOCKD_FLAG_TABLE(DEFINE_FLAG)
#undef DEFINE_FLAG

namespace GFLAGS_NAMESPACE {
// Exported by the library for exactly this, but declared in none of its headers.
extern void (*gflags_exitfunc)(int);
}  // namespace GFLAGS_NAMESPACE

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

int fail_with(int code, const Error& error) {
  std::fprintf(stderr, "penstockd: %s\n", error.message().c_str());
  return code;
}

FlagValues flag_values() {
  return {.data_dir = FLAGS_data_dir,
          .listen = FLAGS_listen,
          .metrics_listen = FLAGS_metrics_listen,
          .advertise = FLAGS_advertise,
          .shards = FLAGS_shards,
          .disk_threads = FLAGS_disk_threads,
          .memory_limit_mb = FLAGS_memory_limit_mb,
          .disk_reserve_mb = FLAGS_disk_reserve_mb,
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
  if (!broker) return fail_with(kExitCannotStart, broker.error());
  if (!FLAGS_port_file.empty()) {
    const std::string ports =
        std::to_string((*broker)->port()) + " " + std::to_string((*broker)->metrics_port()) + "\n";
    if (const Status written = posix_env().replace_file(FLAGS_port_file, as_bytes(ports));
        !written) {
      return fail_with(kExitCannotStart, Error(written.error()).context("--port_file"));
    }
  }
  int signal = 0;
  sigwait(&signals, &signal);
  // Once more, and the process ends at once.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  if (const Status stopped = (*broker)->stop(); !stopped) {
    return fail_with(kExitCannotStart, stopped.error());
  }
  return kExitStopped;
}

int run(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  for (const std::string_view argument : arguments) {
    if (argument == "--help" || argument == "-h" || argument == "-help") {
      std::fputs(help_text().c_str(), stdout);
      return kExitStopped;
    }
    if (argument == "--version") {
      std::puts("penstockd " PENSTOCK_VERSION);
      return kExitStopped;
    }
  }
  if (const Status known = check_arguments(arguments); !known) {
    return fail_with(kExitUsage, known.error());
  }
  // What is left for gflags to refuse is a value of the wrong type.
  GFLAGS_NAMESPACE::gflags_exitfunc = [](int) { std::exit(kExitUsage); };
  gflags::ParseCommandLineFlags(&argc, &argv, true);
  if (const Status level = set_log_level(FLAGS_log_level); !level) {
    return fail_with(kExitUsage, Error(level.error()).context("--log_level"));
  }
  const auto config = config_from(flag_values());
  if (!config) return fail_with(kExitUsage, config.error());
  return serve(*config);
}

}  // namespace
}  // namespace penstock::broker

int main(int argc, char** argv) {
  penstock::broker::tune_allocator();
  return penstock::broker::run(argc, argv);
}
