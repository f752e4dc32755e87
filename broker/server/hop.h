// Crossing from one shard to another: as a message there and a message back, never with a lock.
//
// run_on() of base/task.h carries a plain function over; call_on() a coroutine. Neither is
// cancelled half-way: what was begun on the other side is awaited.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

#include "base/log.h"
#include "base/task.h"

namespace penstock::broker {

[[noreturn]] void die_of_exception(const std::exception_ptr& error);

// Runs `task` on `there` and comes back to the caller's executor with its value.
template <typename T>
Task<T> call_on(asio::any_io_executor there, Task<T> task) {
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(T)>(
      [](auto handler, asio::any_io_executor on, Task<T> work) {
        auto home = asio::get_associated_executor(handler);
        asio::co_spawn(
            on, std::move(work),
            [handler = std::move(handler), home, busy = asio::make_work_guard(home)](
                const std::exception_ptr& error, T value) mutable {
              if (error) die_of_exception(error);
              asio::post(home, [handler = std::move(handler), value = std::move(value)]() mutable {
                std::move(handler)(std::move(value));
              });
            });
      },
      asio::use_awaitable, std::move(there), std::move(task));
}

}  // namespace penstock::broker
