// FakeWorld: what the brokers of one fake cluster share: one thread, the topics with their logs,
// and who leads what.
//
// All brokers see the same logs, as if everything was replicated at once; what a cluster may lose
// is told by faults. Threads: on_thread() from the test's thread; everything else on the world's
// own. Lifetime: join() after every broker was shut down, before the brokers go.
#pragma once

#include <boost/asio/io_context.hpp>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "base/bytes.h"
#include "base/task.h"
#include "base/types.h"
#include "protocol/wire/cluster.pb.h"

namespace penstock::client {

class FakeBroker;

struct FakeLog {
  std::vector<Bytes> batches;
  Offset start;
  Offset end;
  std::size_t produces_under_way = 0;
  std::int32_t leader = 0;  // -1: none
  std::int32_t epoch = 1;
};

struct FakeTopic {
  Uuid id;
  std::vector<FakeLog> logs;
};

class FakeWorld {
 public:
  FakeWorld() : thread_([this] { context_.run(); }) {}
  ~FakeWorld() { join(); }

  template <typename Work>
  auto on_thread(Work work) {
    // Shared: the task may still be ending when its result is taken.
    auto task =
        std::make_shared<std::packaged_task<std::invoke_result_t<Work&>()>>(std::move(work));
    auto result = task->get_future();
    asio::post(context_, [task] { (*task)(); });
    return result.get();
  }
  // Until every coroutine has ended.
  void join() {
    if (!thread_.joinable()) return;
    busy_.reset();
    thread_.join();
  }

  asio::io_context& context() { return context_; }

  Wakeup& changed() { return changed_; }
  std::map<std::string, FakeTopic> topics;
  std::map<std::int32_t, FakeBroker*> brokers;
  std::uint64_t next_topic = 1;
  std::int64_t metadata_offset = 0;  // 0: brokers do not tell
  // What ClusterStatus answers, and what AlterCluster was asked for.
  wire::v1::ClusterStatusResponse status;
  std::vector<wire::v1::AlterClusterRequest> alterations;

 private:
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> busy_{asio::make_work_guard(context_)};
  Wakeup changed_{context_.get_executor()};
  std::thread thread_;
};

}  // namespace penstock::client
