// Cluster: replicas of one log on fake disks, wired in memory, one thread, a fake clock.
//
// It watches while it runs: whatever a member calls committed is compared, byte for byte, with what
// anyone called committed before, again after every restart; and what a leader acknowledged must be
// among it. violations() says in words what was wrong. Stories use run(), which does all work at
// once; random lives do single pieces of it in any order.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "broker/host/replica.h"
#include "broker/host/vote_store.h"
#include "fakes/fake_env.h"
#include "protocol/record/batch.h"
#include "tests/broker/host/nodes.h"

namespace penstock::broker {

inline constexpr const char* kNodeDir = "/data";
inline constexpr const char* kReplicaDir = "/data/p0";

// A state machine that is its own position.
class PositionAsState final : public StateAtStart {
 public:
  Result<SharedBytes> state_at(raft::LogPoint start) override;
  Status install(raft::LogPoint start, ByteView state) override;
  bool is_ready = true;
  int installed = 0;
};

struct Member {
  raft::NodeId id;
  std::unique_ptr<fakes::FakeEnv> env;
  PositionAsState state;
  std::unique_ptr<VoteStore> votes;
  std::unique_ptr<Replica> replica;  // none: it is down
  bool rebuilt_state = false;
  bool knows_nobody = false;  // began to take part when the group was there already

  // --- work under way
  std::optional<raft::HardState> unsaved;
  std::optional<raft::HardState> saving;
  std::optional<VoteStore::FlushTicket> vote_flush;
  std::optional<storage::FlushTicket> flush;
  std::optional<storage::CompactionTicket> pass;
  std::deque<std::uint64_t> cold;
  bool holds_flushes = false;  // a disk that takes its time

  std::optional<Error> fatal;  // why it went down
  std::optional<std::string> fault;
  int truncations = 0;
  int resets = 0;
  int cold_reads = 0;
  Offset checked;  // committed and compared up to here, in this life

  bool is_up() const { return replica != nullptr; }
  Replica& operator*() const { return *replica; }
  Replica* operator->() const { return replica.get(); }
};

class Cluster {
 public:
  explicit Cluster(std::vector<raft::NodeId> first_voters, std::uint64_t seed = 1);

  // --- members
  Member& add(raft::NodeId id);  // its disk is empty
  Member& node(std::int32_t id) { return members_.at(raft::NodeId(id)); }
  std::map<raft::NodeId, Member>& members() { return members_; }
  Status start(Member& member);
  void stop(Member& member);                               // kill -9
  void crash(Member& member, fakes::Survives survives);    // power cut
  void restart(Member& member, fakes::Survives survives);  // power cut and start
  void start_everyone();

  // --- time and work
  // All work of `ms` milliseconds, as fast disks and networks do it.
  void run(std::int64_t ms);
  // Until `done`, at most `ms`; false: it never was.
  bool run_until(const std::function<bool()>& done, std::int64_t ms = 20'000);
  void tick(Member& member);
  // One piece of disk work; false: there is none.
  bool work(Member& member);
  bool deliver(std::size_t which);  // a message of the network, by its place in the queue
  void settle();                    // all work there is, without time passing
  std::deque<PeerMessage> network;
  // Messages for which it says so are lost.
  std::function<bool(const PeerMessage&)> loses = [](const PeerMessage&) { return false; };
  void cut_off(std::int32_t id) { cut_off_.insert(raft::NodeId(id)); }
  void heal() { cut_off_.clear(); }

  // --- the client
  Member* leader();  // that is ready; the one of the highest term
  Member& elect();   // runs until there is one
  // A batch of one record to that member; remembered until it is committed.
  Result<ReplicaAppend> append(Member& member, std::size_t value_bytes = 40);
  Result<ReplicaAppend> append_batch(Member& member, Bytes batch);
  // Runs until `count` more are acknowledged.
  bool produce(int count, std::size_t value_bytes = 40);
  std::uint64_t acknowledged() const { return acknowledged_; }

  // --- key compaction, of a cluster that keeps tombstones for some time
  // One piece of a pass; false: there is nothing to do.
  bool compact_piece(Member& member);
  // Everything that is committed, here and now.
  void compact(Member& member);

  // --- judgement
  const std::vector<std::string>& violations() const { return violations_; }
  // Everybody who is up has all that was ever committed; empty when so.
  std::string differences();
  Offset committed_end() const { return committed_end_; }
  // Told of each batch once, in order, when anyone commits it.
  std::function<void(ByteView)> on_committed;
  // After output of `member` was taken and passed on.
  void drain(Member& member);

  FakeClock clock;
  Rng rng;
  raft::Options raft_options;
  storage::LogOptions log_options;
  bool has_state = true;  // a state machine, which says for itself what it still needs
  // The log is compacted: what members hold of it may lack records, and is otherwise the same.
  std::optional<std::int64_t> tombstones_stay_ms;

 private:
  struct Waiting {
    raft::NodeId leader;
    Term term;
    Offset base;
    Offset end;
    Bytes batch;
  };

  void take(Member& member, ReplicaOutput output);
  void compare_committed(Member& member);
  bool is_what_is_left(const record::BatchView& batch) const;
  void acknowledge(Member& member);
  void violation(const Member& member, const std::string& what);

  std::vector<raft::NodeId> first_voters_;
  std::map<raft::NodeId, Member> members_;
  std::set<raft::NodeId> cut_off_;
  std::map<Offset, Bytes> committed_;  // by base offset, as stored
  Offset committed_end_;
  std::vector<Waiting> waiting_;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t produced_ = 0;
  std::vector<std::string> violations_;
};

}  // namespace penstock::broker
