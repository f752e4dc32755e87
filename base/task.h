// Task<T>: the project's coroutine type, and the few ways to run one. Shells only: a core never
// sees Asio.
//
// Threads: everything here belongs to one executor and is called on it; crossing to another one is
// asio::post or run_on().
// Lifetime: no coroutine is detached. A TaskGroup owns what it spawned and outlives it: call
// cancel() and await wait() before the group or anything that the coroutines refer to goes away.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <list>
#include <string>
#include <type_traits>
#include <utility>

#include "base/result.h"

namespace penstock {

namespace asio = boost::asio;

template <typename T = void>
using Task = asio::awaitable<T, asio::any_io_executor>;

// Wakes coroutines of one executor, without a lost notification: read version(), look at the state,
// and if it is not yet as wanted, wait(version): it returns at once if a notification came in
// between.
class Wakeup {
 public:
  explicit Wakeup(asio::any_io_executor executor) : executor_(std::move(executor)) {}

  std::uint64_t version() const { return version_; }
  void notify_all();
  // kTimeout when the deadline passes first; kCancelled when the coroutine is cancelled.
  Task<Status> wait(std::uint64_t seen, std::chrono::steady_clock::time_point deadline =
                                            std::chrono::steady_clock::time_point::max());

 private:
  asio::any_io_executor executor_;
  std::list<asio::steady_timer*> waiters_;
  std::uint64_t version_ = 0;
};

// Waits for `duration`; kCancelled when the coroutine is cancelled.
Task<Status> sleep_for(std::chrono::nanoseconds duration);

// Runs a blocking `work` (disk, never the network) on `pool` and comes back to the caller's
// executor. Not cancellable: what the disk has begun is awaited.
template <typename Work>
auto run_on(asio::any_io_executor pool, Work work) -> Task<std::invoke_result_t<Work&>> {
  using Value = std::invoke_result_t<Work&>;
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Value)>(
      [](auto handler, asio::any_io_executor on, Work job) {
        auto home = asio::get_associated_executor(handler);
        asio::post(on, [handler = std::move(handler), home, job = std::move(job),
                        busy = asio::make_work_guard(home)]() mutable {
          Value value = job();
          asio::post(home, [handler = std::move(handler), value = std::move(value)]() mutable {
            std::move(handler)(std::move(value));
          });
        });
      },
      asio::use_awaitable, std::move(pool), std::move(work));
}

// Owner of coroutines on one executor.
class TaskGroup {
 public:
  explicit TaskGroup(asio::any_io_executor executor);
  ~TaskGroup();  // asserts that nothing runs any more
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Starts `task`; `name` is for logs. An exception that escapes it is a bug and ends the process.
  void spawn(std::string name, Task<void> task);
  // Asks every running coroutine to end (terminal cancellation).
  void cancel();
  // Returns when all spawned coroutines have ended.
  Task<void> wait();
  std::size_t running() const { return running_.size(); }
  const asio::any_io_executor& executor() const { return executor_; }

 private:
  struct Running {
    std::string name;
    asio::cancellation_signal cancel;
  };

  asio::any_io_executor executor_;
  std::list<Running> running_;
  Wakeup ended_;
};

}  // namespace penstock
