// Replica: one replicated log on one node: a consensus group on top of a storage log.
//
// The log is the Raft log: a batch is stored once, as it came, and sent to followers as it lies on
// disk. This class joins the two cores and decides; waiting for disks and sockets is the shell's:
// it hands in messages and time, takes the output, and runs tickets on its pools. The simulator is
// another such shell.
//
// Invariants: records below committed() are on the disks of a majority and never change; an append
// is one batch range in one term; a batch from a peer enters the log only if its checksum and its
// header agree with the message that it came with. Threads: one at a time (the shard's); tickets
// run elsewhere. Failure: kDiskFull leaves everything as it was (a follower's leader repeats), and
// so does an append of one's own that fails without fencing the log. Any other failed write, and
// every failed flush, is output.fatal: the process is expected to end.
// output.fault: this log contradicts the cluster's. After either, and after close(), the replica is
// out of service: inputs do nothing, it follows nobody, what is committed can still be read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"
#include "broker/host/peer_message.h"
#include "broker/host/producer_file.h"
#include "broker/producers/note_batches.h"
#include "broker/raft/group.h"
#include "storage/log.h"

namespace penstock::broker {

// State that goes with the beginning of a log and is not in it any more: what a state machine had
// become by the log start. Logs without one (plain partitions) need none.
class StateAtStart {
 public:
  virtual ~StateAtStart() = default;
  // The state as of exactly `start`, to be sent to a follower. kNotReady: make one first.
  virtual Result<SharedBytes> state_at(raft::LogPoint start) = 0;
  // Makes a received state durable, before the log is reset to `start`. kCorrupt: refused.
  virtual Status install(raft::LogPoint start, ByteView state) = 0;
};

struct ReplicaOptions {
  raft::NodeId self;
  // Of a log that was never begun, from the controller's placement; otherwise the disk knows
  // better. Of nobody: this broker joins a group that others began; it follows, neither votes nor
  // campaigns, and learns who takes part from its leader.
  raft::Membership first_membership;
  raft::Options raft;
  std::uint64_t seed = 0;  // of election jitter
  // Of a broker that is alone: its next term is above this one, whatever the disk says.
  Term term_floor = raft::kFirstTerm;
  StateAtStart* state = nullptr;  // outlives the replica
};

// Writes what bounds recovery: run() on any thread.
struct ReplicaCheckpoint {
  storage::CheckpointTicket log;
  std::shared_ptr<ProducerFile> file;
  std::shared_ptr<const ProducerSnapshot> producers;  // none: not due

  Status run() const;  // blocking; without the producers more is read at the next open, that is all
};

struct ReplicaAppend {
  Offset base_offset;
  Offset end;
  Timestamp max_timestamp;
  Term term;
};

struct ReplicaOutput {
  std::vector<PeerMessage> messages;      // may leave at once, in this order
  std::optional<raft::HardState> save;    // make durable, then saved()
  bool wants_flush = false;               // begin_flush() when the disk is free
  std::vector<std::uint64_t> cold_reads;  // take_cold_read(), run it on a pool, complete it
  std::optional<Offset> committed;        // moved to
  bool role_changed = false;              // role(), leader(), term(), is_ready()
  // Records at and behind it are gone: uncommitted ones, or damaged ones that are to come again.
  std::optional<Offset> truncated_to;
  bool was_reset = false;  // the log begins anew at log_start()
  std::vector<raft::ReadReady> reads_ready;
  std::vector<std::uint64_t> reads_failed;
  std::optional<Error> fatal;
  std::optional<std::string> fault;
};

// Messages that came and were of no use; for metrics.
struct ReplicaStats {
  std::uint64_t bad_attachments = 0;  // batches that are not what their message says
  std::uint64_t refused_appends = 0;  // good ones that the log did not take (no space, damage)
  std::uint64_t refused_installs = 0;
  std::uint64_t mended_runs = 0;     // damage here that was put right with the leader's bytes
  std::uint64_t cuts_at_damage = 0;  // ... or that was cut, to be sent again with all behind it
  std::uint64_t begun_anew = 0;      // files of before that lacked tombstones which are gone by now
};

// Looking at everything that lies on the disk, whether it is still what was written.
struct ScrubState {
  Offset next;                    // of the pass that is under way, or of the next one
  std::uint64_t pass_bytes = 0;   // looked at in that pass
  std::uint64_t total_bytes = 0;  // since open
  std::uint64_t passes = 0;       // finished since open
  std::int64_t finished_ms = -1;  // steady clock, of the last one
  Timestamp finished_at;          // the same by the wall clock; -1: none yet
  // Ranges in which this copy's digest differs from the leader's although both are valid: the last
  // one, and how many. Somebody must look: which one is right cannot be told from here.
  std::uint64_t divergences = 0;
  std::optional<RangeDigest> divergent;
  std::uint64_t compared = 0;  // ranges whose digest was equal
};

// What a pass of key compaction may do, beyond what the replica knows itself.
struct ReplicaCompaction {
  // Nothing at or behind it is touched: what is made of the log by others has a snapshot there.
  Offset limit = storage::kNoLimit;
  std::int64_t min_lag_ms = 0;
  std::size_t map_bytes = storage::kCompactionMapBytes;
  std::uint64_t hash_seed = 0;  // another one for each pass
};

// What readers see as the beginning of a shortened log.
enum class BeginsAt : std::uint8_t { kBatch, kRecord };

class CatchUpPace;

class Replica {
 public:
  struct Opened;
  // Opens or begins the log in `dir`; `hard_state` is what the vote store knows of the group (none:
  // it never voted; then the term of the last batch is taken).
  static Result<Opened> open(Env& env, const Clock& clock, std::string dir,
                             storage::LogIdentity identity, storage::LogOptions log_options,
                             ReplicaOptions options, std::optional<raft::HardState> hard_state);
  ~Replica();

  // Members that are late are sent what they lack at this pace, which outlives the replica; without
  // one as fast as they take it.
  void set_catch_up_pace(CatchUpPace& pace);

  // --- inputs; take_output() after each, or after several
  void receive(const PeerMessage& message);
  void tick();
  std::int64_t next_deadline_ms() const;
  ReplicaOutput take_output();

  // Leader: appends batches (each one valid, checked by the caller); positions are assigned in
  // place. kNotLeader, kNotReady, kOverloaded, kDiskFull, kPartitionDamaged.
  Result<ReplicaAppend> append(MutableByteView batches);

  // Leader: what these batches are to the log as it is now: new, or in it already (check_part()).
  // kNotLeader; kNotReady while it is not known what the log holds; kInvalidBatch.
  Result<PartVerdict> check_producers(ByteView batches);
  // None: logs of state machines have none, and damage may keep a log from having one.
  const ProducerTable* producers() const;

  void saved(const raft::HardState& state);

  bool needs_flush() const;
  storage::FlushTicket begin_flush();
  void complete_flush(const storage::FlushTicket& ticket, const Status& status);
  bool wants_checkpoint() const;
  ReplicaCheckpoint begin_checkpoint();
  void complete_checkpoint(const ReplicaCheckpoint& checkpoint, const Status& status);

  storage::Log::FileRead take_cold_read(std::uint64_t ticket);
  void complete_cold_read(std::uint64_t ticket, Result<storage::ReadResult> result);

  // The shell could not send the message with its state, or the receiver refused it.
  void install_failed(raft::NodeId to);

  // --- requests to a leader (see raft::Group)
  Status change_membership(const std::vector<raft::NodeId>& voters,
                           const std::vector<raft::NodeId>& learners);
  Status transfer_leadership(raft::NodeId to);
  Status read_index(std::uint64_t context);
  void step_down();

  // --- reading: whole batches below `limit` (at most committed() for consumers)
  Result<storage::ReadResult> read(Offset offset, std::uint64_t max_bytes, Offset limit,
                                   bool cached_only);
  Result<storage::Log::FileRead> prepare_read(Offset offset, std::uint64_t max_bytes, Offset limit);

  // --- scrubbing: begin, run on a pool, complete; until there is nothing more in this pass. What
  // is found is damage() of the log. A leader tells the others the digest of what it has seen.
  std::optional<storage::Log::FileRead> begin_scrub(std::uint64_t max_bytes);
  void complete_scrub(const Result<storage::ReadResult>& result);
  const ScrubState& scrub() const;

  // --- key compaction (storage/compaction.h), below committed(), of a log that keeps tombstones
  // for some time; none: it is not compacted, and the other members are told so.
  void keep_tombstones(std::optional<std::int64_t> delay_ms);
  // None: there is nothing to do, or not now. As Log; may write a small file.
  Result<std::optional<storage::CompactionTicket>> begin_compaction(
      const ReplicaCompaction& wanted);
  Result<storage::CompactionProgress> complete_compaction(const storage::CompactionTicket& ticket,
                                                          const Status& status);
  // As Log::seal(): what is written so far can be compacted after a checkpoint. Blocks.
  Status seal();
  // What every member has compacted long enough ago, as far as is known here.
  Offset settled_by_all() const;

  // --- retention; never beyond committed(). Both block, as truncation of the log does.
  // The log begins at the batch that holds `before`; for readers (kRecord) exactly there. Returns
  // log_start() afterwards, of which a leader tells the others. kOffsetOutOfRange beyond
  // committed(); what is not on this disk yet stays.
  Result<Offset> delete_records(Offset before, BeginsAt begins_at = BeginsAt::kBatch);
  Result<std::uint64_t> apply_retention();
  Status close();  // clean; nothing may be called but the destructor afterwards

  // --- state
  raft::Role role() const;
  raft::NodeId leader() const;
  Term term() const;
  bool is_ready() const;  // leads, and may answer for the end of the log
  // For readers. The log itself may begin earlier, with the batch that holds this record.
  Offset log_start() const;
  Offset log_end() const;
  Offset durable_end() const;
  Offset committed() const;
  // For receipts: voters, and those of them that are known to hold everything below `end` on disk:
  // a majority of them when that is committed.
  std::uint32_t replicas() const;
  std::uint32_t replicas_durable_at(Offset end) const;
  // This copy is not whole: it neither leads nor votes for a log that is shorter.
  bool is_damaged() const;
  const ReplicaStats& stats() const;
  const raft::Group& group() const;
  storage::Log& log();

 private:
  struct State;
  explicit Replica(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct Replica::Opened {
  std::unique_ptr<Replica> replica;
  storage::RecoveryReport report;
  // The side file was missing or damaged: memberships were looked for in the whole log.
  bool rebuilt_state = false;
};

}  // namespace penstock::broker
