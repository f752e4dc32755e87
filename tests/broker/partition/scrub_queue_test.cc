// Scrubbing: how fast, whose turn it is, and what it finds. The pools are queues, the clock is
// fake.
#include "broker/partition/scrub_queue.h"

#include <gtest/gtest.h>

#include "broker/partition/limits.h"
#include "protocol/record/builder.h"
#include "tests/broker/partition/shard_scene.h"

namespace penstock::broker {
namespace {

class QuietObserver final : public PartitionObserver {
 public:
  void appended(std::uint64_t, std::int64_t, std::int64_t) override {}
  void flushed(std::int64_t, std::int64_t) override {}
  void checkpointed(std::int64_t) override {}
  void read(std::uint64_t, bool) override {}
  void retention_freed(std::uint64_t) override {}
  void scrubbed(std::uint64_t bytes) override { scrubbed_bytes += bytes; }
  void damage_changed(const TopicPartition&, std::size_t ranges) override { damaged = ranges; }

  std::uint64_t scrubbed_bytes = 0;
  std::size_t damaged = 0;
};

class ScrubQueueTest : public ShardScene {
 protected:
  ScrubQueueTest() : ShardScene(&observer_) { services_.scrubs = &scrubs_; }
  ~ScrubQueueTest() override {
    scrubs_.stop();
    settle();
    EXPECT_TRUE(fatal_.empty()) << fatal_.front();
  }

  std::shared_ptr<Partition> open(int number) {
    const TopicPartition id{{}, PartitionId(number)};
    ReplicaOptions options;
    options.self = raft::NodeId(1);
    options.first_membership.voters = {raft::NodeId(1)};
    const std::string dir = "/p" + std::to_string(number);
    auto opened = Replica::open(env_, clock_, dir, {id}, {}, options, std::nullopt).value();
    auto partition = std::make_shared<Partition>(services_, id, "orders", PartitionRules{},
                                                 std::move(opened.replica));
    partition->start();
    settle();
    return partition;
  }
  void fill(Partition& partition, int batches) {
    for (int i = 0; i < batches; ++i) {
      record::BatchBuilder builder;
      builder.append(Timestamp(1), std::nullopt, as_bytes(std::string(100'000, 'x')));
      Bytes batch = builder.build().value();
      EXPECT_TRUE(partition.append(batch));
    }
    settle();
  }
  // As its timer does, once a millisecond.
  void run(std::chrono::milliseconds time) {
    for (std::int64_t ms = 0; ms < time.count(); ++ms) {
      clock_.advance_ms(1);
      scrubs_.run_due();
      settle();
    }
  }

  QuietObserver observer_;
  ScrubQueue scrubs_{shard_.get_executor(), background_.get_executor(), clock_, 1U << 20};
};

TEST_F(ScrubQueueTest, EverythingIsReadOnceAtTheGivenRateAndThenNotForAWeek) {
  const auto first = open(1);
  const auto second = open(2);
  fill(*first, 20);
  fill(*second, 20);
  run(kScrubStartDelay - std::chrono::milliseconds(100));
  EXPECT_EQ(observer_.scrubbed_bytes, 0U) << "not at once";
  run(std::chrono::milliseconds(2'100));
  EXPECT_GT(observer_.scrubbed_bytes, 1U << 20);
  EXPECT_LT(observer_.scrubbed_bytes, 3U << 20) << "about a mebibyte a second";
  EXPECT_TRUE(first->scrub_status().under_way != second->scrub_status().under_way)
      << "one after the other";
  run(std::chrono::milliseconds(3'000));
  for (const auto& partition : {first, second}) {
    EXPECT_EQ(partition->scrub_status().passes, 1U);
    EXPECT_EQ(partition->scrub_status().bytes, partition->size_bytes());
    EXPECT_EQ(partition->scrub_status().last_finished.ms() > 0, true);
  }
  run(std::chrono::milliseconds(1'000));
  EXPECT_EQ(first->scrub_status().passes, 1U);
  clock_.advance_ms(kScrubPeriod.count());
  run(std::chrono::milliseconds(5'000));
  EXPECT_EQ(first->scrub_status().passes, 2U);
  EXPECT_EQ(second->scrub_status().passes, 2U);
}

TEST_F(ScrubQueueTest, RotIsFoundAndSaidAndTheRestIsReadAsWell) {
  const auto partition = open(1);
  fill(*partition, 20);
  const std::string path = "/p1/00000000000000000000.log";
  Bytes bytes = *env_.contents(path);
  bytes[150'000] ^= std::byte{1};
  env_.put(path, bytes);
  run(kScrubStartDelay + std::chrono::milliseconds(5'000));
  EXPECT_EQ(observer_.damaged, 1U);
  EXPECT_EQ(partition->damaged_ranges(), 1U);
  EXPECT_EQ(partition->scrub_status().passes, 1U);
  EXPECT_EQ(partition->scrub_status().repair, "no other broker holds a copy");
  EXPECT_GT(observer_.scrubbed_bytes, 1'500'000U);
}

TEST_F(ScrubQueueTest, PartitionsMayGoAtAnyTime) {
  auto partition = open(1);
  fill(*partition, 20);
  run(kScrubStartDelay + std::chrono::milliseconds(500));
  EXPECT_TRUE(partition->scrub_status().under_way);
  partition.reset();
  run(std::chrono::milliseconds(2'000));
  fill(*open(2), 1);
  run(std::chrono::milliseconds(1'000));
}

}  // namespace
}  // namespace penstock::broker
