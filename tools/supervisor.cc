#include "tools/supervisor.h"

#include <poll.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iostream>

#include "tools/cluster_health.h"
#include "tools/interrupt.h"
#include "tools/limits.h"

namespace penstock::tools {
namespace {

constexpr std::uint64_t kMaxPortFileBytes = 64;
constexpr std::chrono::milliseconds kStartPoll{10};
// Of penstockd: the disk failed; starting again would only hide it.
constexpr int kExitDiskFailed = 3;

// "7333 7334\n"
std::optional<LocalPorts> read_ports(const std::string& path) {
  const auto bytes = posix_env().read_file(path, kMaxPortFileBytes);
  if (!bytes) return std::nullopt;
  const std::string_view text = as_text(*bytes);
  const char* end = text.data() + text.size();
  LocalPorts ports;
  const auto first = std::from_chars(text.data(), end, ports.client);
  if (first.ec != std::errc() || first.ptr == end) return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, ports.metrics);
  if (second.ec != std::errc()) return std::nullopt;
  return ports;
}

// How many of broker-1, broker-2, ... there are.
std::size_t count_folders(const std::string& data_dir) {
  std::size_t count = 0;
  std::error_code error;
  while (std::filesystem::exists(data_dir + "/broker-" + std::to_string(count + 1), error)) ++count;
  return count;
}

client::ClientConfig client_of(std::vector<rpc::Endpoint> brokers) {
  client::ClientConfig config;
  config.bootstrap = std::move(brokers);
  config.client_name = "penstock-up";
  config.request_timeout = std::chrono::milliseconds(2'000);
  return config;
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
  PENSTOCK_TRY(supervisor->choose_brokers());
  for (Broker& broker : supervisor->brokers_) PENSTOCK_TRY(supervisor->start_broker(broker));
  for (Broker& broker : supervisor->brokers_) PENSTOCK_TRY(supervisor->wait_for_broker(broker));
  if (supervisor->is_cluster()) PENSTOCK_TRY(supervisor->wait_for_cluster());
  PENSTOCK_TRY(supervisor->start_worker());
  return supervisor;
}

Supervisor::~Supervisor() { stop(); }

Status Supervisor::choose_brokers() {
  const std::size_t there = count_folders(config_.data_dir);
  const std::size_t wanted =
      config_.brokers == 0 ? std::max<std::size_t>(there, 1) : config_.brokers;
  PENSTOCK_TRY_ASSIGN(const bool has_single, posix_env().exists(path("broker")));
  if (wanted < there) {
    return fail(Errc::kInvalidArgument,
                config_.data_dir + " holds " + std::to_string(there) +
                    " brokers; all of them are needed: --brokers=" + std::to_string(there));
  }
  if (has_single && wanted > 1) {
    return fail(
        Errc::kInvalidArgument,
        config_.data_dir + " holds a single broker; begin a cluster in another folder: --data_dir");
  }
  return wanted == 1 && there == 0 ? add_single_broker() : add_cluster(wanted);
}

Status Supervisor::add_single_broker() {
  PENSTOCK_TRY(check_port(config_.port));
  PENSTOCK_TRY(check_port(config_.metrics_port));
  brokers_.push_back({.dir = path("broker"),
                      .port_file = path("broker.port"),
                      .ports = {config_.port, config_.metrics_port},
                      .process = SupervisedProcess("broker", path("broker.log"))});
  return {};
}

Status Supervisor::add_cluster(std::size_t count) {
  PENSTOCK_TRY_ASSIGN(const auto ports,
                      choose_ports(path("up.ports"), count, {config_.port, config_.metrics_port}));
  for (std::size_t i = 0; i < count; ++i) {
    const std::string number = std::to_string(i + 1);
    brokers_.push_back(
        {.dir = path("broker-" + number),
         .port_file = path("broker-" + number + ".port"),
         .ports = ports[i],
         .process = SupervisedProcess("broker " + number, path("broker-" + number + ".log"))});
  }
  return {};
}

Status Supervisor::start_broker(Broker& broker) {
  (void)posix_env().remove_file(broker.port_file);
  std::vector<std::string> command = {
      config_.bin_dir + "/penstockd", "--data_dir=" + broker.dir, "--listen=" + address(broker),
      "--metrics_listen=127.0.0.1:" + std::to_string(broker.ports.metrics),
      "--port_file=" + broker.port_file};
  // All but the first ask it to join; a broker that is a member already finds the others by itself.
  if (&broker != &brokers_.front())
    command.push_back("--cluster_seed=" + address(brokers_.front()));
  command.insert(command.end(), config_.broker_flags.begin(), config_.broker_flags.end());
  return broker.process.start(std::move(command));
}

Status Supervisor::wait_for_broker(Broker& broker) {
  const std::string& log = broker.process.log();
  const auto deadline = std::chrono::steady_clock::now() + kBrokerStartTimeout;
  while (std::chrono::steady_clock::now() < deadline) {
    if (const auto status = broker.process.ended()) {
      return fail(Errc::kIoError, broker.process.epitaph("did not start: ", *status, ""));
    }
    if (const auto ports = read_ports(broker.port_file)) {
      broker.ports = *ports;
      if (client::Client::open(client_of({{.host = "127.0.0.1", .port = ports->client}})))
        return {};
    }
    if (wait_readable(broker.process.end_fd(), kStartPoll) == Waited::kInterrupted) {
      return fail(Errc::kCancelled, "interrupted");
    }
  }
  return fail(Errc::kTimeout, "the " + broker.process.name() + " does not answer after " +
                                  std::to_string(kBrokerStartTimeout.count()) + " s; see " + log);
}

Status Supervisor::wait_for_cluster() {
  std::vector<rpc::Endpoint> endpoints;
  for (const Broker& broker : brokers_) endpoints.push_back({"127.0.0.1", broker.ports.client});
  PENSTOCK_TRY_ASSIGN(const auto client, client::Client::open(client_of(std::move(endpoints))));
  const auto deadline = std::chrono::steady_clock::now() + kBrokerStartTimeout;
  std::string found = "no answer";
  while (std::chrono::steady_clock::now() < deadline) {
    for (Broker& broker : brokers_) {
      if (const auto status = broker.process.ended()) {
        return fail(Errc::kIoError, broker.process.epitaph("did not start: ", *status, ""));
      }
    }
    if (const auto status = client->admin().cluster_status()) {
      const auto findings = find_troubles(*status);
      const bool complete = status->brokers.size() >= brokers_.size();
      if (complete && verdict(findings) == ExitCode::kOk) return {};
      found = complete && !findings.empty()
                  ? findings.front().text
                  : std::to_string(status->brokers.size()) + " brokers have joined";
    } else {
      found = status.error().to_string();
    }
    if (wait_readable(-1, kClusterPollInterval / 5) == Waited::kInterrupted) {
      return fail(Errc::kCancelled, "interrupted");
    }
  }
  return fail(Errc::kTimeout, "the cluster is not complete after " +
                                  std::to_string(kBrokerStartTimeout.count()) + " s: " + found +
                                  "; see " + path("broker-*.log"));
}

Status Supervisor::start_worker() {
  worker_.emplace("worker", path("worker.log"));
  std::vector<std::string> command = {config_.bin_dir + "/penstock-worker", "archive",
                                      "--bootstrap=" + bootstrap(),
                                      "--archive_dir=" + config_.archive_dir};
  command.insert(command.end(), config_.worker_flags.begin(), config_.worker_flags.end());
  return worker_->start(std::move(command));
}

// False when everything has to end.
bool Supervisor::look_after_brokers() {
  for (Broker& broker : brokers_) {
    const auto status = broker.process.ended();
    const bool disk_failed = status && status->signal == 0 && status->code == kExitDiskFailed;
    if (status && (!is_cluster() || disk_failed)) {
      std::cerr << "penstock: " << broker.process.epitaph("ended (", *status, ")")
                << "hint: penstock doctor looks at this machine; penstock up starts it again\n";
      return false;
    }
    if (is_cluster()) broker.process.look_after();
  }
  return true;
}

ExitCode Supervisor::run() {
  ExitCode code = ExitCode::kOk;
  while (!interrupted()) {
    std::vector<pollfd> fds{{interrupt_fd(), POLLIN, 0}, {worker_->end_fd(), POLLIN, 0}};
    for (const Broker& broker : brokers_) fds.push_back({broker.process.end_fd(), POLLIN, 0});
    // While one is gone, the pause before its restart is looked at.
    const bool all_watched = std::ranges::all_of(fds, [](const pollfd& fd) { return fd.fd >= 0; });
    poll(fds.data(), fds.size(), all_watched ? -1 : static_cast<int>(kRestartBackoff.count()));
    if (!look_after_brokers()) {
      code = ExitCode::kFailed;
      break;
    }
    worker_->look_after();
  }
  stop();
  return code;
}

void Supervisor::stop() {
  if (worker_) worker_->stop();
  for (Broker& broker : brokers_) broker.process.stop();
}

std::string Supervisor::address(const Broker& broker) const {
  return "127.0.0.1:" + std::to_string(broker.ports.client);
}

std::string Supervisor::bootstrap() const {
  std::string text;
  for (const Broker& broker : brokers_) text += (text.empty() ? "" : ",") + address(broker);
  return text;
}

std::string Supervisor::panel() const {
  const auto row = [](const std::string& name, const std::string& what,
                      const SupervisedProcess* process) {
    std::string line = "  " + name;
    line.resize(12, ' ');
    line += what;
    if (process != nullptr) {
      line.resize(std::max<std::size_t>(line.size() + 2, 32), ' ');
      line += "pid " + std::to_string(process->pid()) + "  log " + process->log();
    }
    return line + "\n";
  };
  std::string text = "Penstock is up.\n";
  for (const Broker& broker : brokers_) {
    text += row(broker.process.name(), address(broker), &broker.process);
  }
  text += row("worker", "archive", &*worker_);
  text += row("metrics",
              "http://127.0.0.1:" + std::to_string(brokers_.front().ports.metrics) + "/metrics",
              nullptr);
  text += row("data", config_.data_dir, nullptr);
  text += row("archive", config_.archive_dir, nullptr);
  const bool is_default = !is_cluster() && brokers_.front().ports.client == 7333;
  text += "\nTry next" +
          (is_default ? "" : " (after: export PENSTOCK_BOOTSTRAP=" + bootstrap() + ")") + ":\n" +
          (is_cluster() ? "  penstock cluster status\n"
                          "  penstock topic create events --replication_factor=" +
                              std::to_string(std::min<std::size_t>(brokers_.size(), 3)) + "\n"
                        : std::string("  penstock topic create events\n")) +
          "  echo '{\"hello\":\"world\"}' | penstock produce events --format=ndjson\n"
          "  penstock consume events --json\n"
          "  penstock verify events --wait --data_dir=" +
          config_.data_dir +
          "\n  penstock sql 'select * from events' --data_dir=" + config_.data_dir + "\n";
  return text;
}

}  // namespace penstock::tools
