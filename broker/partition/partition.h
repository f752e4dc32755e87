// Partition: the shell of one partition: append path, fetch path, high watermark, housekeeping.
//
// Invariants: appends take effect in the order of their calls; a record below the high watermark is
// durable (on one broker, the high watermark is the durable end); a producer that asked for fsynced
// is answered only after its records are; consumers see only what is below the high watermark.
// Threads: the shard's, for life. Disk waits run on the pools and come back.
// Lifetime: shared with the work under way; the shard's table holds it until retire() or close().
// Failure: kDiskFull is retriable and leaves everything as it was. Whatever fences the log (a
// failed flush, write or sync, in an append, a checkpoint or a truncation alike) is handed to
// on_fatal(), which is expected to end the process; if it returns, all who wait get the error.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "base/types.h"
#include "broker/partition/append_rules.h"
#include "broker/partition/checkpoint_queue.h"
#include "broker/partition/disk_guard.h"
#include "broker/partition/flush_queue.h"
#include "broker/partition/partition_observer.h"
#include "storage/log.h"

namespace penstock::broker {

enum class Durability : std::uint8_t { kFsynced, kWritten };

// What a topic's settings mean to one of its partitions.
struct PartitionRules {
  AppendRules append;
  Durability default_durability = Durability::kFsynced;
  storage::LogOptions log;
};

// What the partitions of one shard share.
struct PartitionServices {
  asio::any_io_executor shard;
  asio::any_io_executor background;  // cold reads and housekeeping
  const Clock* clock = nullptr;
  FlushQueue* flushes = nullptr;
  CheckpointQueue* checkpoints = nullptr;
  DiskGuard* disk = nullptr;
  PartitionObserver* observer = nullptr;
  std::function<void(const Error&)> on_fatal;
};

struct Appended {
  Offset base_offset;
  Offset last_offset;
  Timestamp append_time;  // LogAppendTime topics; else -1
  Offset end() const { return last_offset + 1; }
};

// Told once when the high watermark moves or the partition closes; watch() again for the next time.
class HighWatermarkWatcher : public boost::intrusive::list_base_hook<
                                 boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  virtual ~HighWatermarkWatcher() = default;
  virtual void high_watermark_moved() = 0;
};

class Partition : public std::enable_shared_from_this<Partition> {
 public:
  using DurableHandler = std::move_only_function<void(const Status&)>;

  Partition(PartitionServices& services, TopicPartition id, std::string topic_name,
            PartitionRules rules, Term epoch, std::unique_ptr<storage::Log> log);

  const TopicPartition& id() const { return id_; }
  const std::string& name() const { return name_; }  // "orders/3"
  Term epoch() const { return epoch_; }
  Offset log_start() const { return log_->log_start(); }
  Offset log_end() const { return log_->log_end(); }
  Offset high_watermark() const { return log_->durable_end(); }
  std::uint64_t size_bytes() const { return log_->size_bytes(); }
  Durability default_durability() const { return rules_.default_durability; }
  std::size_t damaged_ranges() const { return log_->damage().size(); }
  // kPartitionDamaged with what is known; for descriptions.
  Status health() const;

  // kStaleEpoch when a request was made for another epoch than the present one; -1 and 0 are not
  // fenced.
  Status check_epoch(Term requested) const;

  // First stage of a produce: checks and appends. In the page cache when it returns, and a flush
  // that covers it is under way or in line.
  Result<Appended> append(MutableByteView batches);
  // Second stage: called once, with success when everything below `end` is durable. At once if it
  // is.
  void when_durable(Offset end, DurableHandler handler);
  // Both stages; the first one runs before the first suspension.
  Task<Result<Appended>> append_durably(MutableByteView batches, Durability durability);

  // Whole batches below the high watermark from the one that holds `offset`. kWouldBlock: read()
  // it.
  Result<storage::ReadResult> read_cached(Offset offset, std::uint64_t max_bytes);
  Task<Result<storage::ReadResult>> read(Offset offset, std::uint64_t max_bytes);
  // Precondition: not watching anything.
  void watch(HighWatermarkWatcher& watcher) { watchers_.push_back(watcher); }

  // The record for a time; none when no record is that late. Reads one run of an index.
  Result<std::optional<storage::TimestampOffset>> find_timestamp(Timestamp at);
  Result<std::optional<storage::TimestampOffset>> max_timestamp();

  // Makes records below `before` unreadable; returns the new log start. kOffsetOutOfRange.
  Result<Offset> delete_records(Offset before);
  void apply_retention();
  void set_rules(PartitionRules rules);

  // Ends service because the topic is gone, and returns when no disk work is under way any more:
  // the files may be moved away then.
  Task<void> retire();
  // Waits for work under way, then closes the log cleanly. Precondition: nobody appends any more.
  Task<Status> close();

  // --- for FlushQueue and CheckpointQueue
  storage::FlushTicket begin_flush();
  void complete_flush(const storage::FlushTicket& ticket, const Status& status,
                      std::int64_t queued_ns, std::int64_t took_ns);
  bool wants_checkpoint() const;
  bool is_dirty() const { return !closed_ && checkpointed_end_ < log_->log_end(); }
  storage::CheckpointTicket begin_checkpoint();
  void complete_checkpoint(const storage::CheckpointTicket& ticket, const Status& status,
                           std::int64_t took_ns);
  void left_checkpoint_queue() { in_checkpoint_queue_ = false; }

 private:
  struct Waiter {
    Offset end;
    DurableHandler handler;
  };
  using Watchers =
      boost::intrusive::list<HighWatermarkWatcher, boost::intrusive::constant_time_size<false>>;

  Status admits(std::size_t bytes) const;
  void appended_something();
  void release_waiters(Offset durable_end);
  void fail_waiters(const Error& error);
  void wake_watchers();
  // Ends the process, and whoever still waits, when the failure fenced the log.
  void end_if_fenced(const Error& error);
  Task<void> wait_until_idle();
  void work_ended();

  PartitionServices& services_;
  const TopicPartition id_;
  const std::string name_;
  PartitionRules rules_;
  const Term epoch_;
  std::unique_ptr<storage::Log> log_;

  std::deque<Waiter> waiters_;  // by end
  Watchers watchers_;
  bool flush_asked_ = false;  // in line or under way
  bool in_checkpoint_queue_ = false;
  Offset checkpointed_end_;
  int work_under_way_ = 0;  // flushes, checkpoints, cold reads
  bool closed_ = false;
  Wakeup idle_;
};

}  // namespace penstock::broker
