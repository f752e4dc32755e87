// PartitionTest: a partition on a disk in memory. The disk pools are queues that the test empties
// when it likes, so every story says exactly what was on disk when.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <any>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/partition/partition.h"
#include "protocol/record/builder.h"
#include "tests/fakes/fake_env.h"

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

class PartitionTest : public testing::Test {
 protected:
  PartitionTest() {
    EXPECT_TRUE(env_.create_dirs("/votes"));
    EXPECT_TRUE(votes_.open(env_, "/votes", Uuid{}));
    partition_ = open("/orders", PartitionId(3));
  }
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

  // Everything that waits for the shard, the flush pool or the background pool.
  static std::size_t drain(asio::io_context& io) {
    io.restart();
    return io.poll();
  }
  void run_shard() { drain(shard_); }
  void flush_disk() {
    drain(flush_pool_);
    drain(shard_);
  }
  void settle() {
    while (drain(flush_pool_) + drain(background_) + drain(shard_) > 0) {
    }
  }

  template <typename T>
  std::optional<T> begin(Task<T> task) {
    asio::co_spawn(shard_, std::move(task),
                   [this](const std::exception_ptr&, T value) { result_ = std::move(value); });
    return std::nullopt;
  }

  fakes::FakeEnv env_;
  FakeClock clock_;
  asio::io_context shard_, flush_pool_, background_;
  CountingObserver observer_;
  DiskGuard disk_{env_, clock_, "/", 0};
  FlushQueue flushes_{shard_.get_executor(), flush_pool_.get_executor(), clock_, 1};
  CheckpointQueue checkpoints_{shard_.get_executor(), background_.get_executor(), clock_};
  TickQueue ticks_{shard_.get_executor(), clock_};
  std::vector<std::string> fatal_;
  VoteQueue votes_{flush_pool_.get_executor(),
                   [this](const Error& e) { fatal_.push_back(e.to_string()); }};
  PartitionServices services_{
      .shard = shard_.get_executor(),
      .background = background_.get_executor(),
      .clock = &clock_,
      .flushes = &flushes_,
      .checkpoints = &checkpoints_,
      .ticks = &ticks_,
      .votes = &votes_,
      .disk = &disk_,
      .observer = &observer_,
      .on_fatal = [this](const Error& e) { fatal_.push_back(e.to_string()); }};
  PartitionRules rules_;
  std::shared_ptr<Partition> partition_;
  std::vector<std::string> events_;
  std::any result_;
};

}  // namespace penstock::broker
