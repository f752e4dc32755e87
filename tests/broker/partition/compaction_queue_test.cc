// Key compaction of partitions: when a pass is due, how fast it goes, and what it leaves. The pools
// are queues, the clock is fake.
#include "broker/partition/compaction_queue.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <exception>
#include <map>

#include "broker/partition/limits.h"
#include "tests/broker/partition/shard_scene.h"
#include "tests/storage/keyed_batches.h"

namespace penstock::broker {
namespace {

using storage::keyed_batch;
using storage::put;
using storage::tombstone;

// --- when

constexpr std::int64_t kHourMs = 3'600'000;
const CompactionRules kRules{.min_lag_ms = 0, .max_lag_ms = kHourMs, .tombstone_delay_ms = 0};

TEST(CompactionRules, APassBeginsWhenHalfOfTheFilesAreNew) {
  CompactionBacklog backlog{
      .sealed_bytes = 1'000, .dirty_bytes = 499, .open_bytes = 50, .oldest_ms = 5, .open_ms = 1};
  EXPECT_EQ(next_step(kRules, backlog), CompactionStep::kNone);
  backlog.dirty_bytes = 500;
  EXPECT_EQ(next_step(kRules, backlog), CompactionStep::kPass);
}

TEST(CompactionRules, NothingWaitsLongerThanThePromise) {
  CompactionBacklog backlog{.sealed_bytes = 1'000, .dirty_bytes = 1, .oldest_ms = kHourMs - 1};
  EXPECT_EQ(next_step(kRules, backlog), CompactionStep::kNone);
  backlog.oldest_ms = kHourMs;
  EXPECT_EQ(next_step(kRules, backlog), CompactionStep::kPass);
  CompactionRules patient = kRules;
  patient.max_lag_ms.reset();
  EXPECT_EQ(next_step(patient, backlog), CompactionStep::kNone);
}

TEST(CompactionRules, TheOpenFileIsSealedWhenItsOldestRecordHasWaitedThatLong) {
  CompactionBacklog backlog{.open_bytes = 10, .oldest_ms = kHourMs, .open_ms = kHourMs};
  EXPECT_EQ(next_step(kRules, backlog), CompactionStep::kSeal);
  backlog = {.sealed_bytes = 10, .dirty_bytes = 10, .oldest_ms = kHourMs, .open_ms = -1};
  EXPECT_EQ(next_step(kRules, backlog), CompactionStep::kPass);
}

TEST(CompactionRules, TombstonesWhoseTimeIsOverAreWorthAPass) {
  CompactionBacklog backlog{.sealed_bytes = 1'000, .tombstones_are_due = true};
  EXPECT_EQ(next_step(kRules, backlog), CompactionStep::kPass);
  backlog.sealed_bytes = 0;
  EXPECT_EQ(next_step(kRules, backlog), CompactionStep::kNone);
}

// --- how

class CompactionObserver final : public PartitionObserver {
 public:
  void appended(std::uint64_t, std::int64_t, std::int64_t) override {}
  void flushed(std::int64_t, std::int64_t) override {}
  void checkpointed(std::int64_t) override {}
  void read(std::uint64_t, bool) override {}
  void retention_freed(std::uint64_t) override {}
  void compacted(const storage::CompactionFigures& figures) override {
    ++passes;
    superseded += figures.records_superseded;
    tombstones += figures.tombstones_removed;
    freed += figures.bytes_freed;
  }
  void compaction_failed() override { ++failures; }

  int passes = 0;
  int failures = 0;
  std::uint64_t superseded = 0;
  std::uint64_t tombstones = 0;
  std::uint64_t freed = 0;
};

class CompactionQueueTest : public ShardScene {
 protected:
  CompactionQueueTest() : ShardScene(&observer_) {
    services_.compactions = &compactions_;
    rules_.log.segment_bytes = 64U << 10;
    rules_.log.retention_ms = std::nullopt;
    rules_.append.requires_keys = true;
    rules_.compaction = {
        .min_lag_ms = 0, .max_lag_ms = std::nullopt, .tombstone_delay_ms = kHourMs};
  }
  ~CompactionQueueTest() override {
    compactions_.stop();
    settle();
    EXPECT_TRUE(fatal_.empty()) << fatal_.front();
  }

  std::shared_ptr<Partition> open(int number) {
    const TopicPartition id{{}, PartitionId(number)};
    ReplicaOptions options;
    options.self = raft::NodeId(1);
    options.first_membership.voters = {raft::NodeId(1)};
    const std::string dir = "/p" + std::to_string(number);
    auto opened = Replica::open(env_, clock_, dir, {id}, rules_.log, options, std::nullopt).value();
    auto partition =
        std::make_shared<Partition>(services_, id, "state", rules_, std::move(opened.replica));
    partition->start();
    settle();
    return partition;
  }
  void write(Partition& partition, const std::vector<storage::KeyedRecord>& records) {
    Bytes batch = keyed_batch(Offset(0), Term(0), records);
    const auto appended = partition.append(batch);
    EXPECT_TRUE(appended) << appended.error().to_string();
    settle();
  }
  // Four files of updates of four keys.
  void fill(Partition& partition) {
    for (int i = 0; i < 100; ++i) {
      write(partition, {put("k" + std::to_string(i % 4), std::string(2'500, 'x'), i)});
    }
  }
  // As its timers do.
  void run(std::chrono::milliseconds time, std::chrono::milliseconds step) {
    for (auto passed = step; passed <= time; passed += step) {
      clock_.advance_ms(step.count());
      for (auto& partition : partitions_) {
        if (!partition->wants_checkpoint()) continue;
        const ReplicaCheckpoint ticket = partition->begin_checkpoint();
        partition->complete_checkpoint(ticket, ticket.run(), 0);
      }
      compactions_.run_due();
      settle();
    }
  }
  void run(std::chrono::milliseconds time) { run(time, std::chrono::milliseconds(100)); }
  Result<storage::ReadResult> read_at(Partition& partition, Offset offset) {
    std::optional<Result<storage::ReadResult>> found;
    asio::co_spawn(shard_, partition.read(offset, 1U << 20),
                   [&](const std::exception_ptr&, Result<storage::ReadResult> result) {
                     found.emplace(std::move(result));
                   });
    settle();
    return found.value();
  }
  std::map<std::string, std::optional<std::string>> read(Partition& partition) {
    std::map<std::string, std::optional<std::string>> found;
    for (Offset at = partition.log_start(); at < partition.high_watermark();) {
      const auto read = read_at(partition, at);
      if (!read) {
        ADD_FAILURE() << read.error().to_string();
        break;
      }
      for (ByteView rest = read->batches.view(); !rest.empty();) {
        const auto batch = record::BatchView::parse(rest);
        if (!batch->is_control()) {
          for (const auto& [offset, record] : storage::records_of(batch->bytes())) {
            found[*record.key] = record.value;
          }
        }
        rest = rest.subspan(batch->size());
      }
      at = read->next;
    }
    return found;
  }

  CompactionObserver observer_;
  PartitionRules rules_;
  std::vector<std::shared_ptr<Partition>> partitions_;
  CompactionQueue compactions_{shard_.get_executor(),
                               background_.get_executor(),
                               clock_,
                               {.bytes_per_second = 1U << 20, .map_bytes = 1U << 16, .seed = 1}};
};

TEST_F(CompactionQueueTest, WhatIsSupersededGoesAndNoSoonerThanTheRateAllows) {
  partitions_ = {open(1), open(2)};
  for (auto& partition : partitions_) fill(*partition);
  const std::uint64_t before = partitions_[0]->size_bytes();
  run(kCompactionStartDelay - std::chrono::milliseconds(200));
  EXPECT_EQ(observer_.passes, 0) << "not at once";
  run(std::chrono::seconds(60));
  EXPECT_EQ(observer_.passes, 2);
  EXPECT_GT(observer_.superseded, 100U);
  for (auto& partition : partitions_) {
    EXPECT_LT(partition->size_bytes(), before / 2);
    EXPECT_EQ(read(*partition).size(), 4U);
    EXPECT_EQ(partition->compaction_backlog().dirty_bytes, 0U);
  }
  run(std::chrono::seconds(60));
  EXPECT_EQ(observer_.passes, 2) << "nothing is new";
  EXPECT_EQ(observer_.failures, 0);
}

TEST_F(CompactionQueueTest, WhatIsLeftOfTheRateIsTimeBetweenPieces) {
  partitions_ = {open(1)};
  for (int i = 0; i < 5; ++i) fill(*partitions_[0]);
  run(kCompactionStartDelay, kCompactionStartDelay);
  const std::uint64_t to_move = partitions_[0]->size_bytes();
  EXPECT_GT(to_move, 1U << 20);
  int seconds = 0;
  while (observer_.passes == 0 && seconds < 60) {
    run(std::chrono::seconds(1));
    ++seconds;
  }
  EXPECT_EQ(observer_.passes, 1);
  EXPECT_GE(seconds, 2) << "all of it is read twice, at a mebibyte a second";
}

TEST_F(CompactionQueueTest, ARecordOfAQuietTopicIsCompactedInTime) {
  rules_.compaction->max_lag_ms = kHourMs;
  partitions_ = {open(1)};
  write(*partitions_[0], {put("a", "1"), put("b", "1")});
  write(*partitions_[0], {put("a", "2"), tombstone("b")});
  run(std::chrono::seconds(60));
  EXPECT_EQ(observer_.passes, 0) << "little is there, and it is new";
  clock_.advance_ms(kHourMs);
  run(std::chrono::seconds(30));
  EXPECT_EQ(observer_.superseded, 2U);
  EXPECT_TRUE(read(*partitions_[0]).contains("b")) << "readers must hear of it";
  clock_.advance_ms(kHourMs);
  run(std::chrono::seconds(30));
  EXPECT_EQ(observer_.tombstones, 1U);
  EXPECT_EQ(read(*partitions_[0]), (std::map<std::string, std::optional<std::string>>{{"a", "2"}}));
}

TEST_F(CompactionQueueTest, ATopicMayBeginAndCeaseToBeCompacted) {
  const auto wanted = std::exchange(rules_.compaction, std::nullopt);
  partitions_ = {open(1)};
  fill(*partitions_[0]);
  run(std::chrono::seconds(30));
  EXPECT_EQ(observer_.passes, 0);
  rules_.compaction = wanted;
  partitions_[0]->set_rules(rules_);
  run(std::chrono::seconds(30));
  EXPECT_EQ(observer_.passes, 1);
  rules_.compaction = std::nullopt;
  partitions_[0]->set_rules(rules_);
  fill(*partitions_[0]);
  run(std::chrono::seconds(30));
  EXPECT_EQ(observer_.passes, 1);
}

TEST_F(CompactionQueueTest, PartitionsMayGoInTheMiddleOfAPass) {
  partitions_ = {open(1), open(2)};
  for (int i = 0; i < 5; ++i) fill(*partitions_[0]);
  run(kCompactionStartDelay + std::chrono::milliseconds(300));
  EXPECT_EQ(observer_.passes, 0) << "it has begun";
  asio::co_spawn(shard_, partitions_[0]->retire(), asio::detached);
  partitions_.erase(partitions_.begin());
  settle();
  fill(*partitions_[0]);
  run(std::chrono::seconds(30));
  EXPECT_EQ(observer_.passes, 1) << "the other one's turn";
}

TEST_F(CompactionQueueTest, ALogThatAStateMachineLivesOnIsCompactedBelowItsSnapshotsOnly) {
  partitions_ = {open(1)};
  fill(*partitions_[0]);
  partitions_[0]->set_follower([](const ReplicaOutput&) { return false; });
  run(std::chrono::seconds(30));
  EXPECT_EQ(observer_.passes, 0) << "nobody said how far";
  Offset snapshot(0);
  partitions_[0]->set_compaction_limit([&] { return snapshot; });
  run(std::chrono::seconds(30));
  EXPECT_EQ(observer_.passes, 0);
  snapshot = Offset(60);
  run(std::chrono::seconds(30));
  EXPECT_GT(observer_.superseded, 0U);
  EXPECT_LE(observer_.superseded, 60U);
}

TEST_F(CompactionQueueTest, ARecordWithoutAKeyIsRefused) {
  partitions_ = {open(1)};
  Bytes batch = keyed_batch(Offset(0), Term(0), {put("a", "1"), storage::keyless("2")});
  const auto refused = partitions_[0]->append(batch);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kKeyRequired);
}

}  // namespace
}  // namespace penstock::broker
