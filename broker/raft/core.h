// Core: the facts of one group on one node that every idea of consensus works on, and the few moves
// that all of them share. The ideas are functions over it, one file each: election, follower,
// replication, membership_change, read_index, transfer.
//
// Invariants
// - `saved` is what the disk holds of `hard`; while they differ every message waits in `held`.
// - `lead` is set exactly while role == kLeader.
// - committed only grows, but for a cut at damage; log.start().end <= committed <= log.end().
// - matched (a follower's) is what is known to equal the log of the leader of `hard.term`.
// Failure: fault() ends the part of this node in the group.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/mutant.h"
#include "base/random.h"
#include "broker/raft/group.h"
#include "broker/raft/log_shape.h"
#include "broker/raft/progress.h"

namespace penstock::raft {

struct PendingRead {
  std::uint64_t context = 0;
  std::uint64_t round = 0;  // a majority must have answered this one or a later
  Offset committed;
};

struct Transfer {
  NodeId to;
  std::int64_t give_up_ms = 0;
  bool asked = false;  // TimeoutNow has left
};

struct Leadership {
  // Where the no-op lies that opens the term; none when a sole voter leads, who needs none.
  std::optional<Offset> opening;
  std::map<NodeId, Progress> peers;
  std::uint64_t round = 0;            // of the last heartbeat or probe
  std::uint64_t broadcast_round = 0;  // of the last one that everybody got
  std::int64_t heartbeat_due_ms = 0;
  // Handed to the shell and not appended yet: nothing else may be appended before it.
  std::optional<ControlEntry> control;
  std::int64_t control_since_ms = 0;
  std::deque<std::pair<Offset, std::uint64_t>> uncommitted;  // end, bytes
  std::uint64_t uncommitted_bytes = 0;
  std::deque<PendingRead> reads;  // ascending rounds
  std::optional<Transfer> transfer;
};

struct Core {
  Core(NodeId self, const Options& options, Restored restored, std::uint64_t seed,
       std::int64_t now_ms);

  const NodeId self;
  const Options options;
  Rng rng;
  std::int64_t now_ms;

  HardState hard;
  HardState saved;
  LogShape log;
  Offset committed;
  Offset damaged_until;
  LogPoint once_had;
  std::optional<std::int64_t> flush_since_ms;

  Role role = Role::kFollower;
  NodeId leader = kNobody;
  std::int64_t leader_heard_ms = 0;
  std::optional<CommitNews> told;  // follower: by a leader of any term, last
  std::int64_t election_due_ms = 0;
  std::vector<NodeId> votes;     // for this candidate, in its present ballot
  Offset matched;                // follower
  std::uint64_t round_seen = 0;  // follower: of the last append that fitted
  std::optional<Leadership> lead;

  Output output;
  std::vector<Envelope> held;
  bool faulty = false;

  // Leaves at once, or when term and vote are saved.
  void send(NodeId to, Message message);
  void release_held();
  void set_hard(const HardState& state);
  void set_role(Role to, NodeId its_leader);
  // Adopts `term` when it is newer. Whoever led, or asked for votes, stops.
  void become_follower(Term term, NodeId its_leader);
  void restart_election_timer();
  void commit_to(Offset to);  // never back
  void fault(std::string what);

  bool is_leading() const { return role == Role::kLeader; }
  // All that earlier leaders committed is known to be committed.
  bool is_ready() const {
    if (mutant(Mutant::kReadyBeforeOpening)) return is_leading();
    return is_leading() && (!lead->opening || committed > *lead->opening);
  }
  // The own disk has not answered for so long that this node had better not lead.
  bool is_flush_stalled() const;
  // A leader is known to be alive: nobody may disturb it (leader stickiness).
  bool hears_leader() const;
  // What this follower may tell the leader: durable, and equal to the leader's log.
  Offset reported() const {
    if (mutant(Mutant::kAcknowledgesUnknownTail)) return log.durable_end();
    return std::min(log.durable_end(), matched);
  }
};

}  // namespace penstock::raft
