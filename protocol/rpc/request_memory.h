// RequestMemory: one allowance of bytes for the requests of all connections of a server.
//
// Invariants: taken() never exceeds capacity(); whoever waits is served in the order in which it
// began to wait, so that a large request is not overtaken for ever by small ones.
// Threads: one. Lifetime: outlives its waiters' interest in it (forget() takes one out).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>

namespace penstock::rpc {

class RequestMemory {
 public:
  using WaiterId = std::uint64_t;

  explicit RequestMemory(std::uint64_t capacity_bytes) : capacity_(capacity_bytes) {}

  // True: `bytes` are taken. False: not enough is free, or somebody waits already; then `resume` is
  // called once when it is worth to ask again (asking again by the same waiter keeps its place).
  // Precondition: bytes <= capacity().
  bool try_take(std::uint64_t bytes, WaiterId waiter, std::function<void()> resume);
  void give_back(std::uint64_t bytes);
  void forget(WaiterId waiter);

  std::uint64_t taken() const { return taken_; }
  std::uint64_t capacity() const { return capacity_; }
  std::size_t waiting() const { return waiters_.size(); }

 private:
  struct Waiter {
    WaiterId id;
    std::uint64_t bytes;
    std::function<void()> resume;
  };

  void wake_first();

  std::uint64_t capacity_;
  std::uint64_t taken_ = 0;
  std::deque<Waiter> waiters_;
};

}  // namespace penstock::rpc
