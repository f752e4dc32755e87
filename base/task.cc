#include "base/task.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <exception>

#include "base/assert.h"
#include "base/log.h"

namespace penstock {
namespace {

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

// Cancellation is a result here (kCancelled), not an exception out of every co_await that follows.
Task<void> run_without_throw_on_cancel(Task<void> task) {
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await std::move(task);
}

[[noreturn]] void die_of(const std::string& name, const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    logger("base").error("coroutine ended by exception name={} what={}", name, e.what());
  } catch (...) {
    logger("base").error("coroutine ended by unknown exception name={}", name);
  }
  std::abort();
}

// Takes a waiter out of the list also when its coroutine is destroyed where it stands.
class Registration {
 public:
  Registration(std::list<asio::steady_timer*>& waiters, asio::steady_timer& timer)
      : waiters_(waiters), place_(waiters.insert(waiters.end(), &timer)) {}
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;
  ~Registration() { waiters_.erase(place_); }

 private:
  std::list<asio::steady_timer*>& waiters_;
  std::list<asio::steady_timer*>::iterator place_;
};

bool is_cancelled(const asio::cancellation_state& state) {
  return state.cancelled() != asio::cancellation_type::none;
}

}  // namespace

void Wakeup::notify_all() {
  ++version_;
  for (asio::steady_timer* waiter : waiters_) waiter->cancel();
}

Task<Status> Wakeup::wait(std::uint64_t seen, std::chrono::steady_clock::time_point deadline) {
  asio::steady_timer timer(executor_, deadline);
  const Registration registration(waiters_, timer);
  while (version_ == seen) {
    if (is_cancelled(co_await asio::this_coro::cancellation_state))
      co_return fail(Errc::kCancelled);
    if (std::chrono::steady_clock::now() >= deadline) co_return fail(Errc::kTimeout);
    co_await timer.async_wait(kAsTuple);
  }
  co_return Status{};
}

Task<Status> sleep_for(std::chrono::nanoseconds duration) {
  // A cancellation that an earlier wait has reported does not end this one's timer.
  if (is_cancelled(co_await asio::this_coro::cancellation_state)) co_return fail(Errc::kCancelled);
  asio::steady_timer timer(co_await asio::this_coro::executor, duration);
  co_await timer.async_wait(kAsTuple);
  if (is_cancelled(co_await asio::this_coro::cancellation_state)) co_return fail(Errc::kCancelled);
  co_return Status{};
}

TaskGroup::TaskGroup(asio::any_io_executor executor)
    : executor_(std::move(executor)), ended_(executor_) {}

TaskGroup::~TaskGroup() {
  PENSTOCK_ASSERT(running_.empty(), "a TaskGroup outlives its coroutines");
}

void TaskGroup::spawn(std::string name, Task<void> task) {
  const auto place = running_.emplace(running_.end());
  place->name = std::move(name);
  asio::co_spawn(
      executor_, run_without_throw_on_cancel(std::move(task)),
      asio::bind_cancellation_slot(place->cancel.slot(), [this, place](std::exception_ptr error) {
        if (error) {
          die_of(place->name, error);
        }
        running_.erase(place);
        ended_.notify_all();
      }));
}

void TaskGroup::cancel() {
  // A cancelled coroutine may end at once and take itself out of the list.
  for (auto it = running_.begin(); it != running_.end();) {
    auto next = std::next(it);
    it->cancel.emit(asio::cancellation_type::terminal);
    it = next;
  }
}

Task<void> TaskGroup::wait() {
  while (!running_.empty()) {
    const std::uint64_t seen = ended_.version();
    if (running_.empty()) break;
    if (!co_await ended_.wait(seen)) break;
  }
}

}  // namespace penstock
