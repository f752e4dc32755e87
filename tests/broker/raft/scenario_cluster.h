// The nodes of a scenario, what is between them, and how they run on by themselves.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/broker/raft/scenario_node.h"

namespace penstock::raft {

class ScenarioCluster {
 public:
  ScenarioTrace& trace() { return trace_; }
  ScenarioNetwork& network() { return network_; }
  ScenarioSafety& safety() { return safety_; }
  const ScenarioNodes& nodes() const { return nodes_; }
  Options& options() { return options_; }

  void add(NodeId id, HardState hard_state, LogImage log);
  // Null, and a failure, when there is no such node, or when it is down and must not be.
  ScenarioNode* find(NodeId id);
  ScenarioNode* find_up(NodeId id);
  std::vector<NodeId> everybody() const;

  // False when no message matches.
  bool deliver(const ParcelFilter& filter);
  // Saves, flushes and delivers among these nodes (empty: all) until nothing is left to do.
  void stabilize(const std::set<NodeId>& among);
  // Passes time on all clocks in small steps; timers fire when their deadline says so.
  void run(std::int64_t ms);
  // The others have not heard a leader lately, `id` asks first, and all is carried out.
  void elect(NodeId id);

  // --- what scenarios ask about
  std::vector<NodeId> leaders_of_latest_term() const;
  bool same_logs(const std::vector<NodeId>& ids) const;

 private:
  bool move_disks(const std::set<NodeId>& among);
  bool move_messages(const std::set<NodeId>& among);
  void arrive(const Parcel& parcel);

  ScenarioTrace trace_;
  ScenarioNetwork network_;
  ScenarioNodes nodes_;
  ScenarioSafety safety_{nodes_, trace_};
  ScenarioStage stage_{trace_, network_, safety_};
  Options options_;
};

}  // namespace penstock::raft
