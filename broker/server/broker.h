// Broker: a whole broker in a process: opens the data directory, serves, and stops cleanly.
//
// Threads: start() and stop() from one thread, which they block; the broker runs its own (shards,
// disk pools). Several brokers may live in one process, on different folders and ports. Failure:
// start() says what is wrong and what to do, and leaves nothing running. When the disk fails,
// on_fatal is called on some thread of the broker and is expected not to return.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"
#include "broker/server/broker_config.h"
#include "protocol/rpc/server.h"

namespace penstock::broker {

struct BrokerEnvironment {
  Env* env = &posix_env();
  const Clock* clock = &system_clock();
  std::uint64_t seed = 0;  // of topic ids; 0: from the system
  std::function<void(const Error&)> on_fatal =
      nullptr;  // null: log and end the process, exit code 3
  // What is put around the handling of requests; called once a shard. Null: nothing.
  std::function<rpc::Handler(rpc::Handler)> around_requests = nullptr;
};

class Broker {
 public:
  // A broker that is to join a cluster waits until it is let in.
  static Result<std::unique_ptr<Broker>> start(const BrokerConfig& config,
                                               BrokerEnvironment environment = {});
  // stop() when that was not called.
  ~Broker();

  std::uint16_t port() const;
  std::uint16_t metrics_port() const;

  // Takes no new connections, lets requests under way finish, closes all logs cleanly. An error
  // means that a log could not be closed cleanly; recovery will look at it.
  Status stop();

 private:
  class State;
  explicit Broker(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace penstock::broker
