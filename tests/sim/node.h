// Node: a simulated broker process with its disk: replicas, a vote store, and the little that a
// shell does around them: carry messages, wait for disks, answer producers. Which replicas there
// are is its resident's affair.
//
// The replicas, the vote store and the log under them are the production code. A crash destroys all
// of it and leaves the disk with a random part of what was not synced. Threads: one.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/host/replica.h"
#include "broker/host/vote_store.h"
#include "fakes/fake_env.h"
#include "tests/sim/groups.h"
#include "tests/sim/invariants/invariant.h"
#include "tests/sim/network.h"
#include "tests/sim/world.h"

namespace penstock::sim {

// What the parts of a life share.
struct Scene {
  World& world;
  const Weather& weather;
  Network& network;
  std::vector<std::unique_ptr<Invariant>>& invariants;
  Violations& violations;
  Groups& groups;
};

class Node;

Error unknown_outcome();

// What runs in the process beside the shell.
class Resident {
 public:
  virtual ~Resident() = default;
  // The process begins: opens replicas.
  virtual void start(Node& node) = 0;
  virtual void crash() {}
  // The disk was replaced by an empty one.
  virtual void forget() {}
  // Before the shell acts on it. True: the replica got an input, so that there is more output.
  virtual bool follow(GroupNumber, const broker::ReplicaOutput&) { return false; }
};

class Node {
 public:
  // Told once; kTimeout stands for "the outcome is not known".
  using Answer = std::move_only_function<void(Result<Offset>)>;

  Node(Scene& scene, raft::NodeId id, std::unique_ptr<Resident> resident);
  ~Node();

  raft::NodeId id() const { return id_; }
  bool is_up() const { return up_; }
  bool is_paused() const { return paused_until_ns_ > scene_.world.now_ns(); }
  // Nobody damaged its disk.
  bool is_intact() const { return intact_; }
  // Null when the node is down, or holds no copy.
  broker::Replica* replica(GroupNumber group);
  std::vector<GroupNumber> hosted() const;

  // --- fate
  void start();
  void crash();
  // The process dies, or the disk fails, at one of the next disk calls.
  void fail_disk_call(fakes::FaultPlan plan);
  // Nothing happens in the process for that long, then everything at once.
  void pause(std::int64_t for_ns);
  void jump_clock(std::int64_t ms) { clock_.jump_wall_ms(ms); }
  void fill_disk();
  void free_disk() { disk_->set_capacity(std::nullopt); }
  // Its flushes hang no more.
  void calm_disk() { disk_is_calm_ = true; }
  // Flips one bit in what is stored of a group, or puts a sector into another one's place, if
  // anything is stored. Precondition: down.
  void rot();
  // The last file of a group's log ends too early, if there is one. Precondition: down.
  void shorten();
  // An orderly stop: nothing follows what the logs' checkpoints know.
  void stop();
  // The disk is gone; another one takes its place, and the node another number. Precondition: down.
  void replace_disk(raft::NodeId new_id);

  // --- requests
  void receive(GroupNumber group, const broker::PeerMessage& message);
  // Asks this node to append a numbered batch, if it is not there yet, and answers when it is
  // committed, or not.
  void produce(GroupNumber group, Bytes batch, Answer answer);
  void transfer(GroupNumber group, raft::NodeId to);
  void change_membership(GroupNumber group, const std::vector<raft::NodeId>& voters,
                         const std::vector<raft::NodeId>& learners);
  // Asks for a deletion up to a random place, behind the commit point at times.
  void delete_records(GroupNumber group, Rng& rng);
  void read_index(GroupNumber group, std::uint64_t context);
  // Reads a random range of what is committed, as a consumer would.
  void reread(GroupNumber group, Rng& rng);

  // --- for the resident
  void set_id(raft::NodeId id) { id_ = id; }
  const Clock& clock() const { return clock_; }
  fakes::FakeEnv& disk() { return *disk_; }
  // kDiskFull: not now. Any other failure: the node died of it.
  Status open(GroupNumber group, raft::Membership first, broker::StateAtStart* state = nullptr);
  static std::string folder(GroupNumber group);
  // The copy and its votes go to trash. False: the node died of it. Precondition: can_trash().
  bool can_trash() const { return !flushing_votes_; }
  bool trash(GroupNumber group, Gone why);
  // Carries out what the replica asked for since the last time.
  void pump(GroupNumber group);
  // Runs `action` after `delay`, unless the process has died by then; later if it is paused.
  void later(std::int64_t delay_ns, World::Action action);
  std::int64_t disk_time();
  void die(const std::string& why);

 private:
  struct Waiter {
    Offset begin;
    Offset end;
    Term term;
    Answer answer;
  };
  struct Hosted {
    std::uint64_t opened = 0;  // counts openings of this node
    std::unique_ptr<broker::Replica> replica;
    bool flushing = false;
    bool checkpointing = false;
    std::int64_t timer_at_ms = -1;  // earliest one that is set
    std::deque<Waiter> waiters;
  };
  struct UnsavedVote {
    GroupNumber group;
    std::uint64_t opened;
    raft::HardState state;
  };

  std::string describe(GroupNumber group) const;
  ReplicaView view(GroupNumber group, const broker::ReplicaOutput* output = nullptr);
  Hosted* find(GroupNumber group);
  std::vector<std::string> log_folders() const;
  void note_rot(const char* how, const std::optional<std::string>& where);
  // As later(), unless that copy has gone by then.
  void later_for(GroupNumber group, std::int64_t delay_ns,
                 std::move_only_function<void(Hosted&)> action);
  bool show(GroupNumber group, const broker::ReplicaOutput& output);
  static void wait(Hosted& hosted, Waiter waiter);
  void answer_waiters(GroupNumber group, const broker::ReplicaOutput& output);
  void save(GroupNumber group, const raft::HardState& state);
  void flush_votes();
  bool votes_were_saved(const std::vector<UnsavedVote>& saved);
  void flush(GroupNumber group);
  void checkpoint(GroupNumber group);
  void read_cold(GroupNumber group, std::uint64_t ticket);
  void set_timer(GroupNumber group);
  void run_when_awake(std::uint64_t life, World::Action action);

  Scene& scene_;
  raft::NodeId id_;
  const std::unique_ptr<Resident> resident_;
  std::unique_ptr<fakes::FakeEnv> disk_;
  NodeClock clock_;
  bool disk_is_calm_ = false;
  fakes::Fault planned_ = fakes::Fault::kKill;
  bool up_ = false;
  bool intact_ = true;
  std::uint64_t life_ = 0;  // counts starts and crashes
  std::uint64_t openings_ = 0;
  std::int64_t paused_until_ns_ = 0;
  std::map<GroupNumber, Hosted> hosted_;
  std::unique_ptr<broker::VoteStore> votes_;
  bool flushing_votes_ = false;
  std::vector<UnsavedVote> unsaved_votes_;
};

}  // namespace penstock::sim
