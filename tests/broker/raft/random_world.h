// RandomWorld: up to five groups with simulated disks and a bad network, driven by one seed, and a
// judge that sees everything: each disk, each message when it leaves, each commit.
//
// Faults: loss, duplication, reordering, cut links (one way too), crashes that lose what was not
// saved or flushed, failed writes, late flushes, late saves, late reads. Moves: proposals, trims of
// the log (so that members need installs), membership changes, transfers, reads.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "broker/raft/group.h"
#include "random_log.h"

namespace penstock::raft::random_world {

inline constexpr int kNodes = 5;

struct Flush {
  Offset end;
  std::uint64_t version = 0;
};

struct Node {
  NodeId id;
  // on the disk
  HardState hard;
  RandomLog log;
  // in memory
  std::optional<Group> group;  // none: crashed
  std::optional<HardState> saving;
  std::optional<Flush> flushing;
  std::vector<ReadForPeer> reading;
  Offset committed_seen;
  Term led;  // the last term whose leadership was judged
};

struct Packet {
  Envelope envelope;
  std::vector<Record> records;
};

class RandomWorld {
 public:
  explicit RandomWorld(std::uint64_t seed);

  // So many random events, then healing; true when every promise held. The first broken one is in
  // violation().
  bool run(int events);
  const std::string& violation() const { return violation_; }

  struct Seen {  // so that a test can tell that it tested something
    std::uint64_t commits = 0, elections = 0, installs = 0, truncations = 0, changes = 0, reads = 0,
                  transfers = 0, crashes = 0;
  };
  const Seen& seen() const { return seen_; }

 private:
  // --- driving (random_world.cc)
  void random_event();
  void heal_and_settle();
  bool is_settled();
  Node& node(NodeId id) { return nodes_[static_cast<std::size_t>(id.value() - 1)]; }
  Node* any_alive();
  Node* any_leader();
  void pass_time(std::int64_t ms);
  void deliver_one();
  void deliver(const Packet& packet);
  void crash(Node& at);
  void restart(Node& at);
  void propose(Node& at);
  void trim(Node& at);
  void random_change(Node& at);
  void finish_save(Node& at);
  void begin_or_end_flush(Node& at);
  void answer_read(Node& at);

  // --- the shell of a group (random_shell.cc)
  void carry_out(Node& at);
  void carry_out_accept(Node& at, const Accept& accept, const std::vector<Record>& records);
  void append(Node& at, const Membership* members, int records);
  void send_range(Node& at, const ReadForPeer& read);
  void send(Node& at, const Envelope& envelope);
  const Membership* keep(const Membership& membership);

  // --- the judge (random_judge.cc)
  void broken(const std::string& what);
  void judge_message(const Node& at, const Envelope& envelope);
  void judge_leader(Node& at);
  void judge_commit(Node& at);
  void judge_durable_majority(const Node& leader, Offset committed);
  void judge_logs();

  Rng rng_;
  const std::uint64_t seed_;
  std::int64_t now_ms_ = 1'000;
  bool is_calm_ = false;  // no faults any more
  std::uint64_t loss_one_in_;
  std::uint64_t duplicate_one_in_;
  std::uint64_t reorder_one_in_;
  std::array<Node, kNodes> nodes_;
  std::array<std::array<bool, kNodes>, kNodes> cut_{};
  std::deque<Packet> network_;
  const std::vector<Record>* arriving_ = nullptr;  // beside the append that is being delivered
  std::deque<Membership> memberships_;
  std::uint64_t next_value_ = 1;
  std::map<Term, NodeId> leaders_;
  std::vector<Record> decided_;  // what was ever committed, from offset 0
  std::map<std::uint64_t, Offset> reads_;
  std::uint64_t next_read_ = 1;
  std::string violation_;
  Seen seen_;
};

}  // namespace penstock::raft::random_world
