// Supervisor: keeps brokers and an archive worker running on one data directory: what `up` does.
//
// Invariants: brokers are started first and stopped last; a worker that dies is started again with
// growing pauses. When the only broker dies, everything ends (what it left behind needs an
// operator's eye, and its log says why); one of several is started again: the others serve
// meanwhile.
// Lifetime: run() or the destructor stops all.
// Format: one broker stands in DATA/broker, several in DATA/broker-1, -2, ..., on the ports of
// DATA/up.ports.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/client.h"
#include "tools/exit_codes.h"
#include "tools/local_ports.h"
#include "tools/supervised_process.h"
#include "tools/up_session.h"

namespace penstock::tools {

struct UpConfig {
  std::string bin_dir;  // of penstockd and penstock-worker
  std::string data_dir;
  std::string archive_dir;
  std::size_t brokers = 0;         // 0: as many as stand there; one in an empty folder
  std::uint16_t port = 0;          // 0: any free one
  std::uint16_t metrics_port = 0;  // likewise
  std::vector<std::string> broker_flags;
  std::vector<std::string> worker_flags;
};

class Supervisor {
 public:
  // Starts all and returns when the brokers answer and have found each other. Failure: kLocked
  // (another `up`), kTimeout, or why a process could not be started; the end of its log is in the
  // message.
  static Result<std::unique_ptr<Supervisor>> start(UpConfig config);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Until Ctrl-C or SIGTERM (kOk: stopped as asked), or until the only broker dies
  // (kFailed).
  ExitCode run();

  // What runs where, and what to try next.
  std::string panel() const;

 private:
  Supervisor(UpConfig config, UpSession session)
      : config_(std::move(config)), session_(std::move(session)) {}

  struct Broker {
    std::string dir;
    std::string port_file;
    LocalPorts ports;  // 0 until it has told
    SupervisedProcess process;
  };

  std::string path(const std::string& name) const { return config_.data_dir + "/" + name; }
  Status choose_brokers();
  Status add_single_broker();
  Status add_cluster(std::size_t count);
  Status start_broker(Broker& broker);
  // Until it answers.
  Status wait_for_broker(Broker& broker);
  // Until all brokers take part, and nothing is wrong.
  Status wait_for_cluster();
  Status start_worker();
  bool is_cluster() const { return brokers_.size() > 1; }
  bool look_after_brokers();
  void stop();
  std::string address(const Broker& broker) const;
  std::string bootstrap() const;

  UpConfig config_;
  UpSession session_;
  std::vector<Broker> brokers_;
  std::optional<SupervisedProcess> worker_;
};

}  // namespace penstock::tools
