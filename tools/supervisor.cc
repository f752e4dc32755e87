#include "tools/supervisor.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <iostream>

#include "client/client.h"
#include "tools/interrupt.h"
#include "tools/limits.h"
#include "tools/listeners.h"

namespace penstock::tools {
namespace {

constexpr std::size_t kTailLines = 8;
constexpr std::uint64_t kMaxPortFileBytes = 64;
constexpr std::chrono::milliseconds kStartPoll{10};

// Old logs are kept once, under another name, so that they do not grow for ever.
void rotate_log(const std::string& path) {
  std::error_code error;
  if (std::filesystem::file_size(path, error) > kMaxLogBytes && !error) {
    std::filesystem::rename(path, path + ".1", error);
  }
}

struct Ports {
  std::uint16_t client = 0;
  std::uint16_t metrics = 0;
};

// "7333 7334\n"
std::optional<Ports> read_ports(const std::string& path) {
  const auto bytes = posix_env().read_file(path, kMaxPortFileBytes);
  if (!bytes) return std::nullopt;
  const std::string_view text = as_text(*bytes);
  const char* end = text.data() + text.size();
  Ports ports;
  const auto first = std::from_chars(text.data(), end, ports.client);
  if (first.ec != std::errc() || first.ptr == end) return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, ports.metrics);
  if (second.ec != std::errc()) return std::nullopt;
  return ports;
}

}  // namespace

Result<std::unique_ptr<Supervisor>> Supervisor::start(UpConfig config) {
  PENSTOCK_TRY_ASSIGN(UpSession session, UpSession::begin(config.data_dir));
  // From here on the folder exists, and other working directories must not matter.
  config.data_dir = std::filesystem::absolute(config.data_dir).lexically_normal().string();
  config.archive_dir = std::filesystem::absolute(config.archive_dir).lexically_normal().string();
  std::unique_ptr<Supervisor> supervisor(new Supervisor(std::move(config), std::move(session)));
  // So that verify and sql find an archive, if an empty one, from the first moment on.
  PENSTOCK_TRY(posix_env().create_dirs(supervisor->config_.archive_dir));
  PENSTOCK_TRY(supervisor->check_port(supervisor->config_.port));
  PENSTOCK_TRY(supervisor->check_port(supervisor->config_.metrics_port));
  PENSTOCK_TRY(supervisor->start_broker());
  PENSTOCK_TRY(supervisor->wait_for_broker());
  PENSTOCK_TRY(supervisor->start_worker());
  return supervisor;
}

Supervisor::~Supervisor() { stop(); }

std::string Supervisor::log_of(const std::string& process) const {
  return config_.data_dir + "/" + process + ".log";
}

Status Supervisor::check_port(std::uint16_t port) const {
  if (port == 0) return {};
  const auto listener = listener_of(port);
  if (!listener) return {};
  return fail(Errc::kAlreadyExists, "port " + std::to_string(port) + " is in use by " +
                                        listener->to_string() +
                                        "; choose others with --port and --metrics_port");
}

Status Supervisor::start_broker() {
  const std::string port_file = config_.data_dir + "/broker.port";
  (void)posix_env().remove_file(port_file);
  rotate_log(log_of("broker"));
  std::vector<std::string> command = {
      config_.bin_dir + "/penstockd", "--data_dir=" + config_.data_dir + "/broker",
      "--listen=127.0.0.1:" + std::to_string(config_.port),
      "--metrics_listen=127.0.0.1:" + std::to_string(config_.metrics_port),
      "--port_file=" + port_file};
  command.insert(command.end(), config_.broker_flags.begin(), config_.broker_flags.end());
  PENSTOCK_TRY_ASSIGN(broker_, ChildProcess::start(command, log_of("broker")));
  return {};
}

Status Supervisor::wait_for_broker() {
  const auto deadline = std::chrono::steady_clock::now() + kBrokerStartTimeout;
  while (std::chrono::steady_clock::now() < deadline) {
    if (const auto status = broker_->ended()) {
      return fail(Errc::kIoError, "the broker did not start: " + status->to_string() + "; " +
                                      log_of("broker") + " ends with\n" +
                                      log_tail(log_of("broker"), kTailLines));
    }
    if (const auto ports = read_ports(config_.data_dir + "/broker.port")) {
      port_ = ports->client;
      metrics_port_ = ports->metrics;
      client::ClientConfig config;
      config.bootstrap = {{.host = "127.0.0.1", .port = port_}};
      if (client::Client::open(config)) return {};
    }
    if (wait_readable(broker_->end_fd(), kStartPoll) == Waited::kInterrupted) {
      return fail(Errc::kCancelled, "interrupted");
    }
  }
  return fail(Errc::kTimeout, "the broker does not answer after " +
                                  std::to_string(kBrokerStartTimeout.count()) + " s; " +
                                  log_of("broker") + " ends with\n" +
                                  log_tail(log_of("broker"), kTailLines));
}

Status Supervisor::start_worker() {
  rotate_log(log_of("worker"));
  std::vector<std::string> command = {config_.bin_dir + "/penstock-worker", "archive",
                                      "--bootstrap=" + bootstrap(),
                                      "--archive_dir=" + config_.archive_dir};
  command.insert(command.end(), config_.worker_flags.begin(), config_.worker_flags.end());
  worker_started_ns_ = system_clock().steady_ns();
  PENSTOCK_TRY_ASSIGN(worker_, ChildProcess::start(command, log_of("worker")));
  return {};
}

void Supervisor::look_after_worker() {
  const std::int64_t now_ns = system_clock().steady_ns();
  if (worker_) {
    const auto status = worker_->ended();
    if (!status) return;
    worker_.reset();
    const bool lived =
        now_ns - worker_started_ns_ > std::chrono::nanoseconds(kRestartBackoffMax).count();
    backoff_ = lived || backoff_.count() == 0 ? kRestartBackoff
                                              : std::min(backoff_ * 2, kRestartBackoffMax);
    restart_at_ns_ = now_ns + std::chrono::nanoseconds(backoff_).count();
    std::cerr << "penstock: the worker ended (" << status->to_string() << "); starting it again in "
              << backoff_.count() << " ms; " << log_of("worker") << " ends with\n"
              << log_tail(log_of("worker"), kTailLines);
  } else if (now_ns >= restart_at_ns_) {
    const Status started = start_worker();
    if (!started) {
      restart_at_ns_ = now_ns + std::chrono::nanoseconds(kRestartBackoffMax).count();
      std::cerr << "penstock: " << started.error().message() << "\n";
    }
  }
}

ExitCode Supervisor::run() {
  ExitCode code = ExitCode::kOk;
  while (!interrupted()) {
    std::array<pollfd, 3> fds{pollfd{interrupt_fd(), POLLIN, 0},
                              pollfd{broker_->end_fd(), POLLIN, 0},
                              pollfd{worker_ ? worker_->end_fd() : -1, POLLIN, 0}};
    // Without a worker, the pause before its restart is looked at.
    const bool all_watched = fds[1].fd >= 0 && fds[2].fd >= 0;
    poll(fds.data(), fds.size(), all_watched ? -1 : static_cast<int>(kRestartBackoff.count()));
    if (const auto status = broker_->ended()) {
      std::cerr << "penstock: the broker ended (" << status->to_string() << "); "
                << log_of("broker") << " ends with\n"
                << log_tail(log_of("broker"), kTailLines)
                << "hint: penstock doctor looks at this machine; penstock up starts it again\n";
      code = ExitCode::kFailed;
      break;
    }
    look_after_worker();
  }
  stop();
  return code;
}

void Supervisor::stop() {
  const auto stop_one = [](std::optional<ChildProcess>& child, const char* name) {
    if (!child) return;
    const bool was_running = !child->ended();
    const ExitStatus status = child->stop(kDrainTimeout);
    // One that has only just begun does not catch the signal yet, and dies of it: as asked.
    if (was_running && !status.clean() && status.signal != SIGTERM) {
      std::cerr << "penstock: the " << name << " did not stop cleanly: " << status.to_string()
                << "\n";
    }
    child.reset();
  };
  stop_one(worker_, "worker");
  stop_one(broker_, "broker");
}

std::string Supervisor::panel() const {
  const auto row = [](const std::string& name, const std::string& what, const std::string& pid,
                      const std::string& log) {
    std::string line = "  " + name;
    line.resize(12, ' ');
    line += what;
    if (!pid.empty()) {
      line.resize(std::max<std::size_t>(line.size() + 2, 32), ' ');
      line += "pid " + pid + "  log " + log;
    }
    return line + "\n";
  };
  std::string text = "Penstock is up.\n";
  text += row("broker", bootstrap(), std::to_string(broker_->pid()), log_of("broker"));
  text += row("worker", "archive", std::to_string(worker_->pid()), log_of("worker"));
  text += row("metrics", "http://127.0.0.1:" + std::to_string(metrics_port_) + "/metrics", "", "");
  text += row("data", config_.data_dir, "", "");
  text += row("archive", config_.archive_dir, "", "");
  text +=
      "\nTry next" +
      std::string(port_ == 7333 ? "" : " (after: export PENSTOCK_BOOTSTRAP=" + bootstrap() + ")") +
      ":\n"
      "  penstock topic create events\n"
      "  echo '{\"hello\":\"world\"}' | penstock produce events --format=ndjson\n"
      "  penstock consume events --json\n"
      "  penstock verify events --wait --data_dir=" +
      config_.data_dir + "\n  penstock sql 'select * from events' --data_dir=" + config_.data_dir +
      "\n";
  return text;
}

}  // namespace penstock::tools
