// Group: the consensus of one replicated log on one node. Pure: no clock, no disk, no network.
//
// How it is driven. The shell owns the log and the network. It calls one input, then take_output(),
// and carries the output out; order and durability are kept by the core, so an output's messages
// may be sent at once: what depends on a disk is held back until the shell has reported it
// (saved(), durable(), was_reset()). The core believes only what the shell has confirmed: nothing
// counts as appended before appended(), so a failed write needs no undoing.
//
//   leader    propose_room() -> shell appends at log_end() under term() -> appended() -> [reads,
//             messages] ... durable() -> committed
//   follower  step(AppendRequest) -> output.accept -> shell cuts, appends -> accepted() -> ...
//             durable() -> reply
//
// Invariants: docs/raft.md. Threads: one at a time. Failure: a call that the present role does not
// allow returns an error and changes nothing; what contradicts the protocol itself (a truncation
// below the commit point, a second leader in one term) becomes output.fault, and the group takes no
// further part until it is made anew from its disk.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "broker/raft/message.h"
#include "broker/raft/options.h"
#include "broker/raft/types.h"

namespace penstock::raft {

// What a group begins with: as it was found on the disk.
struct Restored {
  HardState hard_state;
  // The log: `start` says where it begins and the term of what was there before.
  LogPoint start;
  std::vector<TermRun> runs;
  Offset end;                                 // all of it durable
  Membership base_membership;                 // in effect at `start`; of nobody: not known yet
  std::vector<PlacedMembership> memberships;  // found in [start, end)
  // Lower bound of what is known to be committed (the log start, or what a state machine has
  // applied durably).
  Offset committed;
  // What was once durable here but is not intact: the group neither leads nor votes for a log that
  // is shorter. Set to zero offset when the log is whole.
  Offset damaged_until;
  // How far the log must come again before this node is a candidate; nor gets a candidate its vote
  // whose log is behind that: the end of a log that was cut at damage, as it was before the cut, or
  // of the leader's when this node came to a group that others had begun.
  LogPoint once_had = {};
  // The term is at least this one: whoever leads an older one is to be replaced.
  Term term_floor = kFirstTerm;
};

// What to do with the batches that came beside an AppendRequest.
struct Accept {
  NodeId from;
  std::optional<Offset> truncate_to;  // cut the log there first
  Offset append_from;                 // skip the batches below: they are here already
  EntryRange range;                   // what remains: [append_from, end); bytes as in the request
  AppendRequest request;              // hand back to accepted()
};

// A control batch for the leader's log, to be appended at `at` under `term`.
struct ControlEntry {
  Offset at;
  Term term;
  std::optional<Membership> membership;  // none: the no-op that opens a term
};

// Read batches from `from` on, at most `max_bytes` (one batch at least), tell what they are with
// send_range(), and send the message that the next output holds together with the batches.
struct ReadForPeer {
  NodeId to;
  Offset from;
  std::uint64_t max_bytes = 0;
  std::uint64_t ticket = 0;  // an answer to an older one is ignored
};

struct ReadReady {
  std::uint64_t context = 0;
  Offset committed;  // everything that was committed when the read was asked for is below
};

struct Output {
  std::optional<HardState> save;  // then saved()
  std::optional<Accept> accept;   // then accepted(), or nothing when it failed: the leader repeats
  std::optional<InstallRequest> reset;  // forget the log, begin at start; then was_reset()
  std::vector<ControlEntry> control;    // append in this order; then appended() for each
  std::vector<ReadForPeer> reads;
  std::vector<Envelope> messages;  // free to leave
  std::vector<ReadReady> reads_ready;
  std::vector<std::uint64_t> reads_failed;  // no longer leader: ask elsewhere
  std::optional<Offset> committed;          // moved to
  bool role_changed = false;                // role(), leader() or term()
  std::optional<std::string> fault;
};

// What a leader knows of a member, for status and placement.
struct PeerStatus {
  NodeId node;
  Offset durable_end;
  std::int64_t last_heard_ms = 0;
  bool voter = false;
  bool installing = false;
  std::uint64_t inflight_bytes = 0;
};

class Group {
 public:
  Group(NodeId self, Options options, Restored restored, std::uint64_t seed, std::int64_t now_ms);
  ~Group();
  Group(Group&&) noexcept;
  Group& operator=(Group&&) noexcept;

  // --- inputs
  void step(NodeId from, const Message& message, std::int64_t now_ms);
  void tick(std::int64_t now_ms);
  // When tick() has something to do next; calling it earlier or later is harmless.
  std::int64_t next_deadline_ms() const;
  Output take_output();

  // Leader: bytes that may be appended now. kNotLeader, kNotReady (its term has no committed record
  // yet, leadership is being transferred), kOverloaded (too much has no majority yet).
  Result<std::uint64_t> propose_room() const;
  // Leader: the shell has appended its own batches (propose_room(), output.control) at the end.
  // All under term(); range.begin == log_end().
  Status appended(const EntryRange& range, std::int64_t now_ms);
  // Follower: output.accept was carried out.
  Status accepted(const Accept& accept, std::int64_t now_ms);
  // output.reset was carried out and is durable.
  Status was_reset(const InstallRequest& install, std::int64_t now_ms);
  // Everything below `end` is on this node's disk. `version` is log_version() when the flush began:
  // what was truncated since then does not count.
  void durable(Offset end, std::uint64_t version, std::int64_t now_ms);
  void saved(const HardState& state, std::int64_t now_ms);
  // Answer to ReadForPeer; `range` begins at read.from. An empty one means: nothing could be read
  // now, ask again later.
  void send_range(const ReadForPeer& read, const EntryRange& range, std::int64_t now_ms);
  // The attached state could not be sent, or was refused: try again after a while.
  void install_failed(NodeId to, std::int64_t now_ms);
  // The shell removed the log's beginning; `to` <= committed().
  Status log_start_moved(Offset to);
  // A flush has begun and not ended for so long; steps down when that is too long.
  void flush_pending_since(std::optional<std::int64_t> since_ms);
  // The damage was repaired (zero), or found (the durable end at that time).
  void set_damaged_until(Offset offset);
  // The shell cut a follower's log at damage, to have it sent again: below the commit point, if
  // need be, which goes back with it. `had`: its end until then (Restored.once_had).
  Status cut_at_damage(Offset to, LogPoint had);
  // Zero: everything is here again.
  void set_once_had(LogPoint had);

  // --- requests to a leader
  // New voters and learners; goes through a joint membership when the voters change. kNotLeader,
  // kNotReady, kChangeInProgress, kNotCaughtUp (a new voter must be a learner that keeps up),
  // kInvalidArgument (no voters).
  Status change_membership(const std::vector<NodeId>& voters, const std::vector<NodeId>& learners,
                           std::int64_t now_ms);
  // kNotLeader, kInvalidArgument (no voter), kNotReady.
  Status transfer_leadership(NodeId to, std::int64_t now_ms);
  // Confirms leadership by a round of heartbeats; output.reads_ready or reads_failed.
  Status read_index(std::uint64_t context, std::int64_t now_ms);
  // For the first start of a group's only voter, and for tests: campaign now.
  void campaign(std::int64_t now_ms);
  void step_down(std::int64_t now_ms);

  // --- state
  NodeId self() const;
  Role role() const;
  Term term() const;
  NodeId leader() const;  // kNobody: not known
  Offset log_start() const;
  Offset log_end() const;
  Offset durable_end() const;
  Offset committed() const;
  // Leader whose term has a committed record: may answer for the end of the log.
  bool is_ready() const;
  // All that was committed, and when that was known: of a ready leader its own, of a follower what
  // its leader told last. None: nobody has told it anything yet.
  std::optional<CommitNews> commit_news() const;
  std::uint64_t log_version() const;
  const Membership& membership() const;  // latest in the log, committed or not
  bool membership_is_committed() const;
  Term term_at(Offset offset) const;      // offset in [log_start, log_end)
  LogPoint point_at(Offset end) const;    // end in [log_start, log_end]
  LogPoint end_of_term(Term term) const;  // last point whose term is <= `term`
  std::vector<PeerStatus> peers() const;  // leader: all others
  bool is_faulty() const;
  // One line: "n1 leader t3 log=[0, 14) durable=14 commit=12 voters=1,2,3".
  std::string describe() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace penstock::raft
