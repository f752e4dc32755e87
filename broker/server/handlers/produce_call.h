// ProduceCall: one produce request from its attachment to its answer.
//
// Each shard's part is appended in one go on that shard, in the order in which requests came, and
// all of it happens, or is on its way to the other shard, before the handler first suspends. Then
// it waits for the flushes, or for its time to be over: what has no outcome by then is answered
// Timeout (unknown). Threads: `home` for everything but the groups of other shards, which belong to
// those until they are done. Lifetime: shared with whatever still has to report; holds the
// request's bytes until all of them are appended or refused: a call whose time is over may wait for
// a slow disk much longer than its request counts against the memory limit.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "broker/server/handlers/handlers.h"

namespace penstock::broker {

class ProduceCall final : public Waiting, public std::enable_shared_from_this<ProduceCall> {
 public:
  explicit ProduceCall(Call call) : call_(std::move(call)) {}

  // Divides the attachment; kInvalidArgument when its parts do not fit it.
  Status prepare(const wire::v1::ProduceRequest& request);
  void start();
  Task<void> wait();
  wire::v1::ProduceResponse response() const;

  void time_passed(std::int64_t now_ns) override;
  void draining() override {}  // what was appended is flushed; the answer is near

 private:
  // One partition's part, on its way through.
  struct Part {
    TopicPartition id;
    Term epoch;
    MutableByteView bytes;
    // Outcome; complete when its group is done.
    Result<Appended> appended = fail(Errc::kInternal, "not carried out");
    Offset log_start;
    Term leader_epoch;
    Durability durability = Durability::kFsynced;
    // Of the partition; and those that hold the records on disk when the answer is decided.
    std::uint32_t replicas = 1;
    std::uint32_t replicas_fsynced = 0;
  };
  // The parts of one shard.
  struct Group {
    std::vector<Part> parts;
    std::size_t waiting = 0;  // on the group's shard: parts that are not durable yet
    std::int64_t durable_ns = 0;
    bool done = false;  // at home: the parts may be read
  };
  struct Place {
    std::size_t shard;
    std::size_t index;
  };

  void run_group(Shard& shard, Group& group);
  void bytes_are_taken();
  void append(Shard& shard, Group& group, Part& part);
  static void take_receipt(const Partition& partition, Part& part);
  void part_ended(Shard& shard, Group& group);
  void group_done(Group& group);
  void answer(const Part& part, wire::v1::ProduceResponse::PartitionAnswer& out) const;

  Call call_;
  std::vector<Group> groups_;  // by shard index
  std::vector<Place> order_;   // of the request
  std::optional<Durability> durability_;
  std::int64_t deadline_ns_ = 0;
  std::size_t groups_under_way_ = 0;
  std::atomic<std::size_t> groups_to_append_ = 0;
  bool expired_ = false;
  std::move_only_function<void()> resume_;
};

}  // namespace penstock::broker
