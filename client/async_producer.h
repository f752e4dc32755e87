// AsyncProducer: the producer on an executor: coroutine API, and the sending behind the blocking
// Producer.
//
// Threads: the executor of its cluster; intake() alone may be used from any thread. Lifetime: await
// close() before destruction; the cluster outlives it. Failure: as client/producer.h says.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/task.h"
#include "client/cluster.h"
#include "client/intake.h"
#include "client/leader_search.h"
#include "client/producer_core.h"

namespace penstock::client {

class AsyncProducer {
 public:
  // kInvalidArgument for a config out of range.
  static Result<std::unique_ptr<AsyncProducer>> open(Cluster& cluster, ProducerConfig config,
                                                     const Clock& clock = system_clock());
  ~AsyncProducer();

  // Accepts one record; waits for room and metadata, at most max_block. The views in `record` must
  // stay valid until then.
  Task<Status> produce(ProducerRecord record);
  // Accepts one record and waits for its outcome.
  Task<Result<Delivery>> produce_and_wait(ProducerRecord record);
  // Outcomes since the last call; does not wait.
  std::vector<Delivery> take_deliveries();
  Task<Status> flush(milliseconds timeout);
  Task<Status> close(milliseconds timeout);
  ProducerStats stats() const { return intake_->stats(); }

  // Makes a topic known to intake(), which answers kTopicNotKnown until then.
  Task<Status> resolve(std::string topic, rpc::Deadline deadline);
  // Asks for the topic anew: it may have got more partitions.
  Task<Status> look_again(std::string topic, rpc::Deadline deadline);
  Intake& intake() { return *intake_; }
  const ProducerConfig& config() const { return config_; }

 private:
  AsyncProducer(Cluster& cluster, ProducerConfig config, const Clock& clock);

  Task<Status> accept(ProducerRecord record, Ticket ticket);
  Task<void> run();
  Instant pump();
  void take_drafts(Instant now);
  void send_what_can_be_sent(Instant now);
  void refresh_what_is_stale(Instant now);
  void settle();
  std::shared_ptr<rpc::Channel> channel_of(BrokerId broker);

  // A number is needed, and nobody is asking for it: begins to.
  void look_for_identity();
  Task<void> get_identity();
  void take_identity(const Result<SharedBytes>& answer);

  Task<void> connect(BrokerId broker);
  Task<void> send(std::shared_ptr<rpc::Channel> channel, ProduceCall call);
  void take_reply(const ProduceCall& call, Result<rpc::Reply> reply);
  Task<void> refresh(std::string topic);
  void place(const TopicMetadata& topic);

  Cluster& cluster_;
  const ProducerConfig config_;
  const Clock& clock_;
  // Shared with wakes that other threads have posted and that may run after this is gone.
  std::shared_ptr<Wakeup> wakeup_;
  // For coroutines that wait for room or an outcome: whenever there may be some. Not at every
  // round, or the wait for room would keep the sender and its waiters awake in turns.
  Wakeup settled_;
  std::unique_ptr<Intake> intake_;
  ProducerCore core_;
  std::map<std::string, std::vector<Slot>> topics_;  // whose slots are placed
  std::set<BrokerId> connecting_;
  LeaderSearch search_;
  std::uint32_t refresh_failures_ = 0;  // in a row
  const Uuid instance_;                 // of this producer, for whoever shares its name
  bool asks_for_identity_ = false;
  bool is_known_ = true;  // under its name; until the controller says that it has forgotten it
  std::uint32_t identity_failures_ = 0;  // in a row
  std::uint64_t requests_settled_ = 0;
  std::uint64_t retries_settled_ = 0;
  bool stopping_ = false;
  TaskGroup tasks_;
};

}  // namespace penstock::client
