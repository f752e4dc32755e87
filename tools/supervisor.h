// Supervisor: keeps a broker and an archive worker running on one data directory: what `up` does.
//
// Invariants: the broker is started first and stopped last; a worker that dies is started again
// with growing pauses; when the broker dies, everything ends (what it left behind needs an
// operator's eye, and its log says why).
// Lifetime: run() or the destructor stops both.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "tools/child_process.h"
#include "tools/exit_codes.h"
#include "tools/up_session.h"

namespace penstock::tools {

struct UpConfig {
  std::string bin_dir;  // of penstockd and penstock-worker
  std::string data_dir;
  std::string archive_dir;
  std::uint16_t port = 0;          // 0: any free one
  std::uint16_t metrics_port = 0;  // likewise
  std::vector<std::string> broker_flags;
  std::vector<std::string> worker_flags;
};

class Supervisor {
 public:
  // Starts both and returns when the broker answers. Failure: kLocked (another `up`), kTimeout, or
  // why a process could not be started; the end of its log is in the message.
  static Result<std::unique_ptr<Supervisor>> start(UpConfig config);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Until Ctrl-C or SIGTERM (kOk: stopped as asked), or until the broker dies (kFailed).
  ExitCode run();

  // What runs where, and what to try next.
  std::string panel() const;

 private:
  Supervisor(UpConfig config, UpSession session)
      : config_(std::move(config)), session_(std::move(session)) {}

  std::string log_of(const std::string& process) const;
  Status check_port(std::uint16_t port) const;
  Status start_broker();
  Status wait_for_broker();
  Status start_worker();
  void look_after_worker();
  void stop();
  std::string bootstrap() const { return "127.0.0.1:" + std::to_string(port_); }

  UpConfig config_;
  UpSession session_;
  std::optional<ChildProcess> broker_;
  std::optional<ChildProcess> worker_;
  std::uint16_t port_ = 0;
  std::uint16_t metrics_port_ = 0;
  std::int64_t worker_started_ns_ = 0;
  std::int64_t restart_at_ns_ = 0;
  std::chrono::milliseconds backoff_{0};
};

}  // namespace penstock::tools
