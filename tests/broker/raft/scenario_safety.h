// What must hold in every scenario, after everything that happens, whatever the scenario expects.
//
// Invariants that are checked: one leader a term; a leader holds all that was ever committed; a
// committed record is never another one later, and was on the disks of every majority that counts
// when it was first seen committed; one record for an (offset, term) forever; no message leaves
// before the term and vote it follows from are saved; an accepting reply speaks of nothing but
// durable records equal to the leader's; a read is confirmed at or above what was committed when it
// was asked for; commit points and saved terms never go back; the core's log is the shell's log.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "tests/broker/raft/scenario_log.h"
#include "tests/broker/raft/scenario_trace.h"

namespace penstock::raft {

class ScenarioNode;
using ScenarioNodes = std::map<NodeId, ScenarioNode>;

class ScenarioSafety {
 public:
  ScenarioSafety(const ScenarioNodes& nodes, ScenarioTrace& trace) : nodes_(nodes), trace_(trace) {}

  // A record of the past or of a forged message: the same for everybody who is said to have it.
  ScenarioBatch made_up(Offset begin, Term term, std::uint64_t bytes = 100);
  std::uint64_t next_content() { return ++contents_; }

  void written(NodeId node, const ScenarioBatch& batch);
  void saved(NodeId node, const HardState& before, const HardState& now);
  void sent(const ScenarioNode& from, const Envelope& envelope);
  void read_asked(std::uint64_t context) { reads_[context] = {committed_end_, "pending"}; }
  void read_ready(NodeId node, const ReadReady& ready);
  void read_failed(std::uint64_t context) { reads_[context].outcome = "failed"; }
  // "pending", "failed", or where it may read.
  std::string read_outcome(std::uint64_t context) { return reads_[context].outcome; }
  void check();

  // `fault` is what the scenario is about.
  void allow_fault(NodeId node) { allowed_faults_.insert(node); }
  void check_faults();

 private:
  struct Read {
    Offset committed;  // by anybody, when it was asked for
    std::string outcome;
  };

  void check_log(const ScenarioNode& node);
  void check_leader(const ScenarioNode& node);
  void check_committed(const ScenarioNode& node);
  void check_reply(const ScenarioNode& from, NodeId to, const AppendReply& reply);
  bool on_majorities(const Membership& membership, const ScenarioBatch& batch) const;
  bool on_majority(const std::vector<NodeId>& voters, const ScenarioBatch& batch) const;

  const ScenarioNodes& nodes_;
  ScenarioTrace& trace_;
  std::uint64_t contents_ = 0;
  std::map<std::pair<Offset, Term>, ScenarioBatch> written_;
  std::map<std::pair<Offset, Term>, ScenarioBatch> made_up_;
  std::map<Offset, ScenarioBatch> committed_;
  Offset committed_end_;
  std::map<Term, NodeId> leaders_;
  std::map<std::uint64_t, Read> reads_;
  std::set<NodeId> allowed_faults_;
};

}  // namespace penstock::raft
