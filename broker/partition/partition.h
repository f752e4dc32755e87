// Partition: the shell of one partition: append path, fetch path, and one replica of its log.
//
// There is one mechanism, whether the partition has one replica or many: the log is a Replica, an
// only voter elects itself, and the high watermark is what the group has committed.
// Invariants: appends take effect in the order of their calls; a record below the high watermark is
// on the disks of a majority and never changes; a producer that asked for fsynced is answered only
// after its records are below it; consumers see nothing beyond. What a producer hears when the
// leader changes is that the outcome is unknown, never that nothing happened.
// Threads: the shard's, for life. Disk waits run on the pools and come back.
// Lifetime: shared with the work under way; start() once; the shard's table holds it until retire()
// or close(). Failure: kDiskFull is retriable and leaves everything as it was. Whatever fences the
// log (a failed flush, write or sync, in an append, a checkpoint or a truncation alike) is handed
// to on_fatal(), which is expected to end the process; if it returns, all who wait get the error. A
// log that contradicts the others' is out of service: what is committed can still be read.
#pragma once

#include <boost/intrusive/list.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "base/types.h"
#include "broker/host/replica.h"
#include "broker/partition/append_rules.h"
#include "broker/partition/checkpoint_queue.h"
#include "broker/partition/compaction_queue.h"
#include "broker/partition/compaction_rules.h"
#include "broker/partition/disk_guard.h"
#include "broker/partition/flush_queue.h"
#include "broker/partition/partition_observer.h"
#include "broker/partition/scrub_queue.h"
#include "broker/partition/tick_queue.h"
#include "broker/partition/vote_queue.h"

namespace penstock::broker {

enum class Durability : std::uint8_t { kFsynced, kWritten };

// What a topic's settings mean to one of its partitions.
struct PartitionRules {
  AppendRules append;
  Durability default_durability = Durability::kFsynced;
  storage::LogOptions log;
  std::optional<CompactionRules> compaction = std::nullopt;  // none: the topic is not compacted
};

// What the partitions of one shard share.
struct PartitionServices {
  asio::any_io_executor shard;
  asio::any_io_executor background;  // cold reads and housekeeping
  const Clock* clock = nullptr;
  FlushQueue* flushes = nullptr;
  CheckpointQueue* checkpoints = nullptr;
  TickQueue* ticks = nullptr;
  VoteQueue* votes = nullptr;
  // To the brokers that hold the other replicas; empty on a broker that has none. May lose it.
  std::function<void(const TopicPartition&, PeerMessage)> send = {};
  // Somebody else leads one of them, or nobody. Called in the middle of it: only
  // to take notice.
  std::function<void()> leadership_changed = {};
  DiskGuard* disk = nullptr;
  CatchUpPace* catch_up = nullptr;  // none: late members are sent as much as they take
  PartitionObserver* observer = nullptr;
  std::function<void(const Error&)> on_fatal;
  ScrubQueue* scrubs = nullptr;            // none: damage is found by who happens to read it
  CompactionQueue* compactions = nullptr;  // none: nothing is compacted
};

// What scrubbing has seen of a partition on this broker, for status and metrics.
struct ScrubStatus {
  Timestamp last_finished;  // of a pass; -1: none since the start
  std::uint64_t passes = 0;
  std::uint64_t bytes = 0;  // looked at since the start
  bool under_way = false;
  std::uint64_t mended_runs = 0;  // damage that was put right from the leader
  std::uint64_t divergences = 0;  // ranges in which this copy is valid and not the leader's
  std::string repair;             // what is being done about damage, in words; empty: there is none
};

struct Appended {
  Offset base_offset;
  Offset last_offset;
  Timestamp append_time;  // LogAppendTime topics; else -1
  Term term;              // of the leader that appended them
  Offset through;         // all of them are durable when everything below is
  // Base of each batch, where they do not follow each other from base_offset on: some were in the
  // log already, which told so by their numbers.
  std::vector<Offset> batches = {};
  Offset end() const { return through; }
};

// Told once when the high watermark moves, when this broker stops leading, or when the partition
// closes; watch() again for the next time.
class HighWatermarkWatcher : public boost::intrusive::list_base_hook<
                                 boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  virtual ~HighWatermarkWatcher() = default;
  virtual void high_watermark_moved() = 0;
};

class Partition : public std::enable_shared_from_this<Partition> {
 public:
  using CommittedHandler = std::move_only_function<void(const Status&)>;

  Partition(PartitionServices& services, TopicPartition id, std::string topic_name,
            PartitionRules rules, std::unique_ptr<Replica> replica);

  // Of a log that a state machine lives on: looks at every output of the replica before it is
  // carried out; true when that gave the replica an input (StateHost::follow). Before start().
  using Follower = std::function<bool(const ReplicaOutput&)>;
  void set_follower(Follower follower) { follower_ = std::move(follower); }
  // Up to where the follower would find its state again without the log: what is compacted lies
  // below. Without it such a log is not compacted.
  void set_compaction_limit(std::function<Offset()> limit) { compaction_limit_ = std::move(limit); }
  // Who shares the replica alone appends to the log, and decides where it begins.
  bool is_written_by_brokers() const { return follower_ != nullptr; }
  // The follower, or whoever else shares the replica, gave it an input.
  void drive() { pump("work of "); }
  // The follower has something under way on a pool: settled(), close() and retire() wait for it.
  void work_began() { ++work_under_way_; }
  void work_ended();

  // Begins to take part. An only voter leads when settled() returns.
  void start();
  // Returns when no disk work is under way.
  Task<void> settled();
  bool is_settled() const { return work_under_way_ == 0; }

  const TopicPartition& id() const { return id_; }
  const std::string& name() const { return name_; }  // "orders/3"
  Term epoch() const { return replica_->term(); }
  Offset log_start() const { return replica_->log_start(); }
  Offset log_end() const { return replica_->log_end(); }
  Offset high_watermark() const { return replica_->committed(); }
  std::uint64_t size_bytes() const { return replica_->log().size_bytes(); }
  // For receipts; see Replica.
  std::uint32_t replicas() const { return replica_->replicas(); }
  std::uint32_t replicas_durable_at(Offset end) const { return replica_->replicas_durable_at(end); }
  std::size_t damaged_ranges() const { return replica_->log().damage().size(); }
  // For status.
  const std::vector<storage::RecoveryReport::Damage>& damage() const {
    return replica_->log().damage();
  }
  std::vector<storage::Log::SegmentInfo> segments() const { return replica_->log().segments(); }
  const Replica& replica() const { return *replica_; }
  // Leads, and may answer for the end of the log: kNotLeader, kNotReady, kPartitionDamaged.
  Status check_ready() const;
  // When a produce is answered that asks for that, or for nothing in particular: behind the leader
  // alone, `written` promises what an election may take back, so it is not offered.
  Durability answers_when(std::optional<Durability> asked) const;
  // kPartitionDamaged with what is known; for descriptions.
  Status health() const;
  ScrubStatus scrub_status() const;

  // kStaleEpoch when a request was made for another epoch than the present one; -1 and 0 are not
  // fenced.
  Status check_epoch(Term requested) const;

  // First stage of a produce: checks and appends. In the page cache when it returns, a flush that
  // covers it is under way or in line, and it is on its way to the other replicas. What a producer
  // has numbered and the log has already is not appended again: it has the offsets of its first
  // copy. kOutOfOrderSequence, kProducerFenced, kUnknownProducer, kDuplicateSequence; as
  // check_ready().
  Result<Appended> append(MutableByteView batches);
  // Second stage: called once, with success when what was appended under `term` up to `end` is
  // committed, at once if it is. kTimeout when the leader changes before that: outcome unknown.
  void when_committed(Offset end, Term term, CommittedHandler handler);
  // Both stages; the first one runs before the first suspension.
  Task<Result<Appended>> append_durably(MutableByteView batches, Durability durability);

  // Whole batches below the high watermark from the one that holds `offset`, on any replica: who
  // wants what the leader knows asks check_ready() before. kWouldBlock: read() it.
  Result<storage::ReadResult> read_cached(Offset offset, std::uint64_t max_bytes);
  Task<Result<storage::ReadResult>> read(Offset offset, std::uint64_t max_bytes);
  // Precondition: not watching anything.
  void watch(HighWatermarkWatcher& watcher) { watchers_.push_back(watcher); }

  // The record for a time; none when no record is that late. Reads one run of an index. As
  // check_ready(): another replica may know of fewer records.
  Result<std::optional<storage::TimestampOffset>> find_timestamp(Timestamp at);
  Result<std::optional<storage::TimestampOffset>> max_timestamp();

  // Makes records below `before` unreadable; returns the new log start, of which the other replicas
  // learn with the next message. kOffsetOutOfRange; as check_ready().
  Result<Offset> delete_records(Offset before);
  // Called once, when a majority of the replicas has heard of the log start of now: at once, if
  // this one decides alone. kTimeout when the leader changes before that: outcome unknown.
  void when_start_is_heard(CommittedHandler handler);
  // Both; the first one runs before the first suspension.
  Task<Result<Offset>> delete_for_all(Offset before);
  void apply_retention();
  void set_rules(PartitionRules rules);

  // Ends service because the topic is gone, and returns when no disk work is under way any more:
  // the files may be moved away then.
  Task<void> retire();
  // Waits for work under way, then closes the log cleanly. Precondition: nobody appends any more.
  Task<Status> close();

  // --- as one replica of several
  void receive(const PeerMessage& message);
  // See Replica.
  Status change_membership(const std::vector<raft::NodeId>& voters,
                           const std::vector<raft::NodeId>& learners);
  Status transfer_leadership(raft::NodeId to);
  void step_down();

  // --- for CompactionQueue
  bool is_compacted() const { return !closed_ && !ended_ && rules_.compaction; }
  CompactionBacklog compaction_backlog() const;
  // Which share of the log is new, when a pass is due. Seals the open file when that is.
  std::optional<double> prepare_compaction();
  std::optional<storage::CompactionTicket> begin_compaction(std::size_t map_bytes,
                                                            std::uint64_t hash_seed);
  // Before each piece runs; false: the pass is over, the partition has ended.
  bool resume_compaction();
  // After it ran; false: the pass is over.
  bool complete_compaction(const storage::CompactionTicket& ticket, const Status& status);
  void left_compaction_queue() { in_compaction_queue_ = false; }

  // --- for FlushQueue, CheckpointQueue, ScrubQueue and TickQueue
  storage::FlushTicket begin_flush();
  void complete_flush(const storage::FlushTicket& ticket, const Status& status,
                      std::int64_t queued_ns, std::int64_t took_ns);
  bool wants_checkpoint() const;
  bool is_dirty() const { return !closed_ && checkpointed_end_ < log_end(); }
  ReplicaCheckpoint begin_checkpoint();
  void complete_checkpoint(const ReplicaCheckpoint& checkpoint, const Status& status,
                           std::int64_t took_ns);
  void left_checkpoint_queue() { in_checkpoint_queue_ = false; }
  void tick_due(std::int64_t at_ms);
  bool can_be_scrubbed() const { return !closed_ && !ended_; }
  // None: this pass is over.
  std::optional<storage::Log::FileRead> begin_scrub(std::uint64_t max_bytes);
  void complete_scrub(const Result<storage::ReadResult>& result);

 private:
  struct Waiter {
    Offset end;
    Term term;
    CommittedHandler handler;
  };
  using Watchers =
      boost::intrusive::list<HighWatermarkWatcher, boost::intrusive::constant_time_size<false>>;

  Status admits(std::size_t bytes) const;
  Status check_writable() const;
  Result<Appended> append_new(MutableByteView batches);
  Result<Appended> append_numbered(MutableByteView batches);
  bool leads(Term term) const;
  Status outcome_of(Offset end, Term term) const;
  void take_heard(const ReplicaOutput& output);
  void fail_waiters(const Error& error);
  void fail_rounds(const Error& error);
  void wake_watchers();

  // --- partition_replica.cc: carries out what the replica wants after a call of it. `doing` is for
  // the text of a failure.
  void pump(const char* doing);
  // False when that was the end.
  bool carry_out(ReplicaOutput output, const char* doing);
  void save(const raft::HardState& state);
  void read_cold(std::uint64_t ticket);
  void ask_for_flush();
  void list_for_checkpoint();
  void list_for_tick();
  void list_for_compaction();
  void follow_compaction_rules();
  void delay_compaction(std::chrono::milliseconds time);
  void need_checkpoint();
  void role_changed();
  void tell_damage();
  void ended(Error error);
  void answer_waiters();

  PartitionServices& services_;
  const TopicPartition id_;
  const std::string name_;
  PartitionRules rules_;
  std::unique_ptr<Replica> replica_;
  Follower follower_;
  std::function<Offset()> compaction_limit_;

  std::deque<Waiter> waiters_;  // by end
  // Of rounds of heartbeats, by their number; then what came of them.
  std::map<std::uint64_t, CommittedHandler> rounds_;
  std::uint64_t next_round_ = 1;
  std::vector<std::pair<CommittedHandler, Status>> heard_;
  Watchers watchers_;
  Offset seen_high_watermark_;
  bool was_ready_ = false;
  std::size_t seen_damage_ = 0;
  std::uint64_t seen_divergences_ = 0;
  bool flush_asked_ = false;  // in line or under way
  bool in_checkpoint_queue_ = false;
  bool in_compaction_queue_ = false;
  std::int64_t no_compaction_before_ms_ = 0;
  Offset checkpointed_end_;
  std::int64_t tick_at_ms_ = 0;  // listed for then; 0: not listed
  int work_under_way_ = 0;       // flushes, checkpoints, cold reads, votes, compaction
  std::optional<Error> ended_;   // out of service for good, and why
  bool closed_ = false;
  Wakeup idle_;
};

}  // namespace penstock::broker
