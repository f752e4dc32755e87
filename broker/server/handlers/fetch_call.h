// FetchCall: one fetch request: reads its partitions, waits for the high watermark to move, reads
// again.
//
// Only a leader that is ready answers, unless the request takes any replica: then one that is
// behind waits for the offset that was asked for as a leader waits for the next record.
// Nothing is polled: before it waits, it watches every partition it asked for, and any that moves
// wakes it. Threads: home, except for what is read and watched on other shards, one shard at a time
// while home awaits it. Lifetime: shared with watchers and the messages between shards.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "broker/partition/fetch_rules.h"
#include "broker/server/handlers/handlers.h"

namespace penstock::broker {

class FetchCall final : public Waiting, public std::enable_shared_from_this<FetchCall> {
 public:
  FetchCall(BrokerContext& broker, Shard& home);
  ~FetchCall() override;

  Status prepare(const wire::v1::FetchRequest& request);
  Task<void> run();
  wire::v1::FetchResponse response() const;
  std::vector<SharedBytes> attachment() const;

  void time_passed(std::int64_t /*now_ns*/) override {}
  void draining() override { wake_.notify_all(); }

 private:
  struct Part {
    TopicPartition id;
    Offset offset;
    std::uint64_t max_bytes = 0;
    Term epoch;
    // As of the last pass:
    Status status;
    SharedBytes batches;
    Offset high_watermark;
    Offset log_start;
    Term leader_epoch;
  };
  class Watcher;
  enum class ReadFrom : std::uint8_t { kLeader, kAnyReplica };

  Task<void> pass();
  Task<Status> read_group(Shard& shard, const std::vector<std::size_t>& group, std::size_t turn);
  Status check_asked(const Partition& partition, const Part& part) const;
  Task<void> read_part(Shard& shard, Part& part);
  void watch_group(Shard& shard, const std::vector<std::size_t>& group);
  bool is_satisfied() const;
  void moved();
  void unwatch();

  BrokerContext& broker_;
  Shard& home_;
  std::vector<Part> parts_;
  std::vector<std::vector<std::size_t>> groups_;                 // by shard index
  std::vector<std::vector<std::unique_ptr<Watcher>>> watchers_;  // by shard index
  ReadFrom reads_ = ReadFrom::kLeader;
  FetchBudget budget_{0};
  std::uint64_t max_bytes_ = 0;
  std::uint64_t min_bytes_ = 0;
  std::chrono::milliseconds max_wait_{0};
  bool failed_ = false;
  bool full_ = false;  // more is there than fits: waiting cannot make the answer larger
  Wakeup wake_;
  std::atomic<bool> wake_posted_ = false;
};

}  // namespace penstock::broker
