// What a Replica holds. Its ideas are in files of their own: replica_open.cc (from the disk to a
// group), replica_follower.cc (what a leader sends), replica_join.cc (before that),
// replica_leader.cc (appends, reads for peers), replica_start.cc (where the log begins),
// replica_scrub.cc (whether the disk still has it), replica_numbers.cc (what is known of
// producers), replica_repair.cc (what is damaged comes from others), replica_compaction.cc (what a
// pass may touch), replica.cc (dispatch, flushes, reading).
//
// Invariants: log.log_end() == group.log_end() whenever no call is under way and nothing is fatal;
// `memory` is what is true of the log, `on_disk` what the side file says; on_disk lists at least
// what memory does. Internal to broker/host.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/host/catch_up_pace.h"
#include "broker/host/replica.h"
#include "broker/host/replica_producers.h"
#include "broker/host/replica_state.h"

namespace penstock::broker {

struct Replica::State {
  State(Env& env, const Clock& clock, std::string dir, storage::LogIdentity identity,
        ReplicaOptions options);

  Env& env;
  const Clock& clock;
  const std::string dir;
  const storage::LogIdentity identity;
  const ReplicaOptions options;

  std::unique_ptr<storage::Log> log;
  std::unique_ptr<raft::Group> group;
  ReplicaState memory;
  ReplicaState on_disk;
  Offset damaged_until;  // as the group knows it

  // Of logs that producers write to; not of those that a state machine lives on.
  std::optional<ReplicaProducers> producers;
  std::int64_t make_producers_ms = 0;  // not before that
  Offset time_told_at;                 // leader: where it has put the last time mark
  const std::int64_t opened_ms;

  ReplicaOutput out;
  ReplicaStats stats;
  // Follower: until then appends of something new are dropped unseen. One that the log did not take
  // will not be taken a moment later, and the ones behind it would make the leader begin again at
  // once.
  std::int64_t no_appends_before_ms = 0;

  // --- scrub
  ScrubState scrub;
  std::map<raft::NodeId, RangeDigest> digests;  // leader: to be told

  // --- key compaction
  std::optional<std::int64_t> tombstones_stay_ms;  // none: the log is not compacted
  std::map<raft::NodeId, Offset> settled_of;       // leader: what members told in this term
  Offset settled_by_all_once;

  // --- repair of what is damaged here: asked for with the next answer to the leader
  std::optional<WantedRange> wanted;
  std::int64_t ask_again_ms = 0;
  Offset asked_for;
  std::uint32_t asked_in_vain = 0;

  // --- the flush that is under way
  bool flushing = false;
  std::uint64_t flush_version = 0;

  // --- leader
  std::deque<raft::ControlEntry> control;  // asked for, not in the log yet
  struct Sendable {                        // read, and not yet in a message
    raft::NodeId to;
    raft::EntryRange range;
    SharedBytes batches;
  };
  std::vector<Sendable> sendable;
  struct ColdRead {
    raft::ReadForPeer read;
    std::uint64_t version = 0;
    storage::Log::FileRead work;
  };
  std::map<std::uint64_t, ColdRead> cold;
  CatchUpPace* pace = nullptr;
  std::vector<raft::ReadForPeer> paced;  // reads for late members that wait for their time
  // Since then something waits for a majority, and nothing has got one.
  std::int64_t commit_waits_since_ms = 0;
  std::uint64_t next_cold = 1;

  std::int64_t now_ms() const { return clock.steady_ns() / 1'000'000; }
  bool ended = false;  // after a fatal failure or a contradiction: inputs do nothing

  // Carries out what the group wants, until it wants nothing more; `incoming` is the message that
  // is being received, if one is.
  void carry_out(const PeerMessage* incoming = nullptr);
  void carry_out_one(raft::Output output, const PeerMessage* incoming);
  // Passes on whether `status` is a success. What no disk may do ends the replica; a full one does
  // not.
  bool keep_going(const Status& status);
  void die(Error error);
  void contradict(std::string what);
  // Tells the group what of its log is on the disk now.
  void tell_durable();

  // --- replica_follower.cc
  void carry_out(const raft::Accept& accept, const PeerMessage* incoming);
  bool cut(Offset from);
  bool append_accepted(const raft::Accept& accept, ByteView batches);
  void carry_out(const raft::InstallRequest& install, const PeerMessage* incoming);

  // --- replica_join.cc
  bool is_newcomer() const;
  // Of what a newcomer hears. False: the message is dropped.
  bool take_measure(const PeerMessage& message);
  bool has_reached(const ReplicaState::Measure& measure) const;
  void look_for_level();

  // --- replica_leader.cc
  Status has_room_for(std::size_t bytes) const;
  void append_control();
  void carry_out(const raft::ReadForPeer& read);
  bool may_wait(const raft::ReadForPeer& read) const;
  void carry_out_paced();
  void send_range(const raft::ReadForPeer& read, const storage::ReadResult& found);
  void nothing_to_send(const raft::ReadForPeer& read);
  void send(raft::Envelope envelope);
  std::optional<SharedBytes> attachment_of(const raft::AppendRequest& request, raft::NodeId to);

  // --- memberships and damage
  // The side file is made to list `wanted`; no write when it does already.
  Status remember(const ReplicaState& wanted);
  // Before what is below the log start goes: the side file says the truth.
  Status settle_memory();

  Status look_for_lost_end(const std::optional<raft::HardState>& hard_state);
  // Cuts the log, or accepts its end; what it may have lost is on the side file before.
  Status cut_log(Offset from);

  // --- replica_numbers.cc
  Status make_producers();
  // Whatever kept the table from being made may be over.
  void look_for_producers();
  void tell_time();

  // --- replica_repair.cc
  void ask_for_repair();
  bool accept_end();
  void cut_at_damage();
  bool cut_to_copy_again(Offset from);
  void mend_from(const PeerMessage& message);
  void send_wanted(const PeerMessage& message);

  // --- replica_scrub.cc
  void announce(const RangeDigest& seen);
  std::optional<RangeDigest> digest_for(raft::NodeId peer);
  void compare_digest(const PeerMessage& message);

  // --- replica_compaction.cc
  Offset settled_here() const;
  Offset smallest_settled() const;
  Offset settled_by_all() const;
  void hear_settled(const PeerMessage& message);
  // What follows a log that ends there can be appended; false: not now.
  bool has_had_tombstones(Offset gone, Offset log_ends_at);

  // --- replica_start.cc
  // Where readers begin.
  Offset visible_start() const;
  Status check_visible(Offset offset) const;
  // The log begins further on.
  Status follow_log_start();
  Result<Offset> batch_boundary(Offset offset);
  // Precondition: all below `to` is committed and on this disk.
  Status raise_start(Offset to, BeginsAt begins_at);
  Status begin_at_batch();
  void follow_leaders_start(const PeerMessage& message);

  void look_for_damage();
  void look_for_repair();
  Offset damage_bound() const;
  bool has_always_been_alone() const;
  bool is_only_member() const;
};

// From the files of a replica to what a group begins with. Internal.
struct ReplicaFound {
  ReplicaState memory;
  ReplicaState on_disk;
  bool side_file_lost = false;
};
Result<ReplicaFound> find_memberships(Env& env, const std::string& dir,
                                      const storage::LogIdentity& identity, storage::Log& log,
                                      const raft::Membership& first,
                                      const std::optional<raft::HardState>& hard_state);
std::string replica_state_path(const std::string& dir);

}  // namespace penstock::broker
