#include "bench/broker_watch.h"

#include <netdb.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <memory>

#include "bench/limits.h"
#include "bench/plain_socket.h"
#include "bench/proc_text.h"

namespace penstock::bench {
namespace {

namespace fs = std::filesystem;

// Files under /proc say size 0 and are read until they end.
std::string proc_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text;
  std::array<char, 16384> part;
  while (text.size() < kMaxProcFileBytes && in.read(part.data(), part.size()).gcount() > 0) {
    text.append(part.data(), static_cast<std::size_t>(in.gcount()));
  }
  return text;
}

double own_cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::optional<double> cpu_seconds_of(std::int64_t pid) {
  if (pid <= 0) return std::nullopt;
  const auto ticks = cpu_ticks(proc_text("/proc/" + std::to_string(pid) + "/stat"));
  if (!ticks) return std::nullopt;
  return static_cast<double>(*ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

bool holds_socket(const fs::path& process, const std::string& link) {
  std::error_code error;
  for (const auto& fd : fs::directory_iterator(process / "fd", error)) {
    std::error_code unreadable;
    if (fs::read_symlink(fd.path(), unreadable) == link) return true;
  }
  return false;
}

std::int64_t find_broker(const BenchConfig& config) {
  if (config.broker_pid != 0) return config.broker_pid;
  for (const rpc::Endpoint& endpoint : config.bootstrap) {
    if (!endpoint.host.starts_with("127.") && endpoint.host != "localhost" &&
        endpoint.host != "::1") {
      continue;
    }
    if (const auto pid = listener_pid(endpoint.port)) return *pid;
  }
  return -1;
}

}  // namespace

std::optional<std::int64_t> listener_pid(std::uint16_t port) {
  auto inode = listening_inode(proc_text("/proc/net/tcp"), port);
  if (!inode) inode = listening_inode(proc_text("/proc/net/tcp6"), port);
  if (!inode) return std::nullopt;
  const std::string link = "socket:[" + std::to_string(*inode) + "]";
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    std::int64_t pid = 0;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (bad != std::errc() || end != name.data() + name.size()) continue;
    if (holds_socket(entry.path(), link)) return pid;
  }
  return std::nullopt;
}

Result<std::string> fetch_metrics(const rpc::Endpoint& listener) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(listener.port);
  if (::getaddrinfo(listener.host.c_str(), port.c_str(), &hints, &found) != 0) {
    return fail(Errc::kConnectFailed, listener.to_string() + ": the name does not resolve");
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  const Socket socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{.tv_sec = 2, .tv_usec = 0};
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(socket.fd(), found->ai_addr, found->ai_addrlen) != 0) {
    return socket_error(("connect to " + listener.to_string()).c_str());
  }
  const std::string request =
      "GET /metrics HTTP/1.1\r\nHost: " + listener.to_string() + "\r\nConnection: close\r\n\r\n";
  if (!send_all(socket.fd(), as_bytes(request))) return socket_error("ask for the metrics");
  std::string page;
  Bytes part(65536);
  while (page.size() < kMaxMetricsBytes) {
    const std::size_t got = receive_some(socket.fd(), part);
    if (got == 0) break;
    page.append(as_text(ByteView(part).first(got)));
  }
  return page;
}

BrokerWatch BrokerWatch::begin(const BenchConfig& config) {
  BrokerWatch watch;
  watch.pid_ = find_broker(config);
  watch.metrics_ = config.metrics;
  if (!watch.metrics_ && !config.bootstrap.empty()) {
    // Where a broker has it unless told otherwise; no answer there is no error.
    watch.metrics_ = config.bootstrap.front();
    ++watch.metrics_->port;
  }
  watch.before_ = watch.sample();
  return watch;
}

BrokerWatch::Sample BrokerWatch::sample() const {
  Sample sample;
  sample.client_cpu_seconds = own_cpu_seconds();
  sample.broker_cpu_seconds = cpu_seconds_of(pid_);
  if (metrics_) {
    if (const auto page = fetch_metrics(*metrics_)) {
      sample.flushes =
          metric_sum(*page, "penstock_broker_produce_stage_seconds_count", "stage=\"fsync\"");
      sample.appended_bytes = metric_sum(*page, "penstock_partition_appended_bytes_total");
    }
  }
  return sample;
}

RunCost BrokerWatch::end() const {
  const Sample after = sample();
  RunCost cost;
  cost.client_cpu_seconds = after.client_cpu_seconds - before_.client_cpu_seconds;
  if (before_.broker_cpu_seconds && after.broker_cpu_seconds) {
    cost.broker_cpu_seconds = *after.broker_cpu_seconds - *before_.broker_cpu_seconds;
    const auto pages = resident_pages(proc_text("/proc/" + std::to_string(pid_) + "/statm"));
    if (pages) cost.broker_rss_bytes = *pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  if (before_.flushes && after.flushes && before_.appended_bytes && after.appended_bytes &&
      *after.flushes > *before_.flushes) {
    cost.bytes_per_flush = static_cast<std::uint64_t>(
        (*after.appended_bytes - *before_.appended_bytes) / (*after.flushes - *before_.flushes));
  }
  return cost;
}

}  // namespace penstock::bench
