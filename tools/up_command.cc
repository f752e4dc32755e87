// penstock up, penstock down: brokers and a worker on this machine.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <iostream>

#include "tools/commands.h"
#include "tools/interrupt.h"
#include "tools/limits.h"
#include "tools/report.h"
#include "tools/shared_flags.h"
#include "tools/supervisor.h"

namespace penstock::tools {
namespace {

// Flags that go to a server as they are. Without a default here the server's own holds.
struct PassedOn {
  const char* name;
  const char* value;
  const char* meaning;
  const char* default_value = "";
};

constexpr PassedOn kBrokerFlags[] = {
    {"shards", "N", "threads of the broker that serve partitions"},
    {"memory_limit_mb", "N", "memory of the broker for requests and answers"},
    {"disk_reserve_mb", "N", "free space below which producers are refused"},
};
constexpr PassedOn kWorkerFlags[] = {
    // Sooner than the worker would by itself: who tries this out wants to see the archive.
    {"archive_interval_s", "N", "a chunk is archived when its oldest record is that old", "10"},
    {"archive_chunk_mb", "N", "a chunk is archived when it is that large"},
    {"archive_chunk_records", "N", "a chunk is archived when it holds that many records"},
};

template <std::size_t N>
std::vector<std::string> passed_on(const PassedOn (&flags)[N], const Arguments& arguments) {
  std::vector<std::string> words;
  for (const PassedOn& flag : flags) {
    const std::string value = arguments.text(flag.name);
    if (!value.empty()) words.push_back("--" + std::string(flag.name) + "=" + value);
  }
  return words;
}

Result<UpConfig> config_of(const Arguments& arguments) {
  UpConfig config;
  std::error_code error;
  config.bin_dir = std::filesystem::read_symlink("/proc/self/exe", error).parent_path().string();
  if (error) return fail(Errc::kIoError, "find this program: " + error.message());
  config.data_dir = data_dir_of(arguments);
  config.archive_dir = archive_dir_of(arguments);
  if (arguments.given("brokers")) {
    PENSTOCK_TRY_ASSIGN(const std::int64_t brokers,
                        arguments.integer("brokers", 1, kMaxLocalBrokers));
    config.brokers = static_cast<std::size_t>(brokers);
  }
  PENSTOCK_TRY_ASSIGN(const std::int64_t port, arguments.integer("port", 0, 65535));
  PENSTOCK_TRY_ASSIGN(const std::int64_t metrics_port, arguments.integer("metrics_port", 0, 65535));
  config.port = static_cast<std::uint16_t>(port);
  config.metrics_port = static_cast<std::uint16_t>(metrics_port);
  config.broker_flags = passed_on(kBrokerFlags, arguments);
  config.worker_flags = passed_on(kWorkerFlags, arguments);
  return config;
}

Result<std::unique_ptr<Supervisor>> start(const UpConfig& config) {
  catch_interrupts();
  auto supervisor = Supervisor::start(config);
  if (!supervisor) return fail(std::move(supervisor).error().context("up"));
  return supervisor;
}

Result<ExitCode> run_here(const UpConfig& config) {
  PENSTOCK_TRY_ASSIGN(const auto supervisor, start(config));
  std::cout << supervisor->panel() << "\nCtrl-C stops all.\n" << std::flush;
  const ExitCode code = supervisor->run();
  if (code == ExitCode::kOk) std::cout << "stopped\n";
  return code;
}

// From here on nobody reads what this process prints: it goes to a log.
void leave_terminal(const std::string& log) {
  setsid();
  const int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int log_fd = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (null_fd >= 0) dup2(null_fd, STDIN_FILENO);
  if (log_fd < 0) return;
  dup2(log_fd, STDOUT_FILENO);
  dup2(log_fd, STDERR_FILENO);
}

// The half that stays: tells the other one, over `ready_fd`, how the start went.
[[noreturn]] void stay(const UpConfig& config, int ready_fd) {
  auto supervisor = start(config);
  ExitCode code = ExitCode::kOk;
  if (supervisor) {
    std::cout << (*supervisor)->panel() << "\npenstock down stops all.\n" << std::flush;
    leave_terminal(config.data_dir + "/up.log");
  } else {
    std::cerr << failure_text(supervisor.error());
    code = exit_code(supervisor.error().code());
  }
  const auto byte = static_cast<unsigned char>(code);
  [[maybe_unused]] const ssize_t written = write(ready_fd, &byte, 1);
  close(ready_fd);
  if (supervisor) code = (*supervisor)->run();
  std::cout << std::flush;
  // The supervisor's destructor has to run: the lock and the pid file go with it.
  supervisor = fail(Errc::kCancelled);
  _exit(static_cast<int>(code));
}

// Forks before anything has made a thread.
Result<ExitCode> detach(const UpConfig& config) {
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) != 0) return fail(Errc::kIoError, "make a pipe");
  std::cout << std::flush;
  const pid_t pid = fork();
  if (pid < 0) return fail(Errc::kIoError, "fork");
  if (pid == 0) {
    close(ready[0]);
    stay(config, ready[1]);
  }
  close(ready[1]);
  unsigned char code = static_cast<unsigned char>(ExitCode::kFailed);
  ssize_t got = 0;
  while ((got = read(ready[0], &code, 1)) < 0 && errno == EINTR) {
  }
  close(ready[0]);
  if (got == 0) return fail(Errc::kInternal, "up: the process that stays behind died");
  return static_cast<ExitCode>(code);
}

Result<ExitCode> up(const Arguments& arguments) {
  PENSTOCK_TRY_ASSIGN(const UpConfig config, config_of(arguments));
  return arguments.is_on("detach") ? detach(config) : run_here(config);
}

Result<ExitCode> down(const Arguments& arguments) {
  const std::string data_dir = data_dir_of(arguments);
  PENSTOCK_TRY_ASSIGN(const auto pid, UpSession::running(data_dir));
  if (!pid) {
    std::cout << "nothing runs on " << data_dir << "\n";
    return ExitCode::kOk;
  }
  // Worker and brokers may each take their time; so many rarely do.
  if (Status stopped = stop_process(*pid, 4 * kDrainTimeout); !stopped) {
    return fail(std::move(stopped).error().context("down"));
  }
  std::cout << "stopped\n";
  return ExitCode::kOk;
}

constexpr std::string_view kDetails =
    R"(Starts penstockd on DATA_DIR/broker and an archive worker on DATA_DIR/archive, and keeps
watch: a worker that dies is started again, a broker that dies ends everything. Logs:
DATA_DIR/broker.log, worker.log and, with --detach, up.log.

With --brokers=3 three of them make a cluster, in DATA_DIR/broker-1, -2 and -3, on ports that they
keep (DATA_DIR/up.ports): one that dies is started again while the others serve.

Ctrl-C, SIGTERM or penstock down stop all cleanly (exit code 0); what was acknowledged is on disk
in any case.
)";

}  // namespace

Command up_command() {
  std::vector<FlagSpec> flags = {
      data_dir_flag(),
      archive_dir_flag(),
      {.name = "brokers",
       .value = "N",
       .meaning = "of a cluster on this machine; without it as many as there are, or one"},
      {.name = "port",
       .value = "N",
       .default_value = "7333",
       .meaning = "of the first broker, on 127.0.0.1; others follow; 0: any free one"},
      {.name = "metrics_port",
       .value = "N",
       .default_value = "7334",
       .meaning = "of its /metrics; 0: any free one"},
      {.name = "detach",
       .meaning = "return as soon as the broker answers; penstock down stops it",
       .kind = FlagKind::kSwitch}};
  for (const auto& flag : kBrokerFlags) {
    flags.push_back({.name = flag.name, .value = flag.value, .meaning = flag.meaning});
  }
  for (const auto& flag : kWorkerFlags) {
    flags.push_back({.name = flag.name,
                     .value = flag.value,
                     .default_value = flag.default_value,
                     .meaning = flag.meaning});
  }
  return {.name = "up",
          .summary = "run brokers and an archive worker on this machine",
          .details = std::string(kDetails),
          .flags = std::move(flags),
          .run = up};
}

Command down_command() {
  return {.name = "down",
          .summary = "stop what penstock up has started",
          .details = "Returns when all have ended. Nothing to stop is no error.\n",
          .flags = {data_dir_flag()},
          .run = down};
}

}  // namespace penstock::tools
