// Broker: a whole broker inside of a test: on a disk in memory, by a clock that the test sets, and
// with the failures that the test asks for.
//
//   auto broker = testing::Broker::start();
//   auto client = (*broker)->connect();
//   (*broker)->fail_next({.api = wire::Api::kProduce, .how = FailHow::kAnswerLost});
//   // ... what the program under test publishes now is written, and it is not told so.
//   (*broker)->advance(std::chrono::hours(24));  // retention, sessions: as if a day had passed
//
// It is the real thing, with the rules, limits and formats of penstockd: what an application sees
// of it, it will see of a cluster, except for other brokers. Each has a port of its own on the
// loopback interface, so that tests may run side by side. Threads: all methods from any thread.
// Lifetime: clients are closed first. Failure: start() and restart() say what is wrong.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/types.h"
#include "client/client.h"
#include "client/config.h"
#include "protocol/rpc/endpoint.h"
#include "protocol/wire/api.h"

namespace penstock::testing {

enum class FailHow : std::uint8_t {
  kRefused,      // not carried out, and answered with `error`
  kRequestLost,  // not carried out; the connection is cut off
  kAnswerLost,   // carried out; the connection is cut off instead of an answer
};

struct Failure {
  wire::Api api = wire::Api::kProduce;  // of requests of that kind ...
  std::string client_name{};            // ... of clients of that name; empty: of all
  FailHow how = FailHow::kRefused;
  Error error{Errc::kNotReady, "the test asked for it"};
  std::uint32_t times = 1;  // that many of them
};

struct BrokerOptions {
  Timestamp now{1'700'000'000'000};  // of the broker's clock
  std::uint64_t disk_bytes = 0;      // 0: as much as there is memory
  std::uint64_t memory_limit_bytes = 256U << 20;  // not less
};

class Broker {
 public:
  static Result<std::unique_ptr<Broker>> start(BrokerOptions options = {});
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  rpc::Endpoint endpoint() const;
  // `config` with this broker's address.
  Result<std::unique_ptr<client::Client>> connect(client::ClientConfig config = {}) const;

  // --- time: the wall clock stands still but for this
  Timestamp now() const;
  void advance(std::chrono::milliseconds by);

  // --- failures
  // One after the other: a request meets the first that is meant for it.
  void fail_next(Failure failure);
  // How many requests have failed that way so far.
  std::uint64_t failed() const;
  // Forgets those that have not happened.
  void clear_failures();
  // From now on the disk has no room left but `bytes`.
  void limit_disk(std::uint64_t bytes);
  void lift_disk_limit();

  // Stops it and starts it again, at the same address, with what is on its disk.
  Status restart();

 private:
  class State;
  explicit Broker(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace penstock::testing
