// ShardScene: what a shard gives its partitions, on a disk in memory. The pools are queues that the
// test empties when it likes, and time is the test's.
//
// Threads: the test's. Lifetime: partitions end before it. Fatal errors are in fatal_.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <string>
#include <vector>

#include "broker/partition/partition.h"
#include "fakes/fake_env.h"

namespace penstock::broker {

class ShardScene : public testing::Test {
 protected:
  // Lives as long as the scene.
  explicit ShardScene(PartitionObserver* observer) {
    services_.observer = observer;
    EXPECT_TRUE(env_.create_dirs("/votes"));
    EXPECT_TRUE(votes_.open(env_, "/votes", Uuid{}));
  }

  static std::size_t drain(asio::io_context& io) {
    io.restart();
    return io.poll();
  }
  // All but the disk.
  void run_shard() { drain(shard_); }
  void flush_disk() {
    drain(flush_pool_);
    drain(shard_);
  }
  // Everything that waits for the shard, the flush pool or the background pool.
  void settle() {
    while (drain(flush_pool_) + drain(background_) + drain(shard_) > 0) {
    }
  }

  fakes::FakeEnv env_;
  FakeClock clock_;
  asio::io_context shard_, flush_pool_, background_;
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
      .on_fatal = [this](const Error& e) { fatal_.push_back(e.to_string()); }};
};

}  // namespace penstock::broker
