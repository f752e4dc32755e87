// RealBroker: a penstockd process on a data directory of its own, to be killed and started again.
//
// The binary is $PENSTOCK_BIN_DIR/penstockd. Failure: what goes wrong in starting it is a failed
// test.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "protocol/rpc/endpoint.h"

namespace penstock::client {

class RealBroker {
 public:
  RealBroker();
  ~RealBroker();
  RealBroker(const RealBroker&) = delete;
  RealBroker& operator=(const RealBroker&) = delete;

  static bool is_built();
  rpc::Endpoint endpoint() const { return {"127.0.0.1", port_}; }
  void kill_hard();  // SIGKILL
  void stop();       // SIGTERM, and waits
  // On the same port and data.
  void start();

 private:
  void end(int signal);

  std::filesystem::path folder_;
  std::uint16_t port_ = 0;
  pid_t process_ = -1;
};

}  // namespace penstock::client
