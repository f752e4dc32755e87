// StateWorld: hosts of one state machine on replicas, on fake disks, wired in memory; one thread, a
// fake clock.
//
// It watches while it runs: wherever a machine stands, it is compared, byte for byte, with what any
// other was at the same offset; a machine never goes back; a host never stops for a contradiction.
// violations() says in words what was wrong. Stories use run(), which does all work at once; random
// lives do single pieces of it in any order.
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
#include "broker/host/state_host.h"
#include "broker/host/vote_store.h"
#include "fakes/fake_env.h"
#include "tests/broker/host/nodes.h"

namespace penstock::broker {

inline constexpr const char* kWorldDir = "/data";
inline constexpr const char* kLogDir = "/data/log";
inline constexpr const char* kStateDir = "/data/state";

struct StateNode {
  raft::NodeId id;
  std::unique_ptr<fakes::FakeEnv> env;
  std::unique_ptr<VoteStore> votes;
  std::unique_ptr<StateMachine> machine;
  std::unique_ptr<StateSnapshots> snapshots;
  std::unique_ptr<Replica> replica;
  std::unique_ptr<StateHost> host;  // none: it is down

  // --- work under way
  std::optional<raft::HardState> unsaved;
  std::optional<raft::HardState> saving;
  std::optional<VoteStore::FlushTicket> vote_flush;
  std::optional<storage::FlushTicket> flush;
  std::optional<StateSnapshots::Ticket> snapshot;
  std::deque<std::uint64_t> cold;
  bool holds_flushes = false;  // a disk that takes its time

  std::optional<Error> fatal;  // why it went down
  Offset published;            // in this life
  int published_times = 0;
  int snapshots_made = 0;
  int installs = 0;

  bool is_up() const { return host != nullptr; }
  template <typename Machine>
  const Machine& as() const {
    return static_cast<const Machine&>(*machine);
  }
};

class StateWorld {
 public:
  using MakeMachine = std::function<std::unique_ptr<StateMachine>()>;
  StateWorld(std::vector<raft::NodeId> voters, MakeMachine make, std::uint64_t seed = 1);

  StateNode& add(raft::NodeId id);  // its disk is empty
  StateNode& node(std::int32_t id) { return nodes_.at(raft::NodeId(id)); }
  std::map<raft::NodeId, StateNode>& nodes() { return nodes_; }
  Status start(StateNode& node);
  void start_everyone();
  void stop(StateNode& node);  // kill -9
  void crash(StateNode& node, fakes::Survives survives);

  // --- time and work
  void run(std::int64_t ms);
  bool run_until(const std::function<bool()>& done, std::int64_t ms = 20'000);
  void tick(StateNode& node);
  bool work(StateNode& node);  // one piece of disk work; false: there is none
  bool deliver(std::size_t which);
  void settle();  // all work there is, without time passing
  void pump(StateNode& node);
  std::deque<PeerMessage> network;
  void cut_off(std::int32_t id) { cut_off_.insert(raft::NodeId(id)); }
  void heal() { cut_off_.clear(); }

  StateNode* leader();  // that decides; the one of the highest term
  StateNode& elect();   // runs until there is one

  // Everybody who is up has applied everything; empty when so.
  std::string differences();
  std::vector<std::string> snapshot_files(const StateNode& node) const;
  const std::vector<std::string>& violations() const { return violations_; }
  // Asked whenever a machine is published; what is wrong with it, or nothing.
  std::function<std::string(const StateMachine&)> judge;

  FakeClock clock;
  Rng rng;
  raft::Options raft_options;
  storage::LogOptions log_options;
  std::uint64_t snapshot_after_bytes = 600;
  OldRecords old_records = OldRecords::kGo;

 private:
  void take(StateNode& node, const ReplicaOutput& output);
  bool is_alive(StateNode& node);
  void publish(StateNode& node, const StateMachine& machine);
  void violation(const StateNode& node, const std::string& what);

  std::vector<raft::NodeId> voters_;
  MakeMachine make_;
  std::map<raft::NodeId, StateNode> nodes_;
  std::set<raft::NodeId> cut_off_;
  std::map<Offset, Bytes> states_;  // at each offset, of whoever was there first
  std::vector<std::string> violations_;
};

}  // namespace penstock::broker
