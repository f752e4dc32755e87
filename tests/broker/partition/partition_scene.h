// PartitionTest: a partition on a disk in memory. The disk pools are queues that the test empties
// when it likes, so every story says exactly what was on disk when.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <any>
#include <boost/asio/co_spawn.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/partition/partition.h"
#include "protocol/record/builder.h"
#include "tests/broker/partition/shard_scene.h"

namespace penstock::broker {

class CountingObserver final : public PartitionObserver {
 public:
  void appended(std::uint64_t, std::int64_t records, std::int64_t) override {
    records_appended += records;
  }
  void repeated(std::uint32_t batches) override { repeated_batches += batches; }
  void flushed(std::int64_t, std::int64_t) override { ++flushes; }
  void checkpointed(std::int64_t) override { ++checkpoints; }
  void read(std::uint64_t, bool from_disk) override { ++(from_disk ? cold_reads : cached_reads); }
  void retention_freed(std::uint64_t bytes) override { freed += bytes; }

  std::int64_t records_appended = 0;
  int flushes = 0, checkpoints = 0, cold_reads = 0, cached_reads = 0;
  std::uint64_t freed = 0;
  std::uint32_t repeated_batches = 0;
};

inline Bytes batch_of(const std::string& value) {
  record::BatchBuilder builder;
  builder.append(Timestamp(1'000), std::nullopt, as_bytes(value));
  return builder.build().value();
}

class PartitionTest : public ShardScene {
 protected:
  PartitionTest() : ShardScene(&observer_) { partition_ = open("/orders", PartitionId(3)); }
  ~PartitionTest() override { settle(); }

  // An only voter, in its seventh term unless it voted already.
  std::shared_ptr<Partition> open(const std::string& dir, PartitionId number,
                                  std::optional<raft::HardState> voted = std::nullopt) {
    const TopicPartition id{{}, number};
    ReplicaOptions options;
    options.self = raft::NodeId(1);
    options.first_membership.voters = {raft::NodeId(1)};
    options.term_floor = Term(6);
    auto opened = Replica::open(env_, clock_, dir, {id}, rules_.log, options, voted).value();
    auto partition = std::make_shared<Partition>(services_, id, dir.substr(1), rules_,
                                                 std::move(opened.replica));
    partition->start();
    settle();
    EXPECT_TRUE(partition->check_ready());
    return partition;
  }

  Result<Appended> append(const std::string& value) {
    Bytes batch = batch_of(value);
    return partition_->append(batch);
  }
  // Appends, and notes in `events_` when the acknowledgement comes.
  void produce(const std::string& value) {
    const Appended done = append(value).value();
    partition_->when_committed(done.end(), done.term, [this, value](const Status& status) {
      events_.push_back(value + (status ? " acked" : " " + status.error().to_string()));
    });
  }

  template <typename T>
  std::optional<T> begin(Task<T> task) {
    asio::co_spawn(shard_, std::move(task),
                   [this](const std::exception_ptr&, T value) { result_ = std::move(value); });
    return std::nullopt;
  }

  CountingObserver observer_;
  PartitionRules rules_;
  std::shared_ptr<Partition> partition_;
  std::vector<std::string> events_;
  std::any result_;
};

}  // namespace penstock::broker
