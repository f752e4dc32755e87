// Client::Io: the one thread of a client, and the cluster that lives on it.
//
// Threads: run() from any thread but this one: it blocks its caller until the coroutine has ended.
// Lifetime: ends its thread in the destructor; producers and consumers are gone by then.
#pragma once

#include <boost/asio/io_context.hpp>
#include <future>
#include <thread>
#include <type_traits>
#include <utility>

#include "base/task.h"
#include "client/async_admin.h"
#include "client/client.h"
#include "client/cluster.h"

namespace penstock::client {

class Client::Io {
 public:
  explicit Io(ClientConfig config);
  ~Io();

  Cluster& cluster() { return cluster_; }
  AsyncAdmin& admin() { return admin_; }

  // Runs the coroutine that `start` returns on the thread and returns its result. `start` and what
  // it refers to stay alive meanwhile: the caller stands here.
  template <typename Start>
  auto run(Start start) {
    using Value = typename std::invoke_result_t<Start&>::value_type;
    std::promise<Value> promise;
    std::future<Value> result = promise.get_future();
    asio::post(context_, [this, &start, promise = std::move(promise)]() mutable {
      tasks_.spawn("call", answer<Value>(start(), std::move(promise)));
    });
    return result.get();
  }

  // Producers and consumers that are open: the client must outlive them.
  void attach() { ++attached_; }
  void detach() { --attached_; }

 private:
  // The promise moves into the coroutine: its caller may be gone as soon as it is kept.
  template <typename Value>
  static Task<void> answer(Task<Value> task, std::promise<Value> promise) {
    promise.set_value(co_await std::move(task));
  }

  Task<Status> close_cluster();

  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> busy_;
  Cluster cluster_;
  AsyncAdmin admin_;
  TaskGroup tasks_;
  std::atomic<int> attached_ = 0;
  std::thread thread_;
};

}  // namespace penstock::client
