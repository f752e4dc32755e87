// BrokerWatch: what a run cost: CPU seconds of this process and of a broker on this machine, and
// how many bytes the broker put behind one flush.
//
// Failure: whatever cannot be had (a broker elsewhere, no metrics) is simply absent; a run never
// fails for want of it.
// Units: CPU of another process comes in clock ticks, usually 10 ms: short runs say little.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "bench/bench_command.h"

namespace penstock::bench {

struct RunCost {
  double client_cpu_seconds = 0;
  std::optional<double> broker_cpu_seconds;
  std::optional<std::uint64_t> broker_rss_bytes;  // at the end
  std::optional<std::uint64_t> bytes_per_flush;
};

class BrokerWatch {
 public:
  // Samples now.
  static BrokerWatch begin(const BenchConfig& config);
  // What was used since begin().
  RunCost end() const;

 private:
  struct Sample {
    double client_cpu_seconds = 0;
    std::optional<double> broker_cpu_seconds;
    std::optional<double> flushes;
    std::optional<double> appended_bytes;
  };
  Sample sample() const;

  std::int64_t pid_ = -1;
  std::optional<rpc::Endpoint> metrics_;
  Sample before_;
};

// The process that listens on a TCP port of this machine; none when it cannot be seen.
std::optional<std::int64_t> listener_pid(std::uint16_t port);

// The text of GET /metrics; kConnectFailed, kIoError.
Result<std::string> fetch_metrics(const rpc::Endpoint& listener);

}  // namespace penstock::bench
