// AsyncConsumer: the consumer on an executor: coroutine API, and the fetching behind the blocking
// Consumer.
//
// Threads: the executor of its cluster; shelf() alone may be used from any thread. Lifetime: await
// close() before destruction; the cluster outlives it. Failure: as client/consumer.h says.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/task.h"
#include "client/cluster.h"
#include "client/consumer_core.h"
#include "client/fetch_codec.h"
#include "client/leader_search.h"
#include "client/shelf.h"

namespace penstock::client {

class AsyncConsumer {
 public:
  // kInvalidArgument for a config out of range.
  static Result<std::unique_ptr<AsyncConsumer>> open(Cluster& cluster, ConsumerConfig config,
                                                     const Clock& clock = system_clock());
  ~AsyncConsumer();

  Task<Status> assign(std::vector<Assignment> partitions);
  // Changes what is assigned; what stays is not touched. Positions are looked up by resolve()
  // before.
  void add(std::vector<SeatStart> seats);
  void drop(const std::string& topic, PartitionId partition);
  Task<Result<std::vector<SeatStart>>> resolve(std::vector<Assignment> partitions);
  Task<Status> seek(std::string topic, PartitionId partition, StartAt to);
  Status pause(const std::string& topic, PartitionId partition);
  Status resume(const std::string& topic, PartitionId partition);
  Task<Result<std::vector<Chunk>>> poll(milliseconds wait);
  Task<void> close();

  Shelf& shelf() { return *shelf_; }

 private:
  AsyncConsumer(Cluster& cluster, ConsumerConfig config, const Clock& clock);

  Task<Result<std::vector<SeatStart>>> resolve_once(const std::vector<Assignment>& partitions,
                                                    rpc::Deadline deadline);
  Task<Status> refresh_all(const std::vector<Assignment>& partitions, rpc::Deadline deadline);
  Task<Result<std::vector<SeatStart>>> locate(const std::vector<Assignment>& partitions,
                                              rpc::Deadline deadline);

  Task<void> run();
  Instant pump();
  void fetch_what_can_be_fetched(Instant now);
  void tell_what_was_decided(Instant now);
  Task<void> connect(BrokerId broker);
  Task<void> fetch(std::shared_ptr<rpc::Channel> channel, FetchPlan plan);
  Status take_reply(const FetchPlan& plan, Result<rpc::Reply> reply);
  void keep(const FetchPlan& plan, FetchAnswer answer, Instant now);
  Task<void> refresh(std::string topic);
  Task<void> reset(ConsumerCore::Reset reset);

  Cluster& cluster_;
  const ConsumerConfig config_;
  const Clock& clock_;
  // Shared with wakes that other threads have posted and that may run after this is gone.
  std::shared_ptr<Wakeup> wakeup_;
  Wakeup filled_;  // after each round: for coroutines in poll()
  std::unique_ptr<Shelf> shelf_;
  ConsumerCore core_;
  std::vector<SeatStart> seats_;
  std::vector<Seat> free_seats_;
  std::set<BrokerId> connecting_;
  LeaderSearch search_;
  std::uint32_t refresh_failures_ = 0;  // in a row
  bool stopping_ = false;
  TaskGroup tasks_;
};

}  // namespace penstock::client
