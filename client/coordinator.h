// Coordinator: the way to the broker that coordinates one group.
//
// It is found when it is first needed, and again when whoever was found says that it is not, is
// silent, or cannot be reached. Threads: the cluster's executor. Lifetime: the cluster outlives it.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/task.h"
#include "client/cluster.h"
#include "protocol/rpc/typed_call.h"

namespace penstock::client {

// What becomes of a group that nobody ever heard of.
enum class NewGroup : std::uint8_t { kMayBegin, kIsUnknown };

class Coordinator {
 public:
  Coordinator(Cluster& cluster, std::string group, NewGroup new_group)
      : cluster_(cluster), group_(std::move(group)), new_group_(new_group) {}

  const std::string& group() const { return group_; }

  // One attempt. kTimeout and kConnectionLost: what became of the request is unknown.
  template <typename Response, typename Request>
  Task<Result<Response>> ask(wire::Api api, Request request, rpc::Deadline deadline) {
    PENSTOCK_CO_TRY_ASSIGN(const auto channel, co_await open_channel(deadline));
    auto reply = co_await rpc::call<Response>(*channel, api, rpc::serialize(request), {}, deadline);
    if (reply) co_return std::move(reply->message);
    note_failure(reply.error(), channel);
    co_return std::unexpected(std::move(reply).error());
  }

  // ... until the deadline, with pauses. For requests that may be carried out twice.
  template <typename Response, typename Request>
  Task<Result<Response>> ask_until(wire::Api api, Request request, rpc::Deadline deadline) {
    for (std::uint32_t failures = 0;;) {
      auto answer = co_await ask<Response>(api, request, cluster_.attempt_deadline(deadline));
      if (answer || !answer.error().retriable()) co_return answer;
      const auto retry_at = std::chrono::steady_clock::now() + cluster_.pause(++failures);
      if (retry_at >= deadline) co_return answer;
      PENSTOCK_CO_TRY(co_await sleep_for(retry_at - std::chrono::steady_clock::now()));
    }
  }

 private:
  Task<Status> find(rpc::Deadline deadline);
  Task<Result<std::shared_ptr<rpc::Channel>>> open_channel(rpc::Deadline deadline);
  void note_failure(const Error& error, const std::shared_ptr<rpc::Channel>& channel);

  Cluster& cluster_;
  const std::string group_;
  const NewGroup new_group_;
  BrokerId broker_ = kNoBroker;
};

}  // namespace penstock::client
